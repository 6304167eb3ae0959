//! Plans, inferencers and explanations through the library, without a server.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use internlm_kit::context::RunContext;
use internlm_kit::exit::BadInput;
use internlm_kit::stop::Stop;
use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::infer::{InferContext, PplDenominator};
use opencompass::model::{Answer, ChatMessage, MockModel, Protocol, Request, ScoredText};
use opencompass::plan::Work;
use opencompass::prompt::{MetaPart, MetaRole, MetaTemplate};
use opencompass::{CellState, Error, Evaluation, RunFolder, Store, Unsupported};

/// A dataset of `rows` questions `q0`, `q1`, ... with the answer `yes`.
fn dataset(folder: &Path, rows: usize, keys: &str) -> Dataset {
    let lines = (0..rows).map(|row| format!("{{\"q\": \"q{row}\", \"a\": \"yes\"}}\n"));
    fs::write(folder.join("a.jsonl"), lines.collect::<String>()).expect("writes");
    let text = format!(
        "name = \"set\"\nsource = {{ files = [\"a.jsonl\"], train_files = [\"a.jsonl\"] }}\n\
         reader = {{ input = [\"q\"], output = \"a\" }}\nscore = {{ evaluator = \"acc\" }}\n{keys}\n"
    );
    Dataset::load(DatasetConfig::parse(&text, "set.toml").expect("a dataset file"), &[folder]).expect("loads")
}

const GEN: &str = "prompt = { rounds = [{ role = \"HUMAN\", prompt = \"{q}?\" }, { role = \"BOT\", prompt = \"{a}\" }] }\n\
                   infer = { mode = \"gen\", max_out_len = 5, stop = [\"\\n\"] }";
const PPL: &str = "prompt = { labels = { yes = \"{q} yes\", no = \"{q} no\" } }\ninfer = { mode = \"ppl\" }";

/// The score of any text.
const SCORED: Answer = Answer::Scored { tokens: 4, log_prob: -2.0, unscored_bytes: 0 };

fn yes() -> MockModel {
    MockModel::new("yes", |_| Ok(Answer::text("yes")))
}

/// The meta template `<h>..</h><b>..</b>`.
fn tags() -> MetaTemplate {
    let role = |name: &str, tag: &str| {
        MetaPart::Role(MetaRole {
            role: name.to_owned(),
            begin: format!("<{tag}>"),
            end: format!("</{tag}>"),
            generate: name == "BOT",
            ..MetaRole::default()
        })
    };
    MetaTemplate { round: vec![role("HUMAN", "h"), role("BOT", "b")], ..MetaTemplate::default() }
}

#[test]
fn the_same_rows_become_messages_text_or_scored_texts() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let set = dataset(folder.path(), 2, GEN);
    let chat = yes();
    let text = yes().with_profile(|profile| profile.protocol = Protocol::Completions);
    let tagged = yes().with_profile(|profile| {
        profile.protocol = Protocol::Completions;
        profile.meta_template = Some(tags());
    });
    let models: Vec<Box<dyn opencompass::model::Model>> =
        vec![Box::new(chat), Box::new(text), Box::new(tagged)];
    let plan = Evaluation::new(vec![set], models).plan(InferContext::default());
    let request = |cell: usize| plan.cells[cell].items()[1].asks[0].request.clone();
    let Request::Chat { messages, tools, sampling } = request(0) else { panic!("messages") };
    // The answer is not in the prompt, and the model's own turn is left out.
    assert_eq!(messages, [ChatMessage::user("q1?")]);
    assert_eq!((tools.len(), sampling.max_tokens, sampling.stop), (0, Some(5), vec!["\n".to_owned()]));
    let Request::Complete { prompt, .. } = request(1) else { panic!("a text") };
    assert_eq!(prompt, "q1?");
    let Request::Complete { prompt, .. } = request(2) else { panic!("a text") };
    assert_eq!(prompt, "<h>q1?</h><b>");
}

#[test]
fn examples_stand_before_the_question() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let keys = "few_shot = { retriever = \"fixk\", ids = [2, 0] }\n\
                prompt = { text = \"</E>{q}: {a}\", ice_token = \"</E>\" }\ninfer = { mode = \"gen\" }";
    let set = dataset(folder.path(), 3, keys);
    let model = yes().with_profile(|profile| profile.protocol = Protocol::Completions);
    let plan = Evaluation::new(vec![set], vec![Box::new(model)]).plan(InferContext::default());
    let item = &plan.cells[0].items()[1];
    let Request::Complete { prompt, .. } = &item.asks[0].request else { panic!("a text") };
    assert_eq!(prompt, "q2: yes\nq0: yes\nq1: ");
    assert_eq!((item.shots.as_str(), item.dropped_shots), ("q2: yes\nq0: yes\n", 0));
}

