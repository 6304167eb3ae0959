//! `wanjuan-data lid`: the language of each line of standard input.

use std::io::{BufRead, Write, stdin};
use std::path::PathBuf;

use clap::Args;

use crate::language::{LanguageId, LidModel, Whatlang};

/// Arguments of `lid`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data lid < lines.txt
  wanjuan-data lid --model lid.176.ftz < lines.txt")]
pub(super) struct LidArguments {
    /// fastText model to use, such as lid.176.ftz. Default: the built-in method of the crate whatlang.
    #[arg(long)]
    model: Option<PathBuf>,
}

pub(super) fn run(arguments: &LidArguments) -> anyhow::Result<()> {
    let identifier: Box<dyn LanguageId> = match &arguments.model {
        Some(path) => Box::new(LidModel::open(path)?),
        None => Box::new(Whatlang),
    };
    let mut input = stdin().lock();
    let mut output = internlm_kit::stdout::lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
        let detected = identifier.detect(&text);
        writeln!(output, "{}\t{:.6}", detected.language, detected.confidence)?;
        line.clear();
    }
    Ok(output.flush()?)
}
