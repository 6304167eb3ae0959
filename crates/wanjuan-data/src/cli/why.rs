//! `wanjuan-data why`: traces one document through a pipeline.

use std::path::PathBuf;

use clap::Args;

use crate::Error;

/// Arguments of `why`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data why Bk3aTI85qrqB0ZWjQ26l
  wanjuan-data why Bk3aTI85qrqB0ZWjQ26l --dir runs/tiny/data")]
pub(super) struct WhyArguments {
    /// Id of the document: 20 letters and digits, as in documents.jsonl and rejected/.
    id: String,
    /// Output folder of the run that saw the document.
    #[arg(long, default_value = "runs/tiny/data")]
    dir: PathBuf,
}

pub(super) fn run(arguments: &WhyArguments) -> anyhow::Result<()> {
    let life = crate::report::why(&arguments.dir, &arguments.id)?;
    let life = life.ok_or_else(|| Error::Unexpected {
        path: arguments.dir.clone(),
        found: format!("no document `{}`", arguments.id),
        expected: "an id from documents.jsonl or rejected/".to_owned(),
    })?;
    Ok(internlm_kit::out!("{}", life.to_text())?)
}
