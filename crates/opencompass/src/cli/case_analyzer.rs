//! `opencompass case-analyzer`: collects the wrong items of a run with their prompts.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use internlm_kit::{file, outln};
use serde_json::{Value, json};

use crate::RunFolder;
use crate::counted::counted;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  opencompass case-analyzer outputs/default/20240326_120000\n  \
                        opencompass case-analyzer runs/tiny/evaluate --all")]
pub(super) struct Arguments {
    /// Folder of the run.
    run: PathBuf,
    /// Collect the right items too.
    #[arg(long)]
    all: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = RunFolder::new(&arguments.run);
    let kind = if arguments.all { "all" } else { "bad" };
    for cell in folder.read_summary()?["cells"].as_array().into_iter().flatten() {
        let (model, dataset) =
            (cell["model"].as_str().unwrap_or_default(), cell["dataset"].as_str().unwrap_or_default());
        let Some(results) = folder.read_if_present("results", model, dataset)? else { continue };
        let predictions = folder.read_if_present("predictions", model, dataset)?.unwrap_or_default();
        let evidence = folder.read_if_present("evidence", model, dataset)?.unwrap_or_default();
        let case = |key: &String, detail: &Value| {
            let mut case = json!({ "item": key, "prediction": predictions[key], "detail": detail });
            if let Some(evidence) = evidence.get(key) {
                case["evidence"] = evidence.clone();
            }
            case
        };
        let details = results["details"].as_object();
        let wanted = |detail: &Value| arguments.all || detail["correct"] != true;
        let cases: Vec<Value> = details
            .into_iter()
            .flatten()
            .filter(|(_, detail)| wanted(detail))
            .map(|(key, detail)| case(key, detail))
            .collect();
        let path = folder.path().join(format!("case_analysis/{kind}/{model}/{dataset}.json"));
        file::write(&path, serde_json::to_vec_pretty(&cases)?)?;
        outln!("{model} x {dataset}: {} in {}", counted(cases.len(), "item"), path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}
