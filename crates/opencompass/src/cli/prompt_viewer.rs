//! `opencompass prompt-viewer`: shows what the models are asked.

use std::process::ExitCode;

use clap::Args;
use internlm_kit::outln;

use super::models::{Connection, connected};
use super::settings;
use crate::Part;
use crate::plan::Work;
use crate::prompt::python_str;
use crate::run_folder::RunFolder;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  opencompass prompt-viewer run.toml\n  \
                        opencompass prompt-viewer run.toml --datasets gsm8k --count 3\n  \
                        opencompass prompt-viewer --datasets gsm8k --data-dirs data")]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: settings::Arguments,
    /// Number of items per cell.
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: usize,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = settings::config(&arguments.settings.or_mock())?;
    let folder = RunFolder::of(&config, "latest");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ready = runtime.block_on(connected(&config, &folder, Connection::Assumed, Part::Answers))?;
    for cell in ready.evaluation.plan_part(config.context(), Part::Answers).cells {
        let items = match cell.work {
            Work::Ready(items) => items,
            Work::Refused(reason) => {
                outln!("{}: refused: {reason}\n", cell.name)?;
                continue;
            }
        };
        for item in items.iter().take(arguments.count) {
            for ask in item.known_asks() {
                let label = ask.label.as_ref().map_or_else(String::new, |label| format!(", label {label}"));
                outln!("--- {}, row {}{label}", cell.name, item.row)?;
                show(&ask.shown())?;
            }
            outln!("--- expected: {}\n", python_str(&item.gold))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a prompt: its turns, or its text.
fn show(prompt: &serde_json::Value) -> std::io::Result<()> {
    let serde_json::Value::Array(turns) = prompt else { return outln!("{}", python_str(prompt)) };
    for turn in turns {
        outln!("[{}]\n{}", turn["role"].as_str().unwrap_or_default(), python_str(&turn["prompt"]))?;
    }
    Ok(())
}
