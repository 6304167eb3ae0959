//! `wanjuan-data why`: traces one document through a pipeline.

use std::path::PathBuf;

use clap::Args;

use crate::Error;
use crate::report::{Trace, ids_at, why};

/// Arguments of `why`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data why Bk3aTI85qrqB0ZWjQ26l
  wanjuan-data why Bk3aTI85qrqB0ZWjQ26l --dir runs/tiny/data
  wanjuan-data why https://doc.rust-lang.org/stable/std/index.html")]
pub(super) struct WhyArguments {
    /// Id of the document: 20 letters and digits, as in documents.jsonl and rejected/. Or the address of its page.
    id: String,
    /// Output folder of the run that saw the document.
    #[arg(long, default_value = "runs/tiny/data")]
    dir: PathBuf,
}

pub(super) fn run(arguments: &WhyArguments) -> anyhow::Result<()> {
    let WhyArguments { id, dir } = arguments;
    let mut traces: Vec<Trace> = why(dir, id)?.into_iter().collect();
    if traces.is_empty() {
        for id in ids_at(dir, id)? {
            traces.extend(why(dir, &id)?);
        }
    }
    if traces.is_empty() {
        let found = format!("no document `{id}`");
        let expected = "an id from documents.jsonl or rejected/, or the address of a page".to_owned();
        return Err(Error::Unexpected { path: dir.clone(), found, expected }.into());
    }
    let texts: Vec<String> = traces.iter().map(Trace::to_text).collect();
    Ok(internlm_kit::out!("{}", texts.join("\n"))?)
}