#[tokio::test]
async fn cells_are_asked_in_turn_and_each_question_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (large, small) = (dataset(folder.path(), 6, GEN), dataset(folder.path(), 2, PPL));
    let kinds = std::sync::Arc::new(Mutex::new(String::new()));
    let seen = std::sync::Arc::clone(&kinds);
    let model = MockModel::new("kinds", move |request| {
        let is_score = matches!(request, Request::Score { .. });
        seen.lock().expect("no panic").push(if is_score { 's' } else { 'c' });
        Ok(if is_score { SCORED } else { Answer::text("yes") })
    });
    let evaluation = Evaluation::new(vec![large, small], vec![Box::new(model)]);
    let plan = evaluation.plan(InferContext::default());
    let mut store = Store::open(folder.path().join("store.jsonl")).expect("opens");
    evaluation.ask(&plan, &mut store, 1, &RunContext::default()).await.expect("asks");
    // The small set does not wait for the large one.
    assert_eq!(*kinds.lock().expect("no panic"), "csscsscccc");
}

#[tokio::test]
async fn every_request_is_sent_once_whatever_the_number_of_workers() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for workers in [0, 1, 7] {
        let asked = std::sync::Arc::new(Mutex::new(Vec::new()));
        let seen = std::sync::Arc::clone(&asked);
        let model = MockModel::new("yes", move |request| {
            seen.lock().expect("no panic").push(request.key(""));
            Ok(Answer::text("yes"))
        });
        // The same dataset twice: equal requests share one answer.
        let sets = vec![dataset(folder.path(), 5, GEN), dataset(folder.path(), 5, GEN)];
        let evaluation = Evaluation::new(sets, vec![Box::new(model)]);
        let plan = evaluation.plan(InferContext::default());
        let mut store = Store::open(folder.path().join(format!("{workers}.jsonl"))).expect("opens");
        let failures =
            evaluation.ask(&plan, &mut store, workers, &RunContext::default()).await.expect("asks");
        assert!(failures.is_empty());
        evaluation.ask(&plan, &mut store, workers, &RunContext::default()).await.expect("nothing is left");
        assert_eq!((asked.lock().expect("no panic").len(), store.len()), (5, 5), "{workers} workers");
        let results = evaluation.conclude(&plan, &store, &failures).expect("scores");
        assert_eq!(results.len(), 2);
        for result in &results {
            assert_eq!(result.scores().expect("scored").metrics["accuracy"], 100.0);
            assert!(!result.is_partial());
        }
    }
}

#[tokio::test]
async fn a_stopped_run_keeps_its_answers_and_says_how_many() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let stop = Stop::new();
    let (count, switch) = (AtomicUsize::new(0), stop.clone());
    let context = RunContext::default().with_stop(stop);
    let model = MockModel::new("yes", move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 2 {
            switch.request();
        }
        Ok(Answer::text("yes"))
    });
    let evaluation = Evaluation::new(vec![dataset(folder.path(), 9, GEN)], vec![Box::new(model)]);
    let plan = evaluation.plan(InferContext::default());
    let mut store = Store::open(folder.path().join("store.jsonl")).expect("opens");
    let error = evaluation.ask(&plan, &mut store, 1, &context).await.expect_err("stopped");
    assert!(matches!(error, Error::Interrupted { done: 3, total: 9 }), "{error}");
    assert!(!error.is_bad_input() && context.stop.is_requested());
    assert_eq!(store.len(), 3);
}

#[tokio::test]
async fn a_model_that_is_gone_is_not_asked_for_ever() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let model = MockModel::new("gone", move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Err(Error::Answer { place: "choices".to_owned(), found: "none".to_owned(), expected: "one" })
    });
    let evaluation = Evaluation::new(vec![dataset(folder.path(), 40, GEN)], vec![Box::new(model)]);
    let plan = evaluation.plan(InferContext::default());
    let mut store = Store::open(folder.path().join("store.jsonl")).expect("opens");
    let failures =
        evaluation.ask(&plan, &mut store, 1, &RunContext::default()).await.expect("failures are no error");
    assert_eq!((asked.load(Ordering::SeqCst), failures.len(), store.len()), (16, 40, 0));
    let last = &plan.cells[0].items()[39].asks[0].key;
    assert_eq!(failures[last], "not asked: 16 requests in a row had failed");
    let results = evaluation.conclude(&plan, &store, &failures).expect("scores");
    let scores = results[0].scores().expect("all items count as wrong");
    assert_eq!((scores.metrics["accuracy"], scores.answered), (0.0, 0));
    assert_eq!(scores.details[0].reason.as_deref(), Some("answer: choices: found none, expected one"));
    assert!(results[0].is_partial());
}

