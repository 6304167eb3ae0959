//! `opencompass why`: explains a score.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  opencompass why runs/tiny/evaluate tiny arithmetic\n  \
                  opencompass why runs/tiny/evaluate tiny arithmetic 7")]
pub(super) struct Arguments {
    /// Folder of the run.
    run: PathBuf,
    /// Name of the model in the table.
    model: String,
    /// Name of the dataset in the table.
    dataset: String,
    /// Index of the item, counted from 0 [default: the first three wrong items].
    item: Option<usize>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = crate::RunFolder::new(&arguments.run);
    let text = folder.explain(&arguments.model, &arguments.dataset, arguments.item)?;
    internlm_kit::out!("{text}")?;
    Ok(ExitCode::SUCCESS)
}
