//! The engine thread over a mock: texts, ends, cancels, failures.

use std::time::Duration;

use internlm_model::TokenId;
use lmdeploy::engine::{
    Capacity, End, Engine, EngineConfig, EngineFault, Executor, Finished, GenerateRequest, Generation,
    Health, Output, Piece, Rejected, SchedulerConfig, StopCause,
};
use lmdeploy::testing::{MockExecutor, MockFault, MockReply};
use proptest::prelude::*;

fn start(executor: MockExecutor) -> Engine {
    let scheduler = SchedulerConfig::new(&executor.capacity());
    Engine::start(Box::new(executor), EngineConfig::new(scheduler).with_seed(1))
}

fn request(prompt: &[u32], max_new: usize) -> GenerateRequest {
    let prompt = prompt.iter().copied().map(TokenId).collect();
    GenerateRequest::new(prompt).with_max_new(max_new).with_stop_ids(vec![TokenId(2)])
}

/// All ids and the end.
fn collect(mut generation: Generation) -> (Vec<u32>, Finished) {
    let mut pieces: Vec<Piece> = Vec::new();
    loop {
        match generation.wait().expect("an end comes before nothing") {
            Output::Prompt(_) => {}
            Output::Pieces(more) => pieces.extend(more),
            Output::Finished(finished) => {
                assert!(generation.wait().is_none(), "nothing after the end");
                return (pieces.iter().map(|piece| piece.id.0).collect(), finished);
            }
        }
    }
}

