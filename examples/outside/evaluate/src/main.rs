//! A dataset of two questions in TOML and a rule that answers them: plan, ask, score.

use std::error::Error;

use internlm_kit::context::RunContext;
use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::model::{Answer, MockModel, Request};
use opencompass::{Evaluation, Store};

const DATASET: &str = r#"
name = "capitals"
source = { files = ["capitals.jsonl"] }
reader = { input = ["country"], output = "capital" }
prompt = { rounds = [{ role = "HUMAN", prompt = "Capital of {country}?" }] }
infer = { mode = "chat", max_out_len = 8 }
score = { evaluator = "em" }
"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let rows = [("France", "Paris"), ("Japan", "Tokyo")]
        .map(|(country, capital)| format!(r#"{{"country": "{country}", "capital": "{capital}"}}"#));
    std::fs::write(folder.path().join("capitals.jsonl"), rows.join("\n"))?;
    let config = DatasetConfig::parse(DATASET, "capitals.toml")?;
    let dataset = Dataset::load(config, &[folder.path()])?;

    // Right for France, wrong for Japan.
    let model = MockModel::new("rule", |request| {
        assert!(
            matches!(request, Request::Chat { messages, .. } if messages[0].text().starts_with("Capital of"))
        );
        Ok(Answer::text("Paris"))
    });
    let evaluation = Evaluation::new(vec![dataset], vec![Box::new(model)]);
    let plan = evaluation.plan(Default::default());
    let mut store = Store::open(folder.path().join("store.jsonl"))?;
    let failures = evaluation.ask(&plan, &mut store, 2, &RunContext::default()).await?;
    let cells = evaluation.conclude(&plan, &store, &failures)?;
    let scores = cells[0].scores().expect("the only cell is scored");
    assert!(format!("{:?}", scores.metrics).contains("50.0"), "{:?}", scores.metrics);
    Ok(())
}
