//! The prefix cache, aborts and slow readers through the engine thread, over a mock whose cache holds tokens: a wrong
//! block shows up as a wrong reply.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use internlm_model::TokenId;
use lmdeploy::engine::{
    Batch, CancelCause, Capacity, End, Engine, EngineConfig, ExecuteError, Executor, Finished,
    GenerateRequest, Generation, Logits, Output, SchedulerConfig, StopCause,
};
use lmdeploy::testing::{MockExecutor, MockReply};
use proptest::prelude::*;

/// A mock that counts what it computes.
struct Counting {
    mock: MockExecutor,
    tokens: Arc<AtomicUsize>,
}

impl Executor for Counting {
    fn capacity(&self) -> Capacity {
        self.mock.capacity()
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        self.tokens.fetch_add(batch.tokens(), Ordering::Relaxed);
        self.mock.step(batch)
    }
}

/// An engine, and how many tokens it has computed.
struct Counted {
    engine: Engine,
    tokens: Arc<AtomicUsize>,
}

impl Counted {
    fn start(mock: MockExecutor, change: impl FnOnce(SchedulerConfig) -> SchedulerConfig) -> Self {
        let tokens = Arc::new(AtomicUsize::new(0));
        let executor = Counting { mock, tokens: Arc::clone(&tokens) };
        let config = EngineConfig::new(change(SchedulerConfig::new(&executor.capacity())));
        Self { engine: Engine::start(Box::new(executor), config), tokens }
    }

    fn submit(&self, request: GenerateRequest) -> Generation {
        self.engine.handle().submit(request)
    }

    /// Number of tokens that were computed since the last call.
    fn computed(&self) -> usize {
        self.tokens.swap(0, Ordering::Relaxed)
    }
}

pub(crate) fn request(prompt: &[u32], max_new: usize) -> GenerateRequest {
    let prompt = prompt.iter().copied().map(TokenId).collect();
    GenerateRequest::new(prompt).with_max_new(max_new).with_stop_ids(vec![TokenId(2)])
}

/// All ids and the end.
pub(crate) fn collect(mut generation: Generation) -> (Vec<u32>, Finished) {
    let mut ids = Vec::new();
    loop {
        match generation.wait().expect("an end comes before nothing") {
            Output::Prompt(_) => {}
            Output::Pieces(pieces) => ids.extend(pieces.iter().map(|piece| piece.id.0)),
            Output::Finished(finished) => return (ids, finished),
        }
    }
}

/// A prompt of `length` ids that differ from one to the next.
fn prompt(length: u32) -> Vec<u32> {
    (0..length).map(|place| 3 + place % 61).collect()
}

#[test]
fn the_next_turn_of_a_chat_computes_what_is_new() {
    let counted = Counted::start(MockExecutor::default(), |config| config);
    let first = prompt(50);
    let (answer, finished) = collect(counted.submit(request(&first, 20)));
    assert_eq!((answer.as_slice(), finished.cached_tokens), (&first[..20], 0));
    // The last id of the answer was sampled and not computed.
    assert_eq!(counted.computed(), 50 + 19);
    let next: Vec<u32> = [first, answer, vec![9, 8, 7]].concat();
    let (again, finished) = collect(counted.submit(request(&next, 1)));
    assert_eq!((again, finished.cached_tokens, finished.prompt_tokens), (vec![3], 69, 73));
    assert_eq!(counted.computed(), 4);
    let (_, finished) = collect(counted.submit(request(&next, 1)));
    assert_eq!((finished.cached_tokens, counted.computed()), (72, 1), "the last token is always computed");
    let stats = counted.engine.handle().gauges().stats();
    assert_eq!((stats.prefix_hit_tokens, stats.prefix_lookup_tokens), (69 + 72, 50 + 73 + 73));
    assert_eq!((stats.active_blocks, stats.cached_blocks > 0), (0, true));
}

#[test]
fn the_choices_of_one_answer_compute_their_prompt_once() {
    let with: fn(SchedulerConfig) -> SchedulerConfig = |config| config;
    for change in [with, SchedulerConfig::without_prefix_caching] {
        // The delay keeps the first one running until the others are there.
        let mock = MockExecutor::default().with_delay(Duration::from_millis(2));
        let counted = Counted::start(mock, change);
        // Longer than a step, and not a whole number of blocks.
        let prompt = prompt(150);
        let choices: Vec<Generation> =
            (0..4).map(|_| counted.submit(request(&prompt, 40).with_group(7))).collect();
        let mut cached = 0;
        for choice in choices {
            let (ids, finished) = collect(choice);
            assert_eq!(ids, prompt[..40]);
            cached += finished.cached_tokens;
        }
        assert_eq!(cached, 3 * 149);
        // The mock's answers are the same, so that only the last token and the answer are computed by each.
        assert_eq!(counted.computed(), 150 + 3 + 4 * 39);
    }
}

#[test]
fn without_prefix_caching_nothing_outlives_a_request() {
    let counted = Counted::start(MockExecutor::default(), SchedulerConfig::without_prefix_caching);
    let prompt = prompt(40);
    for _ in 0..2 {
        let (ids, finished) = collect(counted.submit(request(&prompt, 3).with_group(7)));
        assert_eq!((ids.as_slice(), finished.cached_tokens, counted.computed()), (&prompt[..3], 0, 42));
    }
    let stats = counted.engine.handle().gauges().stats();
    assert_eq!((stats.active_blocks, stats.cached_blocks), (0, 0));
}