/// Until the engine holds no blocks; its numbers follow the end of a request at once, but on its own thread.
fn wait_until_free(engine: &Engine) {
    for _ in 0..2000 {
        if engine.handle().gauges().stats().active_blocks == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("blocks are still held: {:?}", engine.handle().gauges().stats());
}

#[test]
fn many_requests_at_once_each_get_their_own_echo() {
    let engine = start(MockExecutor::default());
    let prompts: Vec<Vec<u32>> =
        (0..30).map(|i| (0..(i * 7) % 90 + 1).map(|j| 3 + (i + j) % 60).collect()).collect();
    let generations: Vec<_> =
        prompts.iter().map(|prompt| engine.handle().submit(request(prompt, 200))).collect();
    for (prompt, generation) in prompts.iter().zip(generations) {
        let (ids, finished) = collect(generation);
        assert_eq!(ids, *prompt);
        assert_eq!(finished.end, End::Stop(StopCause::Id(TokenId(2))));
        assert_eq!((finished.prompt_tokens, finished.generated_tokens), (prompt.len(), prompt.len()));
    }
    wait_until_free(&engine);
}

#[test]
fn preempted_sequences_continue_where_they_were() {
    let capacity = Capacity { blocks: 6, max_position: 96, ..MockExecutor::default().capacity() };
    let engine = start(MockExecutor::new(MockReply::echo(), capacity));
    let prompts: Vec<Vec<u32>> = (0..6).map(|i| (0..30).map(|j| 3 + (i + j) % 60).collect()).collect();
    let generations: Vec<_> =
        prompts.iter().map(|prompt| engine.handle().submit(request(prompt, 60))).collect();
    for (prompt, generation) in prompts.iter().zip(generations) {
        assert_eq!(collect(generation).0, *prompt);
    }
    assert!(engine.handle().gauges().stats().preemptions > 0);
    wait_until_free(&engine);
}

#[test]
fn dropping_the_reader_frees_the_blocks() {
    let executor =
        MockExecutor::new(MockReply::script(vec![TokenId(5); 1000]), MockExecutor::default().capacity());
    let engine = start(executor.with_delay(Duration::from_millis(1)));
    let mut generation = engine.handle().submit(request(&[3; 40], 900));
    assert!(matches!(generation.wait(), Some(Output::Pieces(_))));
    assert!(engine.handle().gauges().stats().active_blocks >= 3);
    drop(generation);
    wait_until_free(&engine);
    let aborted = engine.handle().gauges().ends().into_iter().find(|(kind, _)| *kind == "abort");
    assert_eq!(aborted, Some(("abort", 1)));
}

#[test]
fn a_failing_step_ends_its_requests_and_the_engine_goes_on() {
    for fault in [MockFault::Error, MockFault::Nan, MockFault::Panic] {
        let engine = start(MockExecutor::default().with_fault(1, fault));
        let (_, finished) = collect(engine.handle().submit(request(&[3, 4, 5], 9)));
        assert!(matches!(finished.end, End::Error(EngineFault::Execution(_))), "{fault:?}: {finished:?}");
        assert_eq!(collect(engine.handle().submit(request(&[3, 4, 5], 9))).0, [3, 4, 5]);
        wait_until_free(&engine);
        assert_eq!(engine.handle().gauges().health(), Health::Healthy);
    }
}

#[test]
fn three_failed_steps_in_a_row_are_unhealthy() {
    let executor = (0..3).fold(MockExecutor::default(), |mock, step| mock.with_fault(step, MockFault::Error));
    let engine = start(executor);
    for _ in 0..3 {
        collect(engine.handle().submit(request(&[3], 1)));
    }
    assert!(matches!(engine.handle().gauges().health(), Health::Unhealthy(_)));
    collect(engine.handle().submit(request(&[3], 1)));
    assert_eq!(engine.handle().gauges().health(), Health::Healthy);
}

#[test]
fn requests_that_cannot_run_end_at_once_with_the_reason() {
    let engine = start(MockExecutor::default());
    let rejected = |request| match collect(engine.handle().submit(request)).1.end {
        End::Error(EngineFault::Rejected(rejected)) => rejected,
        other => panic!("unexpected {other:?}"),
    };
    assert_eq!(rejected(request(&[], 1)), Rejected::EmptyPrompt);
    assert_eq!(rejected(request(&[64], 1)), Rejected::UnknownId { id: 64, vocab: 64 });
    assert_eq!(rejected(request(&[3; 1024], 1)), Rejected::TooLong { prompt: 1024, wanted: 1, limit: 1024 });
}

#[test]
fn prompt_scores_come_once_and_do_not_depend_on_chunks() {
    let engine = start(MockExecutor::default());
    // As long as three chunks, with a period of one chunk: see the mock about the ends of chunks.
    let prompt: Vec<u32> = (0..200).map(|i| i % 64).collect();
    let mut generation = engine.handle().submit(request(&prompt, 0).with_prompt_logprobs(2));
    let Some(Output::Prompt(scores)) = generation.wait() else { panic!("scores come first") };
    assert_eq!((scores.len(), scores[0].is_none()), (200, true));
    // The mock gives 10 to the next id and 0 to 63 others.
    let expected = -(1.0 + 63.0 * (-10.0_f64).exp()).ln() as f32;
    for (score, id) in scores[1..].iter().zip(&prompt[1..]) {
        let score = score.as_ref().expect("all but the first are scored");
        assert_eq!(score.chosen.id.0, *id);
        assert!((score.chosen.logprob - expected).abs() < 1e-6);
        assert_eq!(score.top.len(), 2);
    }
    let Some(Output::Finished(finished)) = generation.wait() else { panic!("then the end") };
    assert_eq!((finished.end, finished.generated_tokens), (End::Length, 0));
}

#[test]
fn timeouts_end_requests() {
    let executor =
        MockExecutor::new(MockReply::script(vec![TokenId(5); 1000]), MockExecutor::default().capacity());
    let engine = start(executor.with_delay(Duration::from_millis(2)));
    let limited = request(&[3], 900).with_timeout(Duration::from_millis(20));
    let (ids, finished) = collect(engine.handle().submit(limited));
    assert_eq!(finished.end, End::Error(EngineFault::Timeout));
    assert!(ids.len() < 900);
}

#[test]
fn shutdown_lets_running_requests_finish_and_refuses_new_ones() {
    let engine = start(MockExecutor::default().with_delay(Duration::from_millis(1)));
    let handle = engine.handle();
    let running = handle.submit(request(&[3; 30], 60));
    let reader = std::thread::spawn(move || collect(running));
    engine.shutdown(Duration::from_secs(30));
    assert_eq!(reader.join().expect("reads").1.end, End::Stop(StopCause::Id(TokenId(2))));
    let (_, finished) = collect(handle.submit(request(&[3], 1)));
    assert!(matches!(finished.end, End::Error(_)));
}

#[test]
fn a_sequence_that_fails_alone_leaves_the_others() {
    let engine = start(MockExecutor::default().with_fault(3, MockFault::First));
    let generations: Vec<_> =
        (3..6).map(|id| engine.handle().submit(request(&[id, id, id, id, id], 9))).collect();
    let ends: Vec<_> = generations.into_iter().map(collect).collect();
    let failed: Vec<&Finished> =
        ends.iter().map(|end| &end.1).filter(|end| end.generated_tokens < 5).collect();
    let [failed] = failed[..] else { panic!("one fails: {ends:?}") };
    let End::Error(EngineFault::Execution(message)) = &failed.end else { panic!("{failed:?}") };
    assert!(message.contains("fault of one"), "{message}");
    assert_eq!(engine.handle().gauges().health(), Health::Healthy);
    wait_until_free(&engine);
}

/// What a reader does with its request.
#[derive(Clone, Copy, Debug)]
enum Reader {
    ReadsAll,
    LeavesAtOnce,
    LeavesAfterTheFirstOutput,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn readers_that_come_and_go_leave_no_block_behind_and_disturb_nobody(
        readers in prop::collection::vec((1..40_u32, 0..3_u8), 1..24),
        blocks in 8..40_usize,
    ) {
        let capacity = Capacity { blocks, max_position: 128, ..MockExecutor::default().capacity() };
        let engine = start(MockExecutor::new(MockReply::echo(), capacity));
        let submitted: Vec<_> = (0..)
            .zip(&readers)
            .map(|(number, (length, kind))| {
                let prompt: Vec<u32> = (0..*length).map(|place| 3 + (number + place) % 60).collect();
                let reader = match kind {
                    0 => Reader::ReadsAll,
                    1 => Reader::LeavesAtOnce,
                    _ => Reader::LeavesAfterTheFirstOutput,
                };
                (engine.handle().submit(request(&prompt, 60)), reader, prompt)
            })
            .collect();
        for (mut generation, reader, prompt) in submitted {
            match reader {
                Reader::LeavesAtOnce => drop(generation),
                Reader::LeavesAfterTheFirstOutput => prop_assert!(generation.wait().is_some()),
                Reader::ReadsAll => prop_assert_eq!(collect(generation).0, prompt),
            }
        }
        let handle = engine.handle();
        let ends = || handle.gauges().ends().iter().map(|(_, count)| count).sum::<u64>();
        let missing = || ends() < readers.len() as u64;
        // A request counts as ended shortly after its reader has seen the end.
        for _ in 0..2000 {
            if !missing() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        wait_until_free(&engine);
        prop_assert_eq!(ends(), readers.len() as u64, "every request ends once");
    }
}

#[test]
fn a_queue_without_a_limit_takes_everything() {
    let executor = MockExecutor::default();
    let config = SchedulerConfig::new(&executor.capacity()).with_max_queue(usize::MAX);
    let engine = Engine::start(Box::new(executor), EngineConfig::new(config));
    let generations: Vec<_> = (0..200).map(|_| engine.handle().submit(request(&[5, 6], 9))).collect();
    assert!(generations.into_iter().all(|generation| collect(generation).0 == [5, 6]));
}

#[test]
fn seeds_of_requests_without_one_follow_from_the_base_seed() {
    let seeds = |seed| {
        let executor = MockExecutor::default();
        let config = EngineConfig::new(SchedulerConfig::new(&executor.capacity())).with_seed(seed);
        let engine = Engine::start(Box::new(executor), config);
        [(); 4].map(|()| engine.handle().fresh_seed())
    };
    assert_eq!(seeds(1), seeds(1));
    assert_ne!(seeds(1), seeds(2));
    assert!(seeds(1).windows(2).all(|pair| pair[0] != pair[1]));
}
