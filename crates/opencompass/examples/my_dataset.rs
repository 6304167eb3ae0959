//! Evaluates a rule on a new dataset: plan, ask, score.
//!
//! `cargo run --release -p opencompass --example my_dataset`

#![allow(clippy::print_stdout)] // An example shows what it does.

use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::model::{Answer, MockModel, Request};
use opencompass::{Evaluation, Store};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let rows =
        ["France", "Japan"].map(|country| format!(r#"{{"country": "{country}", "capital": "Paris"}}"#));
    std::fs::write(folder.path().join("capitals.jsonl"), rows.join("\n"))?;
    let config = DatasetConfig::parse(
        r#"
        name = "capitals"
        source = { files = ["capitals.jsonl"] }
        reader = { input = ["country"], output = "capital" }
        prompt = { rounds = [{ role = "HUMAN", prompt = "Capital of {country}?" }] }
        infer = { mode = "chat", max_out_len = 8 }
        score = { evaluator = "em" }
        "#,
        "capitals.toml",
    )?;
    let dataset = Dataset::load(config, &[folder.path()])?;
    let model = MockModel::new("rule", |request| {
        let france =
            matches!(request, Request::Chat { messages, .. } if messages[0].text().contains("France"));
        Ok(Answer::text(if france { "Paris." } else { "Tokyo." }))
    });
    let evaluation = Evaluation::new(vec![dataset], vec![Box::new(model)]);
    let plan = evaluation.plan(Default::default());
    let mut store = Store::open(folder.path().join("store.jsonl"))?;
    let failures = evaluation.ask(&plan, &mut store, 2, &Default::default()).await?;
    for cell in evaluation.conclude(&plan, &store, &failures)? {
        println!("{}: {:?}", plan.cells[0].name, cell.scores().map(|scores| &scores.metrics));
    }
    Ok(())
}
