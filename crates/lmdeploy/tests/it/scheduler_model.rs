//! The scheduler against a model of the cache: whatever is shared, copied, evicted, cancelled or fails, every key that
//! a sequence reads is its own, and its text is that of a request alone.

use std::collections::BTreeMap;
use std::time::Duration;

use internlm_model::TokenId;
use lmdeploy::engine::{
    Batch, CancelCause, Capacity, End, EngineFault, Event, LogitsDetail, LogitsWanted, PromptLogits,
    Rejected, Request, RequestId, Scheduler, SchedulerConfig, SequencePart, StepResult, StopCause,
};
use proptest::prelude::*;

/// The id that ends a text.
const STOP: TokenId = TokenId(3);

/// What a request looks like; prompts are made of a few beginnings, so that they share much.
#[derive(Clone, Debug)]
struct Asked {
    /// Which of four long beginnings the prompt has.
    beginning: u32,
    length: usize,
    max_new: usize,
    priority: i32,
    salt: Option<u8>,
    group: Option<u64>,
    score: bool,
    timeout: Option<u64>,
}

/// One thing that happens to a scheduler.
#[derive(Clone, Debug)]
enum Action {
    Submit(Asked),
    Cancel(usize),
    Pause(usize),
    Resume(usize),
    /// Other weights: what is stored is worth nothing any more.
    Restart,
    Step {
        under_way: Option<usize>,
        fault: Fault,
    },
}

/// How a step goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    None,
    /// The executor fails before or while it computes: what it should have written is garbage.
    All,
    /// One sequence of the batch fails.
    One(usize),
}

fn action() -> impl Strategy<Value = Action> {
    let asked = (
        (0..4_u32, 1..40_usize, 0..12_usize, -1..2_i32),
        prop::option::weighted(0.2, 0..2_u8),
        prop::option::weighted(0.3, 0..2_u64),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.1, 1..30_u64),
    );
    let asked = asked.prop_map(|((beginning, length, max_new, priority), salt, group, score, timeout)| {
        Action::Submit(Asked { beginning, length, max_new, priority, salt, group, score, timeout })
    });
    let fault = prop_oneof![
        20 => Just(Fault::None),
        1 => Just(Fault::All),
        1 => (0..4_usize).prop_map(Fault::One),
    ];
    let step = (prop::option::weighted(0.1, 0..20_usize), fault);
    prop_oneof![
        5 => asked,
        1 => (0..20_usize).prop_map(Action::Cancel),
        1 => (0..20_usize).prop_map(Action::Pause),
        1 => (0..20_usize).prop_map(Action::Resume),
        1 => Just(Action::Restart),
        14 => step.prop_map(|(under_way, fault)| Action::Step { under_way, fault }),
    ]
}

fn config() -> impl Strategy<Value = SchedulerConfig> {
    let sizes = (2..20_usize, 1..7_usize, 1..6_usize, 0..24_usize);
    (sizes, any::<bool>(), prop::option::weighted(0.2, 1..60_usize)).prop_map(
        |((blocks, block_tokens, max_sequences, extra), caching, limit)| {
            let config = SchedulerConfig::new(&Capacity {
                blocks,
                block_tokens,
                max_batched_tokens: max_sequences + extra,
                max_sequences,
                max_position: blocks * block_tokens,
                vocab: 100,
                cache_bytes: 0,
            });
            let config = config
                .with_max_queue(6)
                .with_aging(Duration::from_secs(3))
                .with_slow_reader_timeout(Duration::from_secs(20))
                .with_publish_limit(limit.unwrap_or(usize::MAX));
            if caching { config } else { config.without_prefix_caching() }
        },
    )
}

/// Everything that the keys of a token depend on: who may share them, and all tokens up to it.
fn mix(before: u64, value: u64) -> u64 {
    (before ^ value.wrapping_add(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29)
}

/// The keys of each token, without what a long sequence changes.
fn keys(request: &Request, caching: bool, tokens: &[TokenId]) -> Vec<u64> {
    let salt = request.cache_salt.as_deref().unwrap_or("none").bytes().fold(7, |keys, byte| {
        // Tenants have different keys here, so that sharing between them would be seen.
        mix(keys, u64::from(byte))
    });
    let start = if caching { salt } else { mix(salt, request.group.unwrap_or(1_000_000 + request.id.0)) };
    tokens
        .iter()
        .scan(start, |keys, token| {
            *keys = mix(*keys, u64::from(token.0));
            Some(*keys)
        })
        .collect()
}

/// The id after `tokens`, which depends on all of them and on nothing else.
fn next_id(tokens: &[TokenId]) -> TokenId {
    let all = tokens.iter().fold(3, |all, token| mix(all, u64::from(token.0)));
    TokenId([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 3][(all >> 20) as usize % 12])
}

/// The text of a request alone.
fn alone(request: &Request, max_length: usize) -> Vec<TokenId> {
    let mut tokens = request.prompt.clone();
    for _ in 0..request.max_new {
        tokens.push(next_id(&tokens));
        if tokens.len() >= max_length || tokens.last() == Some(&STOP) {
            break;
        }
    }
    tokens.split_off(request.prompt.len())
}

/// Keys in one slot of the cache.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Slot {
    keys: u64,
    /// Length of the sequence where it changes the keys; 0 where it does not.
    stretch: usize,
    writer: Option<RequestId>,
}

