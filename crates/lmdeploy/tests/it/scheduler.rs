//! Properties of the scheduler under random requests, cancels, failures and timeouts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use internlm_model::TokenId;
use lmdeploy::engine::{
    Batch, CancelCause, Capacity, End, EngineFault, Event, LogitsDetail, LogitsWanted, PromptLogits,
    Rejected, Request, RequestId, Scheduler, SchedulerConfig, StepResult, StopCause,
};
use proptest::prelude::*;

/// One thing that happens to a scheduler.
#[derive(Clone, Debug)]
enum Action {
    Submit { prompt: usize, max_new: usize, priority: i32, score: bool, timeout: Option<u64> },
    CancelBetween(usize),
    Step { cancel_under_way: Option<usize>, outcome: u8 },
}

fn action() -> impl Strategy<Value = Action> {
    let submit = (1..60_usize, 0..30_usize, -2..3_i32, any::<bool>(), prop::option::weighted(0.2, 1..40_u64));
    let submit = submit.prop_map(|(prompt, max_new, priority, score, timeout)| Action::Submit {
        prompt,
        max_new,
        priority,
        score,
        timeout,
    });
    let step = (prop::option::weighted(0.1, 0..20_usize), any::<u8>());
    let step = step.prop_map(|(cancel_under_way, outcome)| Action::Step { cancel_under_way, outcome });
    prop_oneof![3 => submit, 1 => (0..20_usize).prop_map(Action::CancelBetween), 12 => step]
}

/// Limits of a scheduler whose longest sequence fills the cache.
fn limits(
    blocks: usize,
    block_tokens: usize,
    max_batched_tokens: usize,
    max_sequences: usize,
) -> SchedulerConfig {
    let max_position = blocks * block_tokens;
    let (vocab, cache_bytes) = (100, 0);
    SchedulerConfig::new(&Capacity {
        blocks,
        block_tokens,
        max_batched_tokens,
        max_sequences,
        max_position,
        vocab,
        cache_bytes,
    })
}

fn config() -> impl Strategy<Value = SchedulerConfig> {
    (1..24_usize, 1..9_usize, 1..6_usize, 0..30_usize, 0..6_usize, any::<bool>()).prop_map(
        |(blocks, block_tokens, max_sequences, extra, max_queue, caching)| {
            let config = limits(blocks, block_tokens, max_sequences + extra, max_sequences)
                .with_max_queue(max_queue)
                .with_aging(Duration::from_secs(3));
            if caching { config } else { config.without_prefix_caching() }
        },
    )
}

/// A scheduler together with what must be true of it.
struct Watched {
    scheduler: Scheduler,
    now: Duration,
    accepted: BTreeSet<RequestId>,
    admitted: BTreeSet<RequestId>,
    requests: BTreeMap<RequestId, Request>,
    generated: BTreeMap<RequestId, usize>,
    ended: BTreeMap<RequestId, End>,
    next: u64,
}

impl Watched {
    fn new(config: SchedulerConfig) -> Self {
        Self {
            scheduler: Scheduler::new(config),
            now: Duration::ZERO,
            accepted: BTreeSet::new(),
            admitted: BTreeSet::new(),
            requests: BTreeMap::new(),
            generated: BTreeMap::new(),
            ended: BTreeMap::new(),
            next: 0,
        }
    }

    fn submit(&mut self, prompt: usize, max_new: usize, request: Request) {
        let id = RequestId(self.next);
        self.next += 1;
        let prompt: Vec<TokenId> = (0..prompt as u32).map(TokenId).collect();
        let request = Request { id, prompt, max_new, ..request };
        let limit = self.scheduler.config().max_length;
        let fits = request.prompt.len() + max_new.min(1) <= limit;
        match self.scheduler.submit(request.clone(), self.now) {
            Ok(()) => {
                assert!(fits, "only what fits is accepted");
                self.accepted.insert(id);
                self.requests.insert(id, request);
            }
            Err(Rejected::TooLong { .. }) => assert!(!fits, "only what does not fit is too long"),
            Err(Rejected::QueueFull { .. }) => {}
            Err(other) => panic!("unexpected {other}"),
        }
    }

