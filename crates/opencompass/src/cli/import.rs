//! `opencompass import`: reads OpenCompass' Python configurations without Python.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use internlm_kit::exit::UsageError;
use internlm_kit::{file, outln};

use super::aligned::aligned;
use crate::import::{Lowered, UpstreamConfig, UpstreamDataset, upstream_hash};

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  opencompass import opencompass/configs/datasets/gsm8k/gsm8k_gen_1d7fe4.py\n  \
                  opencompass import configs/datasets/mmlu/mmlu_ppl_ac766d.py --out my/datasets\n\n\
                  The column `version` is the prompt hash, which upstream's file names end with. A written file \
                  begins with what it does not say: name the files of its rows under [source]."
)]
pub(super) struct Arguments {
    /// Python configurations of datasets. Files that they import are read too.
    #[arg(required = true, value_name = "CONFIG")]
    configs: Vec<PathBuf>,
    /// Write one dataset file per set into this folder. Default: only list the sets.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace dataset files that exist.
    #[arg(long, requires = "out")]
    force: bool,
}

/// What the list shows of each list of sets.
const COLUMNS: [&str; 4] = ["config", "list", "sets", "version"];

/// Number of digits of the prompt hash that tables show.
const SHOWN: usize = 6;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
    let mut files = Vec::new();
    for path in &arguments.configs {
        let config = UpstreamConfig::read(path)?;
        if config.lists().is_empty() {
            let path = path.display();
            return Err(UsageError(format!("{path}: found no list of datasets with infer_cfg")).into());
        }
        for (name, list) in config.lists() {
            let mut version = upstream_hash(list);
            version.truncate(SHOWN);
            rows.push(vec![path.display().to_string(), name.clone(), list.len().to_string(), version]);
            if arguments.out.is_some() {
                files.extend(list.iter().map(lowered).collect::<anyhow::Result<Vec<_>>>()?);
            }
        }
    }
    outln!("{}", aligned(&rows))?;
    if let Some(folder) = &arguments.out {
        write(folder, files, arguments)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The name and the text of a dataset file.
fn lowered(dataset: &UpstreamDataset) -> anyhow::Result<(String, String)> {
    let Lowered { config, notes } = dataset.lower()?;
    let head: String = notes.iter().map(|note| format!("# {}\n", note.replace('\n', " "))).collect();
    Ok((format!("{}.toml", config.name), head + &toml::to_string_pretty(&config)?))
}

/// Writes the files, after it is clear that none is there already.
fn write(folder: &Path, mut files: Vec<(String, String)>, arguments: &Arguments) -> anyhow::Result<()> {
    files.sort();
    files.dedup();
    if let Some(pair) = files.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(UsageError(format!("{}: two different sets have this name", pair[0].0)).into());
    }
    let there = files.iter().map(|(name, _)| folder.join(name)).find(|path| path.exists());
    if let Some(path) = there.filter(|_| !arguments.force) {
        return Err(UsageError(format!("{}: exists; --force replaces it", path.display())).into());
    }
    for (name, text) in &files {
        let path = folder.join(name);
        file::write(&path, text)?;
        outln!("{}", path.display())?;
    }
    Ok(())
}
