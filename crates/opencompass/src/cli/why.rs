//! `opencompass why`: where a number is from.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  opencompass why runs/tiny/evaluate tiny arithmetic\n  \
                  opencompass why runs/tiny/evaluate tiny arithmetic 7")]
pub(super) struct Arguments {
    /// The run's folder.
    run: PathBuf,
    /// The model's name in the table.
    model: String,
    /// The dataset's name in the table.
    dataset: String,
    /// The item, from 0; the first wrong ones without it.
    item: Option<usize>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = crate::why(&arguments.run, &arguments.model, &arguments.dataset, arguments.item)?;
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}