#[test]
fn tenants_do_not_find_each_others_prompts() {
    let counted = Counted::start(MockExecutor::default(), |config| config);
    let prompt = prompt(40);
    let cached = |salt: Option<&str>| {
        let mut request = request(&prompt, 1);
        request.cache_salt = salt.map(str::to_owned);
        collect(counted.submit(request)).1.cached_tokens
    };
    assert_eq!([cached(None), cached(Some("a")), cached(Some("b"))], [0; 3]);
    assert_eq!([cached(None), cached(Some("a")), cached(Some("b"))], [39; 3]);
}

#[test]
fn prompts_that_are_scored_are_computed_and_can_be_used_by_others() {
    let counted = Counted::start(MockExecutor::default(), |config| config);
    let prompt = prompt(40);
    collect(counted.submit(request(&prompt, 1)));
    let (_, finished) = collect(counted.submit(request(&prompt, 1).with_prompt_logprobs(1)));
    assert_eq!(finished.cached_tokens, 0, "every position gives its scores");
    let (_, finished) = collect(counted.submit(request(&prompt, 1)));
    assert_eq!(finished.cached_tokens, 39);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn texts_are_the_same_with_and_without_the_cache(
        prompts in prop::collection::vec((0..3_u32, 1..70_u32, 0..3_u8), 1..24),
        blocks in 12..40_usize,
        one_by_one in any::<bool>(),
    ) {
        let capacity = Capacity { blocks, max_position: 150, ..MockExecutor::default().capacity() };
        let counted = Counted::start(MockExecutor::new(MockReply::echo(), capacity), |config| {
            config.with_max_queue(100)
        });
        // Prompts of a few kinds, which part after some tokens; the mock repeats the whole of each.
        let prompts: Vec<Vec<u32>> = prompts
            .iter()
            .map(|(kind, length, end)| {
                let id = |place| 3 + (kind + place) % 9 + u32::from(place > 40) * u32::from(*end);
                (0..*length).map(id).collect()
            })
            .collect();
        let mut running = Vec::new();
        for prompt in &prompts {
            let generation = counted.submit(request(prompt, 75));
            if one_by_one {
                prop_assert_eq!(&collect(generation).0, prompt);
            } else {
                running.push((generation, prompt));
            }
        }
        for (generation, prompt) in running {
            prop_assert_eq!(&collect(generation).0, prompt);
        }
    }
}

#[test]
fn an_aborted_request_ends_with_the_text_so_far() {
    let executor =
        MockExecutor::new(MockReply::script(vec![TokenId(5); 1000]), MockExecutor::default().capacity());
    let counted = Counted::start(executor.with_delay(Duration::from_millis(1)), |config| config);
    let handle = counted.engine.handle();
    let mut generation = counted.submit(request(&[3; 10], 900));
    let id = generation.id();
    assert!(matches!(generation.wait(), Some(Output::Pieces(_))));
    assert!(handle.abort(id));
    let (_, finished) = collect(generation);
    assert_eq!(finished.end, End::Abort(CancelCause::Api));
    assert!(finished.generated_tokens > 0 && finished.generated_tokens < 900);
    // A request counts as ended shortly before its reader has seen the end.
    assert!(!handle.abort(id), "it has ended");
    let both = [counted.submit(request(&[3; 10], 900)), counted.submit(request(&[4; 10], 900))];
    handle.abort_all();
    assert!(both.into_iter().all(|one| collect(one).1.end == End::Abort(CancelCause::Api)));
}

/// An engine that pauses a request above `bytes` unread bytes; ids have no text and count as four bytes.
fn start_impatient(bytes: usize, timeout: Duration) -> Engine {
    let executor =
        MockExecutor::new(MockReply::script(vec![TokenId(5); 200]), MockExecutor::default().capacity());
    let scheduler = SchedulerConfig::new(&executor.capacity()).with_slow_reader_timeout(timeout);
    Engine::start(Box::new(executor), EngineConfig::new(scheduler).with_max_unread_bytes(bytes))
}

fn wait_for(engine: &Engine, what: &str, holds: impl Fn(&Engine) -> bool) {
    for _ in 0..5000 {
        if holds(engine) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("{what}: {:?}", engine.handle().gauges().stats());
}

#[test]
fn a_slow_reader_pauses_its_request_and_gets_the_whole_text() {
    let engine = start_impatient(40, Duration::from_secs(3600));
    let slow = engine.handle().submit(request(&[3; 10], 500));
    wait_for(&engine, "it pauses", |engine| engine.handle().gauges().stats().paused == 1);
    // Others run meanwhile.
    let mut quick = engine.handle().submit(request(&[4; 10], 5));
    assert!(quick.wait().is_some());
    drop(quick);
    let (ids, finished) = collect(slow);
    assert_eq!((ids.len(), finished.end), (200, End::Stop(StopCause::Id(TokenId(2)))));
}

#[test]
fn a_reader_that_does_not_read_at_all_is_given_up() {
    let engine = start_impatient(40, Duration::from_millis(20));
    let (ids, finished) = {
        let silent = engine.handle().submit(request(&[3; 10], 500));
        wait_for(&engine, "it ends", |engine| {
            let stats = engine.handle().gauges().stats();
            stats.cached_blocks > 0 && stats.active_blocks + stats.running + stats.paused == 0
        });
        collect(silent)
    };
    assert_eq!(finished.end, End::Abort(CancelCause::SlowReader));
    assert!(ids.len() > 10 && ids.len() < 200, "what it has not read in time is still there");
}