/// A scheduler, the cache that its batches write to, and what must be true of both.
struct Model {
    scheduler: Scheduler,
    slots: Vec<Slot>,
    now: Duration,
    requests: BTreeMap<RequestId, Request>,
    admitted: BTreeMap<RequestId, usize>,
    texts: BTreeMap<RequestId, Vec<TokenId>>,
    ends: BTreeMap<RequestId, End>,
    next: u64,
}

impl Model {
    fn new(config: SchedulerConfig) -> Self {
        let slots = vec![Slot::default(); config.blocks * config.block_tokens];
        Self {
            scheduler: Scheduler::new(config),
            slots,
            now: Duration::ZERO,
            requests: BTreeMap::new(),
            admitted: BTreeMap::new(),
            texts: BTreeMap::new(),
            ends: BTreeMap::new(),
            next: 0,
        }
    }

    fn config(&self) -> &SchedulerConfig {
        self.scheduler.config()
    }

    fn submit(&mut self, asked: &Asked) {
        let id = RequestId(self.next);
        self.next += 1;
        let token = |place: usize| TokenId((asked.beginning >> (place / 9).min(1)) + place as u32 % 3);
        let request = Request {
            id,
            prompt: (0..asked.length).map(token).map(|token| TokenId(token.0 % 3)).collect(),
            max_new: asked.max_new,
            stop_ids: vec![STOP],
            priority: asked.priority,
            prompt_logits: if asked.score { PromptLogits::All } else { PromptLogits::Last },
            detail: LogitsDetail::Top(1),
            timeout: asked.timeout.map(Duration::from_secs),
            cache_salt: asked.salt.map(|salt| salt.to_string()),
            group: asked.group,
        };
        match self.scheduler.submit(request.clone(), self.now) {
            Ok(()) => {
                self.requests.insert(id, request);
                self.texts.insert(id, Vec::new());
            }
            Err(Rejected::TooLong { .. } | Rejected::QueueFull { .. }) => {}
            Err(other) => panic!("unexpected {other}"),
        }
    }

    /// The request under `index`, of those that have not ended.
    fn living(&self, index: usize) -> Option<RequestId> {
        let living: Vec<_> = self.requests.keys().filter(|id| !self.ends.contains_key(id)).collect();
        (!living.is_empty()).then(|| *living[index % living.len()])
    }

    /// Forgets all keys; whoever reads one of them later is found out.
    fn restart(&mut self) {
        self.scheduler.restart();
        self.slots.fill(Slot::default());
        let stats = self.scheduler.stats();
        assert_eq!((stats.active_blocks, stats.cached_blocks, stats.running), (0, 0, 0));
    }

    fn step(&mut self, under_way: Option<usize>, fault: Fault) {
        self.now += Duration::from_secs(1);
        let batch = self.scheduler.schedule(self.now);
        self.check();
        let results = self.execute(&batch, fault);
        if let Some(id) = under_way.and_then(|index| self.living(index)) {
            self.scheduler.cancel(id, CancelCause::Disconnect);
        }
        self.scheduler.commit(&batch, results);
        self.check();
    }

    /// What an executor does: copies, then keys of every token, then logits.
    fn execute(&mut self, batch: &Batch, fault: Fault) -> Vec<StepResult> {
        let size = self.config().block_tokens;
        if fault == Fault::All {
            for step in &batch.steps {
                self.write(step, true);
            }
            return batch.steps.iter().map(|_| StepResult::Failed("scripted".to_owned())).collect();
        }
        for copy in &batch.copies {
            assert!(copy.tokens > 0 && copy.tokens < size);
            let from = copy.from.index() * size;
            self.slots.copy_within(from..from + copy.tokens, copy.to.index() * size);
        }
        let mut results = Vec::new();
        for (place, step) in batch.steps.iter().enumerate() {
            let fails = fault == Fault::One(place);
            self.write(step, fails);
            results.push(if fails { StepResult::Failed("scripted".to_owned()) } else { self.read(step) });
        }
        results
    }

    fn slot(&self, step: &SequencePart, position: usize) -> usize {
        let size = self.config().block_tokens;
        step.blocks[position / size].index() * size + position % size
    }

