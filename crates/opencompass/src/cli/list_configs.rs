//! `opencompass list-configs`: lists every known dataset.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use internlm_kit::outln;

use crate::dataset::{Catalog, Origin, list_version};

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  opencompass list-configs\n  opencompass list-configs --dataset-dir my/datasets"
)]
pub(super) struct Arguments {
    /// Folder of dataset files, which add to the embedded ones or replace them. May be repeated.
    #[arg(long, value_name = "DIR")]
    dataset_dir: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let catalog = Catalog::open(&arguments.dataset_dir)?;
    outln!("file\tsets\tfirst set\tversion\tmode\tevaluator\tfrom")?;
    for entry in catalog.entries() {
        let sets = entry.datasets()?;
        let Some(first) = sets.first() else { continue };
        let from = match &entry.origin {
            Origin::Embedded => "embedded".to_owned(),
            Origin::File(path) => path.display().to_string(),
        };
        outln!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{from}",
            entry.stem,
            sets.len(),
            first.name,
            list_version(&sets),
            format!("{:?}", first.infer.mode).to_lowercase(),
            first.score.evaluator.name(),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
