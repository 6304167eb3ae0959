//! Sleep, wake and other weights on the engine thread, over a mock; what is stored while it sleeps is lost, so that
//! whoever used it would give a wrong answer.

mod http;
mod weights;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use internlm_model::TokenId;
use lmdeploy::Error;
use lmdeploy::engine::{
    Batch, Capacity, End, Engine, EngineConfig, EngineFault, ExecuteError, Executor, Health, Logits,
    Rejected, SchedulerConfig, SleepLevel, SleepPart,
};
use lmdeploy::testing::{MockExecutor, MockReply};

use crate::prefix::{collect, request};

fn start(executor: impl Executor + 'static) -> Engine {
    let scheduler = SchedulerConfig::new(&executor.capacity());
    Engine::start(Box::new(executor), EngineConfig::new(scheduler))
}

fn is_refused(engine: &Engine) -> bool {
    let (_, finished) = collect(engine.handle().submit(request(&[5], 1)));
    finished.end == End::Error(EngineFault::Rejected(Rejected::Sleeping))
}

/// Until the engine thread has heard of a sleep.
fn wait_until_it_refuses(engine: &Engine) {
    for _ in 0..2000 {
        if matches!(engine.handle().gauges().health(), Health::Sleeping(_)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("it still takes requests");
}

/// Status and message of a refusal.
fn refusal(error: Error) -> (u16, String) {
    match error {
        Error::Refused { status, message, .. } => (status, message),
        other => panic!("unexpected {other:?}"),
    }
}

/// A mock that says one id again and again, slowly.
fn slow(id: u32) -> MockExecutor {
    let script = MockReply::script(vec![TokenId(id); 1000]);
    MockExecutor::new(script, MockExecutor::default().capacity()).with_delay(Duration::from_millis(2))
}

#[test]
fn after_waking_the_answer_is_the_same_and_nothing_is_cached() {
    let mock = MockExecutor::default().with_sleep();
    let naps = mock.naps();
    let engine = start(mock);
    let (handle, prompt) = (engine.handle(), [5; 40]);
    for level in [SleepLevel::KeepFiles, SleepLevel::ReleaseFiles] {
        let (ids, finished) = collect(handle.submit(request(&prompt, 60)));
        assert_eq!((ids.as_slice(), finished.cached_tokens), (&prompt[..], 0));
        assert!(handle.gauges().stats().cached_blocks > 0);
        handle.sleep(level).expect("sleeps");
        assert_eq!(handle.gauges().asleep(), SleepPart::ALL);
        assert_eq!(handle.gauges().health(), Health::Sleeping("released: weights, kv_cache".to_owned()));
        let stats = handle.gauges().stats();
        assert_eq!((stats.active_blocks, stats.cached_blocks), (0, 0));
        assert!(is_refused(&engine));
        handle.wake(&SleepPart::ALL).expect("wakes");
        assert_eq!((handle.gauges().asleep(), handle.gauges().health()), (Vec::new(), Health::Healthy));
    }
    assert_eq!(collect(handle.submit(request(&prompt, 60))).0, prompt);
    assert_eq!((naps.sleeps(), naps.wakes(), naps.loads()), (2, 4, 0));
    let rejected = handle.gauges().rejections().into_iter().find(|(reason, _)| *reason == "sleeping");
    assert_eq!(rejected, Some(("sleeping", 2)));
}

#[test]
fn it_is_awake_once_both_parts_are_in_any_order() {
    let mock = MockExecutor::default().with_sleep();
    let naps = mock.naps();
    let engine = start(mock);
    let handle = engine.handle();
    let (weights, cache) = (SleepPart::Weights, SleepPart::Cache);
    handle.sleep(SleepLevel::KeepFiles).expect("sleeps");
    handle.wake(&[weights]).expect("wakes");
    assert_eq!((handle.gauges().asleep(), is_refused(&engine)), (vec![cache], true));
    handle.wake(&[weights, cache]).expect("wakes");
    assert_eq!((handle.gauges().asleep(), naps.wakes()), (Vec::new(), 2));

    handle.sleep(SleepLevel::KeepFiles).expect("sleeps");
    handle.wake(&[cache]).expect("noted");
    assert_eq!(handle.gauges().asleep(), [weights, cache], "there is no cache without weights");
    handle.wake(&[weights]).expect("wakes");
    assert_eq!((handle.gauges().asleep(), naps.wakes()), (Vec::new(), 4));
    assert_eq!(collect(handle.submit(request(&[7, 8], 9))).0, [7, 8]);
}

#[test]
fn asking_twice_does_no_harm() {
    let mock = MockExecutor::default().with_sleep();
    let naps = mock.naps();
    let engine = start(mock);
    let handle = engine.handle();
    handle.wake(&SleepPart::ALL).expect("it is awake");
    for level in [SleepLevel::KeepFiles, SleepLevel::ReleaseFiles, SleepLevel::ReleaseFiles] {
        handle.sleep(level).expect("sleeps");
    }
    for _ in 0..2 {
        handle.wake(&SleepPart::ALL).expect("wakes");
    }
    assert_eq!((naps.sleeps(), naps.wakes()), (3, 2));
    assert_eq!(collect(handle.submit(request(&[7, 8], 9))).0, [7, 8]);
}

#[test]
fn running_requests_end_before_the_sleep_and_new_ones_are_refused_at_once() {
    let mock = slow(7).with_sleep();
    let naps = mock.naps();
    let engine = start(mock);
    let running = engine.handle().submit(request(&[3], 150));
    let handle = engine.handle();
    let sleeping = std::thread::spawn(move || handle.sleep(SleepLevel::KeepFiles));
    wait_until_it_refuses(&engine);
    assert!(is_refused(&engine) && engine.handle().gauges().asleep().is_empty() && naps.sleeps() == 0);
    assert_eq!(collect(running).0, [7; 150]);
    sleeping.join().expect("no panic").expect("sleeps");
    assert_eq!((naps.sleeps(), engine.handle().gauges().asleep().len()), (1, 2));
}

#[test]
fn a_wake_that_comes_first_wins() {
    let mock = slow(7).with_sleep();
    let naps = mock.naps();
    let engine = start(mock);
    let running = engine.handle().submit(request(&[3], 200));
    let handle = engine.handle();
    let sleeping = std::thread::spawn(move || handle.sleep(SleepLevel::KeepFiles));
    wait_until_it_refuses(&engine);
    engine.handle().wake(&[SleepPart::Weights]).expect("it is awake");
    let (status, message) = refusal(sleeping.join().expect("no panic").expect_err("in vain"));
    assert_eq!((status, message.as_str()), (409, "the engine was woken before it slept"));
    assert_eq!(collect(engine.handle().submit(request(&[4], 5))).0, [7; 5]);
    assert_eq!((collect(running).0.len(), naps.sleeps()), (200, 0));
}

#[test]
fn what_cannot_sleep_says_so_and_continues() {
    let engine = start(MockExecutor::default());
    let handle = engine.handle();
    let expected = (409, "this executor cannot sleep".to_owned());
    assert_eq!(refusal(handle.sleep(SleepLevel::KeepFiles).expect_err("cannot")), expected);
    assert_eq!((handle.gauges().health(), handle.gauges().asleep()), (Health::Healthy, Vec::new()));
    assert_eq!(collect(handle.submit(request(&[7, 8], 9))).0, [7, 8]);
}

/// A mock that cannot wake as long as the flag is set.
struct Stubborn {
    mock: MockExecutor,
    refuses: Arc<AtomicBool>,
}

impl Executor for Stubborn {
    fn capacity(&self) -> Capacity {
        self.mock.capacity()
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        self.mock.step(batch)
    }

    fn sleep(&mut self, level: SleepLevel) -> Result<(), ExecuteError> {
        self.mock.sleep(level)
    }

    fn wake(&mut self, part: SleepPart) -> Result<(), ExecuteError> {
        if part == SleepPart::Cache && self.refuses.load(Ordering::Relaxed) {
            return Err(ExecuteError::backend("no memory"));
        }
        self.mock.wake(part)
    }
}

#[test]
fn a_part_that_cannot_wake_stays_asleep_until_it_can() {
    let refuses = Arc::new(AtomicBool::new(true));
    let mock = MockExecutor::default().with_sleep();
    let engine = start(Stubborn { mock, refuses: Arc::clone(&refuses) });
    let handle = engine.handle();
    handle.sleep(SleepLevel::KeepFiles).expect("sleeps");
    let failed = refusal(handle.wake(&SleepPart::ALL).expect_err("no memory"));
    assert_eq!(failed, (500, "no memory".to_owned()));
    assert_eq!(handle.gauges().asleep(), [SleepPart::Cache]);
    let expected = Health::Sleeping("kv_cache could not be woken: no memory".to_owned());
    assert_eq!((handle.gauges().health(), is_refused(&engine)), (expected, true));
    refuses.store(false, Ordering::Relaxed);
    handle.wake(&SleepPart::ALL).expect("wakes");
    assert_eq!(handle.gauges().health(), Health::Healthy);
    assert_eq!(collect(handle.submit(request(&[7, 8], 9))).0, [7, 8]);
}

#[test]
fn a_sleeping_engine_can_be_shut_down() {
    let engine = start(MockExecutor::default().with_sleep());
    engine.handle().sleep(SleepLevel::KeepFiles).expect("sleeps");
    engine.shutdown(Duration::from_secs(60));

    let engine = start(slow(7).with_sleep());
    let (handle, running) = (engine.handle(), engine.handle().submit(request(&[3], 900)));
    let sleeping = std::thread::spawn(move || handle.sleep(SleepLevel::KeepFiles));
    wait_until_it_refuses(&engine);
    engine.shutdown(Duration::ZERO);
    assert_eq!(refusal(sleeping.join().expect("no panic").expect_err("nobody is left to sleep")).0, 503);
    assert!(collect(running).0.len() < 900);
}
