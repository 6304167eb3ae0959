//! Answers with known rows, scored end to end: a mock model that says them, and whatever runs the programs.

use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::model::{Answer, ChatMessage, Ending, MockModel, Model, Program, Request};
use opencompass::score::Scores;
use opencompass::{Evaluation, Store};
use serde_json::{Value, json};

/// A dataset file whose rows are asked by their column `id`.
pub(crate) fn config(score: &str, infer: &str) -> DatasetConfig {
    let text = format!(
        "name = \"x\"\nsource = {{ files = [\"x.jsonl\"] }}\nreader = {{ input = [\"id\"], output = \"gold\" }}\n\
         prompt = {{ rounds = [{{ role = \"HUMAN\", prompt = \"{{id}}\" }}] }}\n\
         infer = {{ mode = \"gen\"{infer} }}\nscore = {{ {score} }}\n"
    );
    DatasetConfig::parse(&text, "x.toml").expect("a dataset file")
}

/// Scores answers to rows, in their order. `sandbox` runs the programs.
pub(crate) fn scored(config: DatasetConfig, items: &[(Value, String)], sandbox: Box<dyn Model>) -> Scores {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut lines = String::new();
    for (place, (row, _)) in items.iter().enumerate() {
        let mut row = row.clone();
        row["id"] = json!(place.to_string());
        lines.push_str(&format!("{row}\n"));
    }
    std::fs::write(folder.path().join("x.jsonl"), lines).expect("writes");
    let dataset = Dataset::load(config, &[folder.path()]).expect("loads");
    let answers: Vec<String> = items.iter().map(|(_, answer)| answer.clone()).collect();
    let model = MockModel::new("told", move |request| {
        let Request::Chat { messages, .. } = request else { panic!("a question") };
        let place: usize = messages.last().map(ChatMessage::text).expect("asks").parse().expect("an id");
        Ok(Answer::text(answers[place].clone()))
    });
    let evaluation = Evaluation::new(vec![dataset], vec![Box::new(model)]).with_sandbox(sandbox);
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    runtime.block_on(async {
        let plan = evaluation.plan(Default::default());
        let mut store = Store::open(folder.path().join("store.jsonl")).expect("opens");
        let failures = evaluation.ask(&plan, &mut store, 4, &Default::default()).await.expect("asks");
        let results = evaluation.conclude(&plan, &store, &failures).expect("scores");
        results[0].scores().expect("scored").clone()
    })
}

/// The word of each item's result.
pub(crate) fn results(scores: &Scores) -> Vec<&str> {
    scores.details.iter().map(|detail| detail.extra["result"].as_str().expect("a word")).collect()
}

/// The lines of a file with these rows.
pub(crate) fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// What a program wrote before it ended by itself.
pub(crate) fn ran(stdout: impl Into<String>, stderr: &str) -> Answer {
    Answer::Ran { ending: Ending::Exit(0), stdout: stdout.into(), stderr: stderr.to_owned() }
}

/// Something that runs programs by a rule.
pub(crate) fn runner(rule: impl Fn(&Program) -> Answer + Send + Sync + 'static) -> Box<dyn Model> {
    Box::new(MockModel::new("runner", move |request| {
        let Request::Run { program } = request else { panic!("a program") };
        Ok(rule(program))
    }))
}
