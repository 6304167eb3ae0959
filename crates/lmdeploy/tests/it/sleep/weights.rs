//! Other weights: loaded next to the running ones, in place between two steps.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use lmdeploy::engine::{
    Batch, Capacity, ExecuteError, Executor, Logits, Output, SleepLevel, SleepPart, WeightLoader,
};
use lmdeploy::testing::{MockExecutor, MockReply};

use super::{Error, TokenId, collect, refusal, request, slow, start};

/// A folder that is there, which is all that a mock asks for.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn always(id: u32) -> MockReply {
    MockReply::script(vec![TokenId(id); 1000])
}

#[test]
fn new_requests_get_the_new_weights_and_nothing_of_the_old_cache() {
    let mock = constant(7).with_update(always(9));
    let naps = mock.naps();
    let engine = start(mock);
    let (handle, folder) = (engine.handle(), folder());
    let prompt = [5; 40];
    assert_eq!(collect(handle.submit(request(&prompt, 3))).0, [7; 3]);
    assert_eq!(collect(handle.submit(request(&prompt, 3))).1.cached_tokens, 39);
    handle.update_weights(folder.path()).expect("takes them");
    let (ids, finished) = collect(handle.submit(request(&prompt, 3)));
    assert_eq!((ids, finished.cached_tokens), (vec![9; 3], 0));
    assert_eq!((naps.loads(), naps.wakes()), (1, 1), "the new cache");
}

#[test]
fn what_runs_keeps_its_text_and_continues_with_the_new_weights() {
    let engine = start(slow(7).with_update(always(9)));
    let (handle, folder) = (engine.handle(), folder());
    let mut running = handle.submit(request(&[5, 6, 5], 200));
    let Some(Output::Pieces(first)) = running.wait() else { panic!("an id comes first") };
    handle.update_weights(folder.path()).expect("takes them");
    let (rest, finished) = collect(running);
    let ids: Vec<u32> = first.iter().map(|piece| piece.id.0).chain(rest).collect();
    assert_eq!((ids.len(), finished.generated_tokens), (200, 200));
    let old = ids.iter().take_while(|id| **id == 7).count();
    assert!((1..200).contains(&old) && ids[old..].iter().all(|id| *id == 9), "{ids:?}");
    let stats = handle.gauges().stats();
    assert_eq!((stats.preemptions, stats.active_blocks), (0, 0), "nobody took its blocks");
}

#[test]
fn a_sleeping_engine_takes_other_weights_and_wakes_with_them() {
    for awake in [&[][..], &[SleepPart::Weights]] {
        let engine = start(constant(7).with_update(always(9)));
        let (handle, folder) = (engine.handle(), folder());
        handle.sleep(SleepLevel::ReleaseFiles).expect("sleeps");
        handle.wake(awake).expect("wakes");
        let before = handle.gauges().asleep();
        handle.update_weights(folder.path()).expect("takes them");
        assert_eq!(handle.gauges().asleep(), before, "it sleeps as before");
        handle.wake(&SleepPart::ALL).expect("wakes");
        assert_eq!(collect(handle.submit(request(&[5], 3))).0, [9; 3]);
    }
}

#[test]
fn what_cannot_be_loaded_is_refused_by_name() {
    let engine = start(MockExecutor::default());
    let (handle, there) = (engine.handle(), folder());
    let (status, message) =
        refusal(handle.update_weights(there.path()).expect_err("a mock without a loader"));
    assert_eq!((status, message.as_str()), (409, "this executor cannot load other weights"));

    let engine = start(MockExecutor::default().with_sleep());
    let absent = there.path().join("absent");
    let (status, message) = refusal(engine.handle().update_weights(&absent).expect_err("not there"));
    assert_eq!(status, 404);
    assert!(message.contains("path: found nothing at") && message.contains("absent"), "{message}");
}

/// A mock whose loader says that it has begun, and then waits for the outcome that a test gives it.
struct Guided {
    mock: MockExecutor,
    loader: Arc<GuidedLoader>,
}

#[derive(Debug)]
struct GuidedLoader {
    begun: Sender<()>,
    outcomes: Mutex<Receiver<lmdeploy::Result<MockExecutor>>>,
}

/// The test's ends of the channels of a [`GuidedLoader`].
struct Guide {
    on_begun: Receiver<()>,
    outcome: Sender<lmdeploy::Result<MockExecutor>>,
}

impl WeightLoader for GuidedLoader {
    fn load(&self, _path: &Path) -> lmdeploy::Result<Box<dyn Executor>> {
        self.begun.send(()).expect("the test listens");
        let outcome = self.outcomes.lock().expect("no panic").recv().expect("the test gives an outcome");
        outcome.map(|mock| Box::new(mock) as Box<dyn Executor>)
    }
}

impl Executor for Guided {
    fn capacity(&self) -> Capacity {
        self.mock.capacity()
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        self.mock.step(batch)
    }

    fn loader(&self) -> Option<Arc<dyn WeightLoader>> {
        let loader: Arc<dyn WeightLoader> = self.loader.clone();
        Some(loader)
    }
}

fn guided() -> (Guided, Guide) {
    let (begun, on_begun) = channel();
    let (outcome, outcomes) = channel();
    let loader = Arc::new(GuidedLoader { begun, outcomes: Mutex::new(outcomes) });
    (Guided { mock: constant(7), loader }, Guide { on_begun, outcome })
}

/// A mock that says one id again and again.
fn constant(id: u32) -> MockExecutor {
    MockExecutor::new(always(id), MockExecutor::default().capacity())
}

#[test]
fn requests_are_answered_while_weights_are_loaded_and_a_second_load_is_refused() {
    let (executor, guide) = guided();
    let engine = start(executor);
    let (handle, folder) = (engine.handle(), folder());
    let path = folder.path().to_owned();
    let loading = std::thread::spawn(move || handle.update_weights(path));
    guide.on_begun.recv().expect("it loads");
    let second = engine.handle().update_weights(folder.path()).expect_err("one at a time");
    assert_eq!(refusal(second), (409, "other weights are being loaded".to_owned()));
    assert_eq!(collect(engine.handle().submit(request(&[5], 3))).0, [7; 3]);
    guide.outcome.send(Ok(constant(9).with_sleep())).expect("somebody loads");
    loading.join().expect("no panic").expect("takes them");
    assert_eq!(collect(engine.handle().submit(request(&[5], 3))).0, [9; 3]);
}

#[test]
fn when_something_fails_the_old_weights_stay() {
    let (executor, guide) = guided();
    let engine = start(executor);
    let (handle, folder) = (engine.handle(), folder());
    let unreadable = Error::Content { path: "m".into(), message: "not a model".to_owned() };
    // One that cannot be read, and one whose cache does not wake.
    for (outcome, words) in [(Err(unreadable), "m: not a model"), (Ok(constant(9)), "cannot sleep")] {
        guide.outcome.send(outcome).expect("the loader is there");
        let error = handle.update_weights(folder.path()).expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(collect(handle.submit(request(&[5], 3))).0, [7; 3]);
    }
}
