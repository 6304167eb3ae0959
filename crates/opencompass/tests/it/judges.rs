//! Judges: a run asks them after the model, and their verdicts become scores.

use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::model::{Answer, ChatMessage, MockModel, Model, Request};
use opencompass::score::Scores;
use opencompass::{Error, Evaluation, Store};

/// The last message of a request.
fn question(request: &Request) -> String {
    match request {
        Request::Chat { messages, .. } => messages.last().map(ChatMessage::text).unwrap_or_default(),
        Request::Complete { prompt, .. } => prompt.clone(),
        _ => String::new(),
    }
}

/// A judge that answers by a rule on the prompt and the seed.
fn judge(name: &str, rule: impl Fn(&str, u64) -> String + Send + Sync + 'static) -> Box<dyn Model> {
    Box::new(MockModel::new(name, move |request| {
        let seed = match request {
            Request::Chat { sampling, .. } => sampling.seed,
            _ => 0,
        };
        Ok(Answer::text(rule(&question(request), seed)))
    }))
}

/// Runs a set whose questions the model echoes, with judges.
fn run(rows: &str, evaluator: &str, judges: Vec<Box<dyn Model>>) -> Scores {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("rows.jsonl"), rows).expect("a written file");
    let text = format!(
        r#"
        name = "judged"
        source = {{ files = ["rows.jsonl"] }}
        reader = {{ input = ["question"], output = "answer" }}
        prompt = {{ rounds = [{{ role = "HUMAN", prompt = "{{question}}" }}] }}
        infer = {{ mode = "gen" }}
        [score.evaluator]
        {evaluator}
        "#
    );
    let config = DatasetConfig::parse(&text, "judged.toml").expect("a dataset file");
    let dataset = Dataset::load(config, &[folder.path()]).expect("readable rows");
    let model = MockModel::new("echo", |request| Ok(Answer::text(question(request))));
    let evaluation = Evaluation::new(vec![dataset], vec![Box::new(model)]).with_judges(judges);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let plan = evaluation.plan(Default::default());
        let mut store = Store::open(folder.path().join("store.jsonl")).expect("a store");
        let failures = evaluation.ask(&plan, &mut store, 4, &Default::default()).await.expect("a run");
        let results = evaluation.conclude(&plan, &store, &failures).expect("scores");
        results[0].scores().expect("a scored cell").clone()
    })
}

/// Rows whose answers, which the model echoes, are right or wrong.
const ROWS: &str = r#"{"question": "right 1", "answer": "right 1"}
{"question": "wrong 2", "answer": "x"}
{"question": "nearly 3", "answer": "x"}
{"question": "wrong 4", "answer": "x"}
"#;

fn letter(prompt: &str) -> String {
    if prompt.starts_with("wrong") { "B".to_owned() } else { "A".to_owned() }
}

#[test]
fn a_judge_names_right_answers() {
    let evaluator = "name = \"judge\"\njudge = { prompt = \"{prediction} / {reference}\" }";
    let scores = run(ROWS, evaluator, vec![judge("letters", |prompt, _| letter(prompt))]);
    let found: Vec<(&str, f64)> =
        scores.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(
        found[..4],
        [("accuracy", 50.0), ("accuracy_given_attempted", 50.0), ("f1", 0.5), ("attempted_ratio", 100.0)]
    );
    assert_eq!(scores.details[1].extra["grade_letter"], "B");
    let asked = run(ROWS, evaluator, vec![judge("prompts", |prompt, _| prompt.to_owned())]);
    assert_eq!(asked.details[0].extra["judgements"][0], "right 1 / right 1");
    assert_eq!(asked.metrics["not_attempted_count"], 4.0);
}

#[test]
fn the_majority_of_judges_decides_and_repeats_are_compared() {
    let evaluator = "name = \"judge\"\njudge = { prompt = \"{prediction}\", judges = [0, 1, 2] }";
    let always = |letter: &'static str| judge(letter, move |_, _| letter.to_owned());
    let three = || vec![judge("letters", |prompt, _| letter(prompt)), always("A"), always("B")];
    assert_eq!(run(ROWS, evaluator, three()).metrics["accuracy"], 50.0);
    let evaluator = "name = \"judge\"\njudge = { prompt = \"{prediction}\", repeats = 4 }";
    let moody = judge("moody", |_, seed| if seed == 0 { "B".to_owned() } else { "A".to_owned() });
    let scores = run(ROWS, evaluator, vec![moody]);
    assert_eq!(scores.metrics["accuracy"], 100.0);
    assert_eq!(scores.extra["judge_consistency"], 75.0);
}

#[test]
fn a_judge_that_fails_is_told_per_item() {
    let evaluator = "name = \"judge\"\njudge = { prompt = \"{prediction}\" }";
    let mute = MockModel::new("mute", |_| {
        Err(Error::Answer { place: "choices".to_owned(), found: "none".to_owned(), expected: "one" })
    });
    let scores = run(ROWS, evaluator, vec![Box::new(mute)]);
    assert!(scores.metrics.is_empty() && scores.answered == 0, "a score without a verdict says nothing");
    assert!(scores.details.iter().all(|detail| detail.reason.is_some()));
}

