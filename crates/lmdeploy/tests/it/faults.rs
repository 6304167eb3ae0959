//! A step that goes wrong, wherever it is in a workload: its requests end with one error each, all others as they do
//! without it, and whoever comes next finds a cache that is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use internlm_model::TokenId;
use internlm_model::sampling::SamplingConfig;
use lmdeploy::engine::{
    Batch, Capacity, End, Engine, EngineConfig, EngineFault, ExecuteError, Executor, GenerateRequest,
    Generation, Health, Logits, Output, RequestId, SchedulerConfig,
};
use lmdeploy::testing::{MockExecutor, MockReply};

/// How a step goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    Error,
    Panic,
    /// Logits that are not numbers.
    Nan,
    /// One row of logits too many.
    Rows,
}

/// What a faulty executor has computed.
#[derive(Debug, Default)]
struct Seen {
    steps: u64,
    /// The sequences that a fault has struck.
    struck: BTreeSet<RequestId>,
}

/// A mock whose steps go wrong by a plan.
struct Faulty {
    mock: MockExecutor,
    faults: BTreeMap<u64, Fault>,
    seen: Arc<Mutex<Seen>>,
    /// Tells of the first step, and what it waits for then.
    gate: Option<(Sender<()>, Receiver<()>)>,
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Faulty {
    fn new(faults: impl IntoIterator<Item = (u64, Fault)>) -> Self {
        let whole = MockExecutor::default();
        // Less than all requests need at the same time.
        let capacity = Capacity { blocks: 14, max_sequences: 4, max_position: 200, ..whole.capacity() };
        let mock = MockExecutor::new(MockReply::echo(), capacity);
        Self { mock, faults: faults.into_iter().collect(), seen: Arc::default(), gate: None }
    }

    fn start(self) -> Engine {
        let scheduler = SchedulerConfig::new(&self.capacity());
        Engine::start(Box::new(self), EngineConfig::new(scheduler))
    }
}

impl Executor for Faulty {
    fn capacity(&self) -> Capacity {
        self.mock.capacity()
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        if let Some((entered, released)) = self.gate.take() {
            entered.send(()).expect("the test waits for it");
            released.recv().expect("the test goes on");
        }
        let fault = {
            let mut seen = lock(&self.seen);
            let fault = self.faults.get(&seen.steps).copied();
            seen.steps += 1;
            // Who wants no logits does not see what they are.
            let struck = batch.steps.iter().filter(|part| fault != Some(Fault::Nan) || part.rows() > 0);
            if fault.is_some() {
                seen.struck.extend(struck.map(|part| part.id));
            }
            fault
        };
        let vocab = self.mock.capacity().vocab;
        let rows = |count: usize, value: f32| Logits::new(vec![value; count * vocab], vocab);
        match fault {
            None => self.mock.step(batch),
            Some(Fault::Error) => Err(ExecuteError::backend("a scripted error")),
            Some(Fault::Panic) => panic!("a scripted panic"),
            Some(Fault::Rows) => Ok(rows(batch.row_count() + 1, 0.0)),
            Some(Fault::Nan) => {
                // Keys and values are stored as ever.
                self.mock.step(batch).map(|logits| rows(logits.len(), f32::NAN))
            }
        }
    }
}

fn request(start: u32, length: u32, max_new: usize) -> GenerateRequest {
    let prompt = (0..length).map(|place| TokenId(3 + (start + place * 7) % 60)).collect();
    GenerateRequest::new(prompt).with_max_new(max_new).with_stop_ids(vec![TokenId(2)])
}

/// Requests of all kinds: short, in several chunks, choices of one prompt, scored, sampled, cut off.
fn workload() -> Vec<GenerateRequest> {
    let sampled = SamplingConfig::greedy().with_temperature(1.0).with_seed(7);
    vec![
        request(1, 5, 30),
        request(2, 20, 30),
        request(3, 130, 40),
        request(4, 40, 50).with_group(1),
        request(4, 40, 50).with_group(1),
        request(5, 70, 4).with_prompt_logprobs(1),
        request(6, 30, 9).with_sampling(sampled),
    ]
}

/// All ids and the one end.
fn collect(mut generation: Generation) -> (Vec<u32>, End) {
    let mut ids = Vec::new();
    loop {
        match generation.wait().expect("an end comes before nothing") {
            Output::Prompt(_) => {}
            Output::Pieces(pieces) => ids.extend(pieces.iter().map(|piece| piece.id.0)),
            Output::Finished(finished) => {
                assert!(generation.wait().is_none(), "nothing after the end");
                return (ids, finished.end);
            }
        }
    }
}

/// What became of a workload.
struct Outcome {
    ends: Vec<(Vec<u32>, End)>,
    /// Whether the fault has struck each request.
    struck: Vec<bool>,
    /// Number of steps that it took.
    steps: u64,
    engine: Engine,
}

/// Runs the workload, always in the same batches: the first request keeps the engine busy until all are there.
fn run(fault: Option<(u64, Fault)>) -> Outcome {
    let (entered, on_entered) = channel();
    let (release, on_release) = channel();
    let executor = Faulty { gate: Some((entered, on_release)), ..Faulty::new(fault) };
    let seen = Arc::clone(&executor.seen);
    let engine = executor.start();
    let mut requests = workload().into_iter();
    let first = requests.next().map(|request| engine.handle().submit(request));
    on_entered.recv().expect("the first step begins");
    let others = requests.map(|request| engine.handle().submit(request));
    let generations: Vec<Generation> = first.into_iter().chain(others).collect();
    release.send(()).expect("the first step waits");
    let ids: Vec<RequestId> = generations.iter().map(Generation::id).collect();
    let ends = generations.into_iter().map(collect).collect();
    let seen = lock(&seen);
    let struck = ids.iter().map(|id| seen.struck.contains(id)).collect();
    Outcome { ends, struck, steps: seen.steps, engine }
}

/// Until the engine holds no blocks; its numbers follow the end of a request at once, but on its own thread.
fn check_that_all_has_ended(engine: &Engine, requests: u64) {
    let handle = engine.handle();
    let ended = || handle.gauges().ends().iter().map(|(_, count)| count).sum::<u64>();
    for _ in 0..5000 {
        let stats = handle.gauges().stats();
        if stats.active_blocks + stats.running + stats.waiting + stats.paused == 0 && ended() == requests {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("{} of {requests} have ended: {:?}", ended(), handle.gauges().stats());
}

#[test]
fn a_fault_at_any_step_strikes_its_batch_and_nobody_else() {
    let whole = run(None);
    assert!(whole.steps > 40 && whole.struck.iter().all(|struck| !struck), "{}", whole.steps);
    assert!(whole.ends.iter().all(|(_, end)| !matches!(end, End::Error(_))), "{:?}", whole.ends);
    assert!(whole.engine.handle().gauges().stats().preemptions > 0, "the cache is small");
    let mut struck = 0;
    for fault in [Fault::Error, Fault::Panic, Fault::Nan, Fault::Rows] {
        for step in 0..whole.steps {
            let found = run(Some((step, fault)));
            let both = found.ends.iter().zip(&whole.ends);
            for (number, ((found, expected), struck)) in both.zip(&found.struck).enumerate() {
                let place = format!("{fault:?} at step {step}, request {number}");
                if *struck {
                    let failed = matches!(&found.1, End::Error(EngineFault::Execution(_)));
                    assert!(failed && expected.0.starts_with(&found.0), "{place}: {found:?}");
                } else {
                    assert_eq!(found, expected, "{place}");
                }
            }
            struck += found.struck.iter().filter(|struck| **struck).count();
            // The same prompts again: nothing half-written was kept for them.
            for (request, expected) in workload().into_iter().zip(&whole.ends) {
                assert_eq!(
                    &collect(found.engine.handle().submit(request)),
                    expected,
                    "after {fault:?} at {step}"
                );
            }
            check_that_all_has_ended(&found.engine, 2 * workload().len() as u64);
            assert_eq!(found.engine.handle().gauges().health(), Health::Healthy);
        }
    }
    assert!(struck > 200, "{struck}");
}

#[test]
fn three_faults_in_a_row_are_unhealthy_until_a_step_succeeds() {
    for fault in [Fault::Error, Fault::Panic, Fault::Rows] {
        let engine = Faulty::new((1..4).map(|step| (step, fault))).start();
        let handle = engine.handle();
        let health = || {
            let (_, end) = collect(handle.submit(request(1, 5, 1)));
            (matches!(end, End::Error(_)), handle.gauges().health() == Health::Healthy)
        };
        let found: Vec<_> = (0..5).map(|_| health()).collect();
        assert_eq!(
            found,
            [(false, true), (true, true), (true, true), (true, false), (false, true)],
            "{fault:?}"
        );
    }
}
