//! The item store between several runs: one at a time, nothing lost, nothing doubled.

use std::fs;
use std::sync::Barrier;
use std::thread;

use internlm_kit::journal::JournalError;
use opencompass::model::{Answer, FunctionCall};
use opencompass::{Error, Store};
use proptest::prelude::*;

use crate::runs::{Bench, told};

/// Says whether another run has the store open.
fn is_busy(error: &Error) -> bool {
    matches!(error, Error::Journal(JournalError::InUse { .. }))
}

#[test]
fn of_many_threads_exactly_one_opens_a_store() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("store.jsonl");
    for round in 0..20 {
        let barrier = Barrier::new(4);
        let open = || {
            barrier.wait();
            let opened = Store::open(&path);
            // Nobody lets go before everybody has tried.
            barrier.wait();
            opened.map(drop)
        };
        let outcomes: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let opened = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(opened, 1, "round {round}");
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert!(is_busy(&error), "{error}");
        }
    }
}

#[test]
fn runs_that_wait_for_each_other_share_every_answer() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("store.jsonl");
    thread::scope(|scope| {
        for run in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for item in 0..10 {
                    // What a person does who reads that another process writes the store.
                    let mut store = loop {
                        match Store::open(path) {
                            Ok(store) => break store,
                            Err(error) if is_busy(&error) => thread::yield_now(),
                            Err(other) => panic!("{other}"),
                        }
                    };
                    let key = format!("{run}-{item}");
                    store.append(&key, &Answer::text(key.clone())).expect("appends");
                    store.sync().expect("syncs");
                }
            });
        }
    });
    let store = Store::open(&path).expect("opens");
    assert_eq!(store.len(), 40);
    for run in 0..4 {
        for item in 0..10 {
            let key = format!("{run}-{item}");
            assert_eq!(store.get(&key), Some(&Answer::text(key.clone())));
        }
    }
    let text = fs::read_to_string(&path).expect("reads");
    assert!(text.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{text}");
}

#[test]
fn a_second_process_is_told_and_the_first_one_loses_nothing() {
    let bench = Bench::new(2);
    let mut held = Store::open(bench.path("out/store.jsonl")).expect("opens");
    let (code, stderr) = told(&bench.run(&["run.toml", "--datasets", "sums"]));
    assert_eq!(code, Some(2), "{stderr}");
    assert!(
        stderr.contains("out/store.jsonl: found another process that writes it, expected to be the only one"),
        "{stderr}"
    );
    held.append("mine", &Answer::text("kept")).expect("appends");
    drop(held);
    assert_eq!(told(&bench.run(&["run.toml", "--datasets", "sums"])).0, Some(0));
    let store = Store::open(bench.path("out/store.jsonl")).expect("opens");
    assert_eq!((store.len(), store.get("mine")), (3, Some(&Answer::text("kept"))));
}

fn answer() -> impl Strategy<Value = Answer> {
    let call =
        ("[A-Z][a-z]{0,5}", "\\PC{0,12}").prop_map(|(name, arguments)| FunctionCall { name, arguments });
    prop_oneof![
        ("\\PC{0,20}", proptest::collection::vec(call, 0..3), any::<bool>())
            .prop_map(|(text, calls, cut)| Answer::Reply { text, calls, cut }),
        (1_usize..99, -99.0..0.0_f64, 0_usize..4).prop_map(|(tokens, log_prob, unscored_bytes)| {
            Answer::Scored { tokens, log_prob, unscored_bytes }
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_stored_comes_back_and_a_torn_line_costs_one_answer(
        answers in proptest::collection::btree_map("[a-f0-9]{1,8}", answer(), 1..12),
        torn in 0_usize..200,
    ) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("deep/store.jsonl");
        let mut store = Store::open(&path).expect("creates its folder");
        prop_assert!(store.is_empty());
        for (key, answer) in &answers {
            store.append(key, answer).expect("appends");
        }
        drop(store);
        let store = Store::open(&path).expect("opens");
        prop_assert_eq!(store.len(), answers.len());
        for (key, answer) in &answers {
            prop_assert_eq!(store.get(key), Some(answer));
        }
        drop(store);
        // Cut inside the last line: all others stay.
        let bytes = fs::read(&path).expect("reads");
        let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        fs::write(&path, &bytes[..last + torn % (bytes.len() - last)]).expect("writes");
        let store = Store::open(&path).expect("opens");
        prop_assert_eq!(store.len(), answers.len() - 1);
        prop_assert_eq!(fs::read(&path).expect("reads"), &bytes[..last]);
    }
}

#[test]
fn a_damaged_line_is_skipped_and_asked_again() {
    let bench = Bench::new(3);
    assert_eq!(told(&bench.run(&["run.toml", "--datasets", "sums"])).0, Some(0));
    let path = bench.path("out/store.jsonl");
    let text = fs::read_to_string(&path).expect("reads");
    let damaged = text.replacen("{\"key\"", "<\"key\"", 1);
    fs::write(&path, damaged).expect("writes");
    let (code, stderr) = told(&bench.run(&["run.toml", "--datasets", "sums"]));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("line 1: skipped, not a record"), "{stderr}");
    assert_eq!(fs::read_to_string(&path).expect("reads").lines().count(), 4);
}
