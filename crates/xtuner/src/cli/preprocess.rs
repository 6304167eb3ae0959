//! `xtuner preprocess`: training sets from one format to another, and comparisons to one form.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use internlm_kit::{file, out};

use crate::Error;
use crate::dataset::Document;
use crate::dataset::format::{Compat, Format, ReadOptions, read_with, write_preference, write_row};
use crate::preference::read_with_fields;

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner preprocess alpaca_data.json --out train.jsonl
  xtuner preprocess set.jsonl --format law_reference --to sharegpt --out law.jsonl
  xtuner preprocess comparisons.json --to preference --out pairs.jsonl
  xtuner preprocess toolcalls.json | head -1

Writes JSON lines. What the target has no place for, such as calls in alpaca, is refused with the number of the
conversation. `xtuner list-dataset-format` shows the formats.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Preprocess {
    /// Files, or folders of files, to read.
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// Format of the inputs; by default found out from the keys of each file's first row.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Format to write: openai, sharegpt, alpaca, default, pretrain, tokenized, internevo, or preference for
    /// comparisons of answers.
    #[arg(long, value_name = "FORMAT", default_value = "openai", value_parser = target)]
    to: Target,
    /// Keep the peculiarities of another program while reading.
    #[arg(long, value_enum, default_value = "none")]
    compat: KeptOf,
    /// File to write; by default standard output.
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
}

/// What is written.
#[derive(Clone, Copy, Debug)]
enum Target {
    Rows(Format),
    Preference,
}

/// Whose peculiarities are kept.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeptOf {
    /// Nobody's.
    None,
    /// XTuner's: line ends before empty inputs, questions in a row as one.
    Xtuner,
}

fn target(text: &str) -> Result<Target, String> {
    if text == "preference" {
        return Ok(Target::Preference);
    }
    text.parse().map(Target::Rows)
}

impl Preprocess {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if let Some(out) = self.out.as_deref().filter(|out| out.is_file() && !self.force) {
            let place = out.display().to_string();
            return Err(Error::mismatch(place, "an existing file", "a new file, or --force").into());
        }
        let mut text = String::new();
        let mut rows = 0;
        for input in &self.inputs {
            rows += match self.to {
                Target::Preference => self.push_preferences(input, &mut text)?,
                Target::Rows(format) => push_rows(&self.read(input)?, format, input, &mut text)?,
            };
        }
        match &self.out {
            Some(out) => {
                file::write(out, &text).map_err(Error::from)?;
                tracing::info!("{rows} rows: {}", out.display());
            }
            None => out!("{text}")?,
        }
        Ok(())
    }

    fn read(&self, input: &Path) -> Result<Vec<Document>, Error> {
        read_with(input, &ReadOptions::new(self.format).with_compat(self.compat()))
    }

    fn compat(&self) -> Compat {
        match self.compat {
            KeptOf::None => Compat::None,
            KeptOf::Xtuner => Compat::Xtuner,
        }
    }

    /// Adds one line for each comparison and gives their number.
    fn push_preferences(&self, input: &Path, text: &mut String) -> anyhow::Result<usize> {
        if let Some(format) = self.format {
            let found = format!("`{format}` with `--to preference`");
            let expected = "no format: comparisons have forms of their own";
            return Err(Error::mismatch("--format", found, expected).into());
        }
        if self.compat() != Compat::None {
            let found = format!("{} with `--to preference`", self.compat().name());
            let expected = "none: readers of comparisons have no peculiarities";
            return Err(Error::mismatch("--compat", found, expected).into());
        }
        let read = read_with_fields(input)?;
        for (preference, fields) in &read {
            let mut row = write_preference(preference)?;
            fields.iter().for_each(|(key, value)| row[key] = value.clone());
            writeln!(text, "{row}")?;
        }
        Ok(read.len())
    }
}

/// Adds one line for each document and gives their number.
fn push_rows(
    documents: &[Document],
    format: Format,
    input: &Path,
    text: &mut String,
) -> anyhow::Result<usize> {
    if documents.is_empty() {
        return Err(Error::mismatch(input.display().to_string(), "no row to convert", "at least one").into());
    }
    for (index, document) in documents.iter().enumerate() {
        let row = write_row(document, format).map_err(|(found, expected)| {
            Error::mismatch(format!("{}: document {}", input.display(), index + 1), found, expected)
        })?;
        writeln!(text, "{row}")?;
    }
    Ok(documents.len())
}
