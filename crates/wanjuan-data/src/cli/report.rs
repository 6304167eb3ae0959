//! `wanjuan-data report`: prints the funnel of a finished run.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use internlm_kit::{out, outln};

use crate::report::Finished;

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data report runs/tiny/data
  wanjuan-data report runs/tiny/data --json")]
pub(super) struct ReportArguments {
    /// Output folder of a finished run.
    dir: PathBuf,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// The name that `--json` had first.
    #[arg(long, value_enum, default_value_t = Format::Text, hide = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(arguments: &ReportArguments) -> anyhow::Result<()> {
    let funnel = Finished::read(&arguments.dir)?.funnel;
    if arguments.json || arguments.format == Format::Json {
        outln!("{}", serde_json::to_string_pretty(&funnel)?)?;
    } else {
        out!("{}", funnel.to_text())?;
    }
    Ok(())
}
