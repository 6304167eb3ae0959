//! What the engine writes into its gauges is what others read, and when it is unhealthy.

use super::*;
use crate::engine::EngineFault;

fn busy() -> SchedulerStats {
    SchedulerStats {
        running: 1,
        waiting: 2,
        paused: 1,
        blocks: 9,
        active_blocks: 4,
        cached_blocks: 2,
        prefix_lookup_tokens: 40,
        prefix_hit_tokens: 30,
        preemptions: 3,
    }
}

fn life(prompt: usize, generated: usize) -> Ended {
    let time = Some(Duration::from_millis(20));
    let whole = Duration::from_millis(80);
    Ended { prompt, generated, cached: prompt / 2, whole, queued: time, prefill: time, decode: time }
}

#[test]
fn what_the_engine_writes_is_what_others_read() {
    let gauges = Gauges::new();
    gauges.set(busy());
    assert_eq!(gauges.stats(), busy());
    gauges.count_prompt(5, 2);
    gauges.first_token(Duration::ZERO);
    gauges.next_token(Duration::ZERO);
    gauges.ended(&End::Length, &life(5, 2));
    gauges.ended(&End::Error(EngineFault::Timeout), &life(1, 2));
    gauges.ended(&End::Stop(StopCause::Text), &life(0, 1));
    gauges.ended(&End::Abort(CancelCause::Api), &life(0, 0));
    gauges.count_rejected(&Rejected::EmptyPrompt);
    gauges.count_rejected(&Rejected::QueueFull { waiting: 3 });
    assert_eq!((gauges.prompt_tokens(), gauges.generated_tokens(), gauges.cached_tokens()), (5, 2, 2));
    let expected = [
        ("stop", 0),
        ("stop_string", 1),
        ("length", 1),
        ("abort", 1),
        ("shutdown", 0),
        ("slow_reader", 0),
        ("error", 1),
    ];
    assert_eq!(gauges.ends(), expected);
    assert_eq!(gauges.rejected(), 2);
    let expected = [("queue_full", 1), ("too_long", 0), ("invalid", 1), ("draining", 0), ("sleeping", 0)];
    assert_eq!(gauges.rejections(), expected);
}

#[test]
fn requests_and_steps_are_counted_in_the_histograms() {
    let gauges = Gauges::new();
    gauges.ended(&End::Length, &life(10, 3));
    // It never left the queue.
    let waited = Ended { queued: None, prefill: None, decode: None, ..life(10, 0) };
    gauges.ended(&End::Abort(CancelCause::Disconnect), &waited);
    let time = Duration::from_millis(3);
    gauges.step(&StepTimes { scheduler: time, executor: time, masks: Duration::ZERO, tokens: 7 });
    let found = gauges.histograms();
    let of = |name: &str| {
        let found = found.iter().find(|(found, ..)| *found == name).expect(name);
        (found.2.count, found.2.sum)
    };
    assert_eq!(of("e2e_request_latency_seconds").0, 2);
    assert_eq!(of("request_queue_time_seconds"), (1, 0.02));
    assert_eq!(of("request_prompt_tokens"), (1, 10.0));
    assert_eq!(of("request_cache_hit_ratio"), (1, 0.5));
    assert_eq!(of("time_per_output_token_seconds"), (1, 0.01), "20 ms between three tokens");
    assert_eq!(of("iteration_tokens_total"), (1, 7.0));
    assert_eq!((of("executor_step_seconds").0, of("guided_mask_seconds").0), (1, 0));
}

#[test]
fn failures_in_a_row_and_the_end_of_the_thread_are_unhealthy() {
    let gauges = Gauges::new();
    gauges.set(busy());
    for _ in 1..FAILED_STEPS {
        gauges.step_failed();
    }
    assert_eq!(gauges.health(), Health::Healthy);
    gauges.step_failed();
    assert_eq!(gauges.health(), Health::Unhealthy("the last 3 steps failed".to_owned()));
    gauges.step_succeeded();
    assert_eq!(gauges.health(), Health::Healthy);
    gauges.set_ended();
    assert_eq!(gauges.health(), Health::Unhealthy("the engine thread has ended".to_owned()));
}

#[test]
fn a_sleeping_engine_is_neither_healthy_nor_unhealthy() {
    let gauges = Gauges::new();
    gauges.set_rest(RestState { refuses: true, asleep: SleepPart::ALL.to_vec(), failure: None });
    assert_eq!(gauges.health(), Health::Sleeping("released: weights, kv_cache".to_owned()));
    assert_eq!((gauges.rests(), gauges.asleep()), (true, SleepPart::ALL.to_vec()));
    gauges.set_rest(RestState::default());
    assert_eq!((gauges.health(), gauges.asleep()), (Health::Healthy, Vec::new()));
}

#[test]
fn work_that_does_not_move_is_unhealthy_and_idleness_is_not() {
    let long_ago = Instant::now().checked_sub(2 * STALLED).expect("the clock is older than that");
    let gauges = Gauges { started: long_ago, ..Gauges::new() };
    assert_eq!(gauges.health(), Health::Healthy, "nothing to do");
    gauges.running.store(1, Ordering::Relaxed);
    let Health::Unhealthy(message) = gauges.health() else { panic!("it stalls") };
    assert!(message.starts_with("no step for 180 s"), "{message}");
    gauges.set(busy());
    assert_eq!(gauges.health(), Health::Healthy, "it has just moved");
}