#[test]
fn refused_cells_stop_a_run_unless_they_are_skipped() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let sets = vec![dataset(folder.path(), 1, GEN), dataset(folder.path(), 1, PPL)];
    let mute = yes().with_profile(|profile| profile.log_probs = Err("it returns none".to_owned()));
    let evaluation = Evaluation::new(sets, vec![Box::new(mute)]);
    let plan = evaluation.plan(InferContext::default());
    let reason = "yes x set: the dataset needs log-probabilities of the prompt, but it returns none";
    assert_eq!(plan.refusals(), [reason]);
    assert!(matches!(&plan.cells[1].work, Work::Refused(_)) && plan.cells[1].items().is_empty());
    plan.check(Unsupported::Skip).expect("the other cell is left");
    let error = plan.check(Unsupported::Refuse).expect_err("refused");
    assert!(error.is_bad_input() && error.to_string().contains(reason), "{error}");
    let store = Store::open(folder.path().join("store.jsonl")).expect("opens");
    let results = evaluation.conclude(&plan, &store, &Default::default()).expect("scores");
    assert!(matches!(results[1].state, CellState::Refused(_)) && results[1].is_partial());
    // With nothing left, skipping everything is not a run.
    let (sets, mute) = (vec![dataset(folder.path(), 1, PPL)], yes());
    let mute = mute.with_profile(|profile| profile.log_probs = Err("it returns none".to_owned()));
    let plan = Evaluation::new(sets, vec![Box::new(mute)]).plan(InferContext::default());
    assert!(plan.check(Unsupported::Skip).is_err());
}

#[tokio::test]
async fn the_denominator_decides_between_labels_of_unequal_length() {
    let folder = tempfile::tempdir().expect("temporary folder");
    // `yes` has few tokens and a small loss, `no` has many tokens and a larger one.
    let model = || {
        MockModel::new("scorer", |request| {
            let Request::Score { text: ScoredText::Text(text), .. } = request else { panic!("only scores") };
            let (tokens, log_prob) = if text.ends_with("yes") { (2, -1.0) } else { (10, -6.0) };
            Ok(Answer::Scored { tokens, log_prob, unscored_bytes: 0 })
        })
    };
    for (denominator, accuracy) in [(PplDenominator::Tokens, 100.0), (PplDenominator::Scored, 0.0)] {
        let evaluation = Evaluation::new(vec![dataset(folder.path(), 3, PPL)], vec![Box::new(model())]);
        let plan = evaluation.plan(InferContext { denominator, ..InferContext::default() });
        let mut store = Store::open(folder.path().join("store.jsonl")).expect("opens");
        let failures = evaluation.ask(&plan, &mut store, 2, &RunContext::default()).await.expect("asks");
        let results = evaluation.conclude(&plan, &store, &failures).expect("scores");
        assert_eq!(results[0].scores().expect("scored").metrics["accuracy"], accuracy, "{denominator:?}");
    }
}

#[test]
fn run_folders_are_found_by_their_stamp() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let missing = RunFolder::find(folder.path(), "latest").expect_err("no run yet").to_string();
    assert!(missing.contains("run `latest`: not found, expected a run below"), "{missing}");
    for stamp in ["20240101_000000", "20250101_000000", "notes"] {
        fs::create_dir_all(folder.path().join(stamp).join("configs")).expect("creates");
    }
    for stamp in ["20240101_000000", "20250101_000000"] {
        fs::write(folder.path().join(stamp).join("configs/run.toml"), "").expect("writes");
    }
    assert_eq!(RunFolder::find(folder.path(), "latest").expect("two runs"), "20250101_000000");
    assert_eq!(RunFolder::find(folder.path(), "20240101_000000").expect("there"), "20240101_000000");
    let error = RunFolder::find(folder.path(), "20230101_000000").expect_err("not there");
    assert!(error.is_bad_input() && error.to_string().contains("expected the folder"), "{error}");
}

#[test]
fn an_explanation_needs_its_files() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = RunFolder::new(folder.path());
    let error = run.explain("m", "d", None).expect_err("no such cell").to_string();
    assert!(
        error.contains("cell `m x d`: not found, expected") && error.contains("results/m/d.json"),
        "{error}"
    );
    fs::create_dir_all(folder.path().join("results/m")).expect("creates");
    fs::write(folder.path().join("results/m/d.json"), "not JSON").expect("writes");
    let error = run.explain("m", "d", None).expect_err("broken").to_string();
    assert!(error.contains("d.json: expected JSON of a run"), "{error}");
}