    /// Writes the keys of a part, or garbage.
    fn write(&mut self, step: &SequencePart, garbage: bool) {
        let (caching, limit) = (self.config().prefix_caching, self.config().publish_limit);
        let request = &self.requests[&step.id];
        let tokens = self.scheduler.tokens(step.id).expect("sequences under way are kept");
        let keys = keys(request, caching, tokens);
        let stretch = if step.rope_len > limit { step.rope_len } else { 0 };
        for position in step.position..step.position + step.tokens.len() {
            let slot = self.slot(step, position);
            let keys = if garbage { 0 } else { keys[position] };
            self.slots[slot] = Slot { keys, stretch, writer: Some(step.id) };
        }
    }

    /// Checks that every key up to the part's last is that of its sequence; gives the result of the part.
    fn read(&self, step: &SequencePart) -> StepResult {
        let request = &self.requests[&step.id];
        let tokens = self.scheduler.tokens(step.id).expect("sequences under way are kept");
        let end = step.position + step.tokens.len();
        assert_eq!(step.tokens, tokens[step.position..end], "the tokens are the sequence's");
        let keys = keys(request, self.config().prefix_caching, tokens);
        for (position, keys) in keys.iter().enumerate().take(end) {
            let slot = self.slots[self.slot(step, position)];
            assert_eq!(slot.keys, *keys, "{:?} reads foreign keys at {position}", step.id);
            assert!(
                slot.stretch == 0 || slot.writer == Some(step.id),
                "{:?} reads keys of a longer sequence",
                step.id
            );
        }
        if end == tokens.len() && request.max_new > 0 {
            assert!(step.logits != LogitsWanted::None, "the next id needs logits");
            StepResult::Sampled(next_id(tokens))
        } else {
            StepResult::Computed
        }
    }

    /// Every invariant that holds between two calls, and what has happened.
    fn check(&mut self) {
        assert_eq!(self.scheduler.problems(), Vec::<String>::new());
        let stats = self.scheduler.stats();
        assert!(stats.active_blocks + stats.cached_blocks <= stats.blocks);
        assert!(stats.running <= self.config().max_sequences);
        assert!(stats.prefix_hit_tokens <= stats.prefix_lookup_tokens);
        assert!(self.config().prefix_caching || stats.cached_blocks == 0);
        for event in self.scheduler.take_events() {
            match event {
                Event::Admitted { id, cached_tokens } => {
                    assert_eq!(self.admitted.insert(id, cached_tokens), None, "a request is admitted once");
                    assert!(cached_tokens < self.requests[&id].prompt.len(), "its last token is computed");
                }
                Event::Token { id, token } => {
                    assert!(self.admitted.contains_key(&id) && !self.ends.contains_key(&id));
                    self.texts.get_mut(&id).expect("an accepted request").push(token);
                }
                Event::End { id, end } => assert_eq!(self.ends.insert(id, end), None, "exactly one end"),
            }
        }
        let missing = self.requests.len() - self.ends.len();
        assert_eq!(missing, stats.running + stats.waiting + stats.paused, "nobody is forgotten");
    }

    /// Lets everything end, within a number of steps that progress guarantees.
    fn finish(&mut self) {
        let ids: Vec<RequestId> = self.requests.keys().copied().collect();
        for id in ids {
            self.scheduler.resume(id);
        }
        let mut left = 5_000;
        while self.scheduler.has_work() {
            self.step(None, Fault::None);
            left -= 1;
            assert!(left > 0, "work ends");
        }
        let stats = self.scheduler.stats();
        assert_eq!((stats.active_blocks, stats.running, stats.waiting, stats.paused), (0, 0, 0, 0));
        for (id, end) in &self.ends {
            let request = &self.requests[id];
            let (text, expected) = (&self.texts[id], alone(request, self.config().max_length));
            assert!(expected.starts_with(text), "{id:?}: {text:?} instead of {expected:?}");
            match end {
                End::Length => assert_eq!(*text, expected),
                End::Stop(StopCause::Id(STOP)) => assert_eq!(*text, expected),
                End::Error(EngineFault::Timeout) => assert!(request.timeout.is_some()),
                End::Abort(_) | End::Error(EngineFault::Execution(_)) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn every_sequence_reads_its_own_keys_and_its_text_is_that_of_a_request_alone(
        config in config(),
        actions in prop::collection::vec(action(), 1..140),
    ) {
        let mut model = Model::new(config);
        for action in actions {
            match action {
                Action::Submit(asked) => model.submit(&asked),
                Action::Cancel(index) => {
                    if let Some(id) = model.living(index) {
                        model.scheduler.cancel(id, CancelCause::Api);
                    }
                }
                Action::Pause(index) => {
                    if let Some(id) = model.living(index) {
                        model.scheduler.pause(id, model.now);
                    }
                }
                Action::Resume(index) => {
                    if let Some(id) = model.living(index) {
                        model.scheduler.resume(id);
                    }
                }
                Action::Restart => model.restart(),
                Action::Step { under_way, fault } => model.step(under_way, fault),
            }
            model.check();
        }
        model.finish();
    }
}