#[test]
fn a_cascade_asks_only_about_what_the_rule_calls_wrong() {
    let evaluator = "name = \"cascade\"\nrule = \"acc\"\njudge = { prompt = \"{prediction}\" }";
    let scores = run(ROWS, evaluator, vec![judge("letters", |prompt, _| letter(prompt))]);
    assert_eq!(scores.metrics["accuracy"], 50.0);
    let stats = &scores.extra["cascade_stats"];
    assert_eq!([&stats["rule_correct"], &stats["llm_evaluated"], &stats["llm_correct"]], [1, 3, 1]);
    let scores = run(
        ROWS,
        &format!("{evaluator}\nparallel = true"),
        vec![judge("letters", |prompt, _| letter(prompt))],
    );
    assert_eq!(scores.extra["cascade_stats"]["llm_evaluated"], 4);
    assert_eq!(scores.details[2].correct, Some(true), "the judge overrules the rule");
}

#[test]
fn ratings_are_averaged_by_category() {
    let rows = r#"{"question": "7", "answer": "", "capability": "math"}
{"question": "8", "answer": "", "capability": "math"}
{"question": "3", "answer": "", "capability": "writing"}
{"question": "none", "answer": "", "capability": "writing"}
"#;
    let evaluator = "name = \"judge_score\"\njudge = { prompt = \"{prediction}\" }";
    let rating = judge("rating", |prompt, _| format!("Rating: [[{prompt}]]"));
    let scores = run(rows, evaluator, vec![rating]);
    let found: Vec<(&str, f64)> =
        scores.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(found, [("total", 6.0), ("math", 7.5), ("writing", 3.0)]);
    assert_eq!((scores.details[3].score, &scores.extra["unrated"]), (None, &serde_json::json!(1)));
}

/// Rows with answers of a baseline: the model is better in the first two.
const PAIRS: &str = r#"{"question": "good a", "answer": "", "baseline": "bad", "capability": "x"}
{"question": "good b", "answer": "", "baseline": "bad", "capability": "x"}
{"question": "bad c", "answer": "", "baseline": "good", "capability": "y"}
{"question": "good d", "answer": "", "baseline": "good", "capability": "y"}
"#;
const PAIR: &str =
    "name = \"judge_pair\"\nbaseline = \"baseline\"\njudge = { prompt = \"{prediction}|{prediction2}\" }";

/// Prefers the good answer.
fn fair(prompt: &str) -> String {
    let (one, two) = prompt.split_once('|').expect("two answers");
    match (one.starts_with("good"), two.starts_with("good")) {
        (true, false) => "[[A>B]]".to_owned(),
        (false, true) => "[[B>A]]".to_owned(),
        _ => "[[A=B]]".to_owned(),
    }
}

#[test]
fn comparisons_in_both_orders_give_win_rates_and_ratings() {
    let scores = run(PAIRS, PAIR, vec![judge("fair", |prompt, _| fair(prompt))]);
    // Two wins, one loss and one tie, each in both orders.
    assert_eq!((scores.metrics["win_rate"], scores.metrics["score"]), (62.5, 62.5));
    let elo = 1000.0 + 400.0 * (5.0_f64 / 3.0).log10();
    assert!((scores.metrics["elo"] - elo).abs() < 1e-6);
    assert!(scores.metrics["elo_low"] <= elo && elo <= scores.metrics["elo_high"]);
    assert_eq!(scores.extra["position_bias_rate"], 0.0);
    let verdicts: Vec<Option<f64>> = scores.details.iter().map(|detail| detail.score).collect();
    assert_eq!(verdicts, [Some(1.0), Some(1.0), Some(0.0), Some(0.5)]);
}

#[test]
fn a_judge_that_prefers_a_place_is_found() {
    let scores = run(PAIRS, PAIR, vec![judge("first", |_, _| "[[A>>B]]".to_owned())]);
    assert_eq!(
        (scores.metrics["win_rate"], &scores.extra["position_bias_rate"]),
        (50.0, &serde_json::json!(100.0))
    );
}

#[test]
fn one_random_order_gives_the_same_verdicts_of_a_fair_judge() {
    let evaluator = format!("{PAIR}\nform = \"alpaca\"\norder = \"random\"");
    let better = |prompt: &str| match fair(prompt).as_str() {
        "[[A>B]]" => "m".to_owned(),
        "[[B>A]]" => "M".to_owned(),
        _ => "?".to_owned(),
    };
    let scores = run(PAIRS, &evaluator, vec![judge("better", move |prompt, _| better(prompt))]);
    let found: Vec<(&str, f64)> =
        scores.metrics.iter().map(|(name, value)| (name.as_str(), *value)).take(3).collect();
    assert_eq!(found, [("total", 66.67), ("x", 100.0), ("y", 0.0)]);
    assert_eq!(scores.details[3].reason.as_deref(), Some("judge: found no verdict"));
}