    /// The request under `index`, of those that have not ended.
    fn living(&self, index: usize) -> Option<RequestId> {
        let living: Vec<_> = self.accepted.iter().filter(|id| !self.ended.contains_key(id)).collect();
        (!living.is_empty()).then(|| *living[index % living.len()])
    }

    fn step(&mut self, cancel_under_way: Option<usize>, outcome: u8) {
        self.now += Duration::from_secs(1);
        self.scheduler.set_prompt_share((outcome >= 64).then(|| f64::from(outcome) / 128.0));
        let batch = self.scheduler.schedule(self.now);
        self.check_batch(&batch);
        self.check_scheduler();
        if let Some(id) = cancel_under_way.and_then(|index| self.living(index)) {
            self.scheduler.cancel(id, CancelCause::Disconnect);
        }
        let results = batch.steps.iter().enumerate().map(|(place, step)| {
            let tokens = self.scheduler.tokens(step.id).map_or(0, <[TokenId]>::len);
            let last = step.position + step.tokens.len() == tokens;
            match (outcome.wrapping_add(place as u8) % 16, last && self.requests[&step.id].max_new > 0) {
                (0, _) => StepResult::Failed("scripted".to_owned()),
                (_, false) => StepResult::Computed,
                (1, true) => StepResult::Stopped(TokenId(7)),
                (2, true) => StepResult::Sampled(TokenId(2)),
                (_, true) => StepResult::Sampled(TokenId(9)),
            }
        });
        let results = results.collect();
        self.scheduler.commit(&batch, results);
        self.check_scheduler();
        self.take_events();
    }

    fn check_batch(&self, batch: &Batch) {
        let config = self.scheduler.config();
        assert!(batch.tokens() <= config.max_batched_tokens && batch.steps.len() <= config.max_sequences);
        let mut written = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for step in &batch.steps {
            assert!(!step.tokens.is_empty() && ids.insert(step.id), "a sequence takes part once");
            assert!(!self.ended.contains_key(&step.id), "an ended request takes no part");
            let keys = step.position + step.tokens.len();
            assert_eq!(
                step.blocks.len(),
                keys.div_ceil(config.block_tokens),
                "blocks cover the keys exactly"
            );
            let mut writes = step.blocks.iter().skip(step.position / config.block_tokens);
            assert!(writes.all(|block| written.insert(*block)), "no block has two writers");
            let known = self.scheduler.tokens(step.id).expect("known");
            assert_eq!(step.tokens, known[step.position..keys], "the tokens are the sequence's");
            assert!(
                keys < known.len()
                    || step.logits != LogitsWanted::None
                    || self.requests[&step.id].max_new == 0
            );
        }
    }

    fn check_scheduler(&self) {
        assert_eq!(self.scheduler.problems(), Vec::<String>::new());
        let stats = self.scheduler.stats();
        assert!(stats.running <= self.scheduler.config().max_sequences);
    }

    fn take_events(&mut self) {
        for event in self.scheduler.take_events() {
            match event {
                Event::Admitted { id, cached_tokens } => {
                    assert!(self.admitted.insert(id), "a request is admitted once");
                    assert!(!self.ended.contains_key(&id) && self.accepted.contains(&id));
                    assert!(cached_tokens < self.requests[&id].prompt.len(), "its last token is computed");
                }
                Event::Token { id, .. } => {
                    assert!(self.admitted.contains(&id) && !self.ended.contains_key(&id), "between both");
                    *self.generated.entry(id).or_default() += 1;
                }
                Event::End { id, end } => {
                    assert!(self.accepted.contains(&id));
                    assert_eq!(self.ended.insert(id, end), None, "exactly one end");
                }
            }
        }
    }

