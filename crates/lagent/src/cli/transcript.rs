//! `lagent transcript`: imports, compares and exports transcripts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use internlm_kit::{file, out, outln};

use crate::transcript::{Difference, ExportFormat, diff, export, import_lagent};

const IMPORT_EXAMPLES: &str = "Example:
  lagent transcript import react_cibench_ipython.json --output transcript.jsonl

The recording is a JSON object of lagent 0.2.4: agent, protocol, tools, max_turn, question, turns, tool_calls, final.
The agent runs again with the recorded replies and results; every prompt, call and answer has to be the recorded one.";
const DIFF_EXAMPLES: &str = "Example:
  lagent transcript diff runs/one/transcripts.jsonl runs/two/transcripts.jsonl

Runs are compared by their ids, without times. Exit codes: 0 no differences, 1 differences, 2 bad input.";
const EXPORT_EXAMPLES: &str = "Examples:
  lagent transcript export runs/tiny/agent/transcripts.jsonl --format html --output run.html
  lagent transcript export runs/tiny/agent/transcripts.jsonl --format sft --output samples.jsonl";

/// The verbs below `lagent transcript`.
#[derive(Debug, Subcommand)]
pub(super) enum Transcript {
    /// Turn a recording of lagent 0.2.4 into a transcript.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import {
        /// The recording, a JSON file.
        recording: PathBuf,
        /// Write to this file [default: standard output].
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Compare two transcripts run by run and show where they differ.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff {
        /// The first transcript.
        first: PathBuf,
        /// The second transcript.
        second: PathBuf,
    },
    /// Turn a transcript into a page for people, or into samples for fine-tuning.
    #[command(after_help = EXPORT_EXAMPLES)]
    Export {
        /// The transcript, with any number of runs.
        transcript: PathBuf,
        /// Form of the export.
        #[arg(long, value_enum, default_value_t = Format::Markdown)]
        format: Format,
        /// Write to this file [default: standard output].
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Names of the forms.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Format {
    /// Markdown, one section for each run.
    Markdown,
    /// One HTML page.
    Html,
    /// JSON lines with tools and messages, for xtuner. Only answered questions of single agents.
    Sft,
}

impl Transcript {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Import { recording, output } => {
                let lines = import_lagent(recording)?;
                write(output.as_deref(), &(lines.join("\n") + "\n"))?;
            }
            Self::Diff { first, second } => return differences(&first, &second),
            Self::Export { transcript, format, output } => {
                let format = match format {
                    Format::Markdown => ExportFormat::Markdown,
                    Format::Html => ExportFormat::Html,
                    Format::Sft => ExportFormat::Samples,
                };
                write(output.as_deref(), &export(transcript, format)?)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn write(output: Option<&Path>, text: &str) -> anyhow::Result<()> {
    match output {
        Some(path) => file::write(path, text)?,
        None => out!("{text}")?,
    }
    Ok(())
}

fn differences(first: &Path, second: &Path) -> anyhow::Result<ExitCode> {
    let differences = diff(first, second)?;
    for difference in &differences {
        match difference {
            Difference::Missing { id, from_first } => {
                let path = if *from_first { first } else { second };
                outln!("run {id}: missing in {}", path.display())?;
            }
            Difference::Changed { id, lines: (left, right), texts } => {
                outln!("run {id}:")?;
                outln!("  {}: {}", place(first, *left), texts.0)?;
                outln!("  {}: {}", place(second, *right), texts.1)?;
            }
        }
    }
    if differences.is_empty() {
        outln!("no differences")?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(1))
}

/// A line of a file, or where its run ends.
fn place(path: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}: line {line}", path.display()),
        None => format!("{}: the run ends", path.display()),
    }
}