    /// Runs until nothing is left, within a number of steps that progress guarantees.
    fn finish(&mut self) {
        let mut left = 20_000;
        while self.scheduler.has_work() {
            self.step(None, 3);
            left -= 1;
            assert!(left > 0, "work ends");
        }
        self.take_events();
        assert_eq!(self.accepted, self.ended.keys().copied().collect(), "every request has its end");
        let stats = self.scheduler.stats();
        assert_eq!((stats.active_blocks, stats.running, stats.waiting), (0, 0, 0));
        for (id, end) in &self.ended {
            let (request, generated) = (&self.requests[id], self.generated.get(id).copied().unwrap_or(0));
            let full = request.prompt.len() + generated >= self.scheduler.config().max_length;
            match end {
                End::Length => assert!(generated == request.max_new || full),
                End::Stop(StopCause::Id(id)) => assert_eq!(*id, TokenId(2)),
                End::Stop(StopCause::Text) => assert!(generated > 0),
                End::Error(EngineFault::Timeout) => assert!(request.timeout.is_some()),
                End::Abort(_) | End::Error(EngineFault::Execution(_)) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }
}

/// The fields of a request that a test does not choose.
fn plain_request() -> Request {
    Request {
        id: RequestId(0),
        prompt: Vec::new(),
        max_new: 0,
        stop_ids: vec![TokenId(2)],
        priority: 0,
        prompt_logits: PromptLogits::Last,
        detail: LogitsDetail::Top(1),
        timeout: None,
        cache_salt: None,
        group: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_request_gets_one_end_and_every_block_comes_back(
        config in config(),
        actions in prop::collection::vec(action(), 1..120),
    ) {
        let mut watched = Watched::new(config);
        for action in actions {
            match action {
                Action::Submit { prompt, max_new, priority, score, timeout } => {
                    let prompt_logits = if score { PromptLogits::All } else { PromptLogits::Last };
                    let timeout = timeout.map(Duration::from_secs);
                    let request = Request { priority, prompt_logits, timeout, ..plain_request() };
                    watched.submit(prompt, max_new, request);
                }
                Action::CancelBetween(index) => {
                    if let Some(id) = watched.living(index) {
                        watched.scheduler.cancel(id, CancelCause::Disconnect);
                        watched.take_events();
                    }
                }
                Action::Step { cancel_under_way, outcome } => watched.step(cancel_under_way, outcome),
            }
        }
        watched.finish();
    }
}

fn roomy() -> SchedulerConfig {
    limits(8, 4, 8, 4).with_max_queue(8)
}

#[test]
fn long_prompts_are_cut_into_chunks_next_to_decodes() {
    let mut watched = Watched::new(roomy());
    watched.submit(2, 20, plain_request());
    watched.step(None, 3);
    watched.submit(20, 1, plain_request());
    let batch = watched.scheduler.schedule(watched.now);
    let parts: Vec<_> = batch.steps.iter().map(|step| (step.id.0, step.tokens.len(), step.logits)).collect();
    assert_eq!(parts, [(0, 1, LogitsWanted::Last), (1, 7, LogitsWanted::None)]);
}

#[test]
fn a_prompt_takes_its_share_of_a_step_while_others_decode() {
    for (share, tokens) in [(Some(2.0), 10), (Some(0.1), 8), (None, 63)] {
        let mut watched = Watched::new(limits(40, 4, 64, 4));
        watched.submit(2, 20, plain_request());
        watched.step(None, 3);
        watched.submit(100, 1, plain_request());
        watched.scheduler.set_prompt_share(share);
        let batch = watched.scheduler.schedule(watched.now);
        let parts: Vec<_> = batch.steps.iter().map(|step| (step.id.0, step.tokens.len())).collect();
        assert_eq!(parts, [(0, 1), (1, tokens)], "{share:?}");
    }
    let mut alone = Watched::new(limits(40, 4, 64, 4));
    alone.submit(100, 1, plain_request());
    alone.scheduler.set_prompt_share(Some(2.0));
    assert_eq!(alone.scheduler.schedule(alone.now).tokens(), 64, "nobody waits for a token");
}

#[test]
fn the_youngest_gives_up_its_blocks_and_comes_back() {
    // Without prefix caching: equal prompts would share their blocks.
    let mut watched = Watched::new(limits(4, 4, 8, 4).without_prefix_caching());
    watched.submit(4, 10, plain_request());
    watched.submit(4, 10, plain_request());
    watched.finish();
    assert!(watched.scheduler.stats().preemptions > 0, "two sequences of 14 do not fit into 16 slots");
    assert!(watched.ended.values().all(|end| *end == End::Length));
    assert!(watched.generated.values().all(|generated| *generated == 10));
}

#[test]
fn priority_orders_the_queue_and_age_beats_priority() {
    let mut watched = Watched::new(limits(8, 4, 8, 1).with_max_queue(8));
    watched.submit(1, 1, Request { priority: 1, ..plain_request() });
    watched.submit(1, 1, plain_request());
    let first = watched.scheduler.schedule(watched.now);
    assert_eq!(first.steps[0].id, RequestId(1), "the smaller priority number runs first");
    watched.scheduler.commit(&first, vec![StepResult::Sampled(TokenId(9))]);
    watched.now += Duration::from_secs(11);
    watched.submit(1, 1, plain_request());
    let second = watched.scheduler.schedule(watched.now);
    assert_eq!(second.steps[0].id, RequestId(0), "two levels of age beat one of priority");
}

#[test]
fn age_saves_a_request_from_a_stream_of_more_urgent_ones() {
    let mut watched = Watched::new(limits(8, 4, 8, 1).with_max_queue(8));
    watched.submit(1, 1, Request { priority: 3, ..plain_request() });
    let mut steps = 0;
    while !watched.ended.contains_key(&RequestId(0)) {
        watched.submit(1, 1, plain_request());
        watched.step(None, 3);
        steps += 1;
        // Three levels at five seconds each; a step takes a second.
        assert!(steps < 20, "it starves");
    }
    assert!(steps > 10, "the urgent ones go first for a while");
}

#[test]
fn a_full_queue_refuses_and_takes_again_when_one_has_ended() {
    let mut watched = Watched::new(limits(8, 4, 8, 2).with_max_queue(1));
    for _ in 0..4 {
        watched.submit(2, 2, plain_request());
    }
    assert_eq!(watched.accepted.len(), 3, "two run and one waits");
    let full = watched
        .scheduler
        .submit(Request { id: RequestId(9), prompt: vec![TokenId(1)], ..plain_request() }, watched.now);
    assert_eq!(full, Err(Rejected::QueueFull { waiting: 3 }));
    while watched.ended.is_empty() {
        watched.step(None, 3);
    }
    watched.submit(2, 2, plain_request());
    assert_eq!(watched.accepted.len(), 4);
    watched.finish();
}

#[test]
fn a_cancelled_sequence_keeps_its_blocks_until_the_step_is_done() {
    let mut watched = Watched::new(roomy());
    watched.submit(6, 4, plain_request());
    let batch = watched.scheduler.schedule(watched.now);
    watched.scheduler.cancel(RequestId(0), CancelCause::Shutdown);
    assert_eq!(watched.scheduler.stats().active_blocks, 2, "the executor is still writing to them");
    watched.scheduler.commit(&batch, vec![StepResult::Sampled(TokenId(9))]);
    assert_eq!(watched.scheduler.stats().active_blocks, 0);
    let id = RequestId(0);
    let admitted = Event::Admitted { id, cached_tokens: 0 };
    let end = Event::End { id, end: End::Abort(CancelCause::Shutdown) };
    assert_eq!(watched.scheduler.take_events(), [admitted, end], "no token after the cancel");
}

#[test]
fn a_request_that_outgrows_the_whole_cache_ends_with_the_numbers() {
    let mut config = limits(4, 4, 8, 4);
    // As if the context were longer than the cache.
    config.max_length = 100;
    let mut watched = Watched::new(config);
    let end = |needed| End::Error(EngineFault::KvCapacity { needed, available: 16 });
    watched.submit(20, 1, plain_request());
    watched.step(None, 3);
    assert_eq!(watched.ended[&RequestId(0)], end(20), "the prompt alone is too long");
    watched.submit(6, 40, plain_request());
    watched.submit(3, 5, plain_request());
    let mut left = 100;
    while watched.scheduler.has_work() && left > 0 {
        watched.step(None, 3);
        left -= 1;
    }
    assert_eq!(watched.ended[&RequestId(1)], end(17));
    assert_eq!(watched.generated[&RequestId(1)], 11);
    assert_eq!(watched.ended[&RequestId(2)], End::Length, "the other one has its turn");
    let error = EngineFault::KvCapacity { needed: 17, available: 16 }.to_string();
    assert!(error.starts_with("kv_capacity") && error.contains("17") && error.contains("16"), "{error}");
}

#[test]
fn a_paused_request_gives_its_place_to_others_and_keeps_its_blocks() {
    let mut watched = Watched::new(limits(8, 4, 8, 1).with_max_queue(8));
    watched.submit(5, 20, plain_request());
    watched.submit(3, 2, plain_request());
    watched.step(None, 3);
    watched.scheduler.pause(RequestId(0), watched.now);
    let generated = watched.generated[&RequestId(0)];
    watched.step(None, 3);
    let stats = watched.scheduler.stats();
    assert_eq!((stats.running, stats.paused, stats.waiting), (1, 1, 0));
    assert!(stats.active_blocks >= 3, "both hold blocks");
    for _ in 0..5 {
        watched.step(None, 3);
    }
    assert_eq!(watched.ended[&RequestId(1)], End::Length);
    assert_eq!(watched.generated[&RequestId(0)], generated, "it does not run");
    watched.scheduler.resume(RequestId(0));
    watched.finish();
    assert_eq!((watched.generated[&RequestId(0)], watched.scheduler.stats().preemptions), (20, 0));
}

#[test]
fn a_paused_request_loses_its_blocks_when_nobody_else_could_run() {
    let mut watched = Watched::new(limits(4, 4, 16, 2).with_max_queue(8));
    watched.submit(13, 3, plain_request());
    watched.step(None, 3);
    watched.scheduler.pause(RequestId(0), watched.now);
    watched.submit(9, 4, Request { cache_salt: Some("other".to_owned()), ..plain_request() });
    for _ in 0..6 {
        watched.step(None, 3);
    }
    assert_eq!(watched.ended[&RequestId(1)], End::Length);
    let stats = watched.scheduler.stats();
    assert_eq!((stats.preemptions, stats.waiting, stats.paused), (1, 1, 0));
    watched.scheduler.resume(RequestId(0));
    watched.finish();
    assert_eq!(watched.generated[&RequestId(0)], 3);
}

#[test]
fn a_reader_that_is_too_slow_for_too_long_loses_its_request() {
    let config = limits(8, 4, 8, 4).with_slow_reader_timeout(Duration::from_secs(5));
    let mut watched = Watched::new(config);
    watched.submit(5, 20, plain_request());
    watched.step(None, 3);
    watched.scheduler.pause(RequestId(0), watched.now);
    for _ in 0..4 {
        watched.step(None, 3);
    }
    assert!(watched.ended.is_empty());
    watched.step(None, 3);
    assert_eq!(watched.ended[&RequestId(0)], End::Abort(CancelCause::SlowReader));
    assert_eq!(watched.scheduler.stats().active_blocks, 0);
}
