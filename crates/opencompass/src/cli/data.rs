//! `opencompass data`: the files of the test sets, which every user has to supply.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use internlm_kit::exit::{Failure, UsageError};
use internlm_kit::outln;

use super::aligned::aligned;
use crate::dataset::{Catalog, DataState, add_data, data_files, sets_by_file, verify_data};

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  opencompass data list\n  opencompass data verify data\n  \
                        opencompass data add ~/downloads --to data\n\nNothing is ever downloaded.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the known files with size, license, origin and number of questions.
    List,
    /// Compare the files of data folders byte by byte with the known ones, and name the sets that cannot run.
    Verify {
        /// Data folders, in the order in which a run looks into them.
        #[arg(required = true, num_args = 1.., value_name = "DIR")]
        folders: Vec<PathBuf>,
    },
    /// Find known files by their content, whatever their names, and copy them to their places.
    Add {
        /// Folder to look into, with its subfolders.
        from: PathBuf,
        /// Data folder that takes the files.
        #[arg(long, value_name = "DIR", default_value = "data")]
        to: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.verb {
        Verb::List => list(),
        Verb::Verify { folders } => verify(folders),
        Verb::Add { from, to } => add(from, to),
    }
}

fn list() -> anyhow::Result<ExitCode> {
    let mut rows = vec![["path", "bytes", "questions", "license", "origin"].map(str::to_owned).to_vec()];
    rows.extend(data_files().iter().map(|file| {
        let count = file.count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let license = if file.license.is_empty() { "not named" } else { file.license };
        let bytes = file.bytes.to_string();
        vec![file.path.to_owned(), bytes, count, license.to_owned(), file.origin.to_owned()]
    }));
    outln!("{}", aligned(&rows))?;
    Ok(ExitCode::SUCCESS)
}

fn verify(folders: &[PathBuf]) -> anyhow::Result<ExitCode> {
    if let Some(folder) = folders.iter().find(|folder| !folder.is_dir()) {
        return Err(UsageError(format!("{}: found no such folder", folder.display())).into());
    }
    let needed = sets_by_file(&Catalog::embedded())?;
    let (mut same, mut absent, mut different) = (0, 0, 0);
    for check in verify_data(folders)? {
        let sets = needed.get(check.file.path).map_or_else(|| "no set".to_owned(), |sets| sets.join(", "));
        match check.state {
            DataState::Same(_) => same += 1,
            DataState::Absent => {
                absent += 1;
                outln!("{}: absent, needed by {sets}", check.file.path)?;
            }
            DataState::Different { path, sha256 } => {
                different += 1;
                let expected = check.file.sha256;
                outln!("{}: found sha256 {sha256}, expected {expected}; blocks {sets}", path.display())?;
            }
        }
    }
    outln!("{same} files are the known ones, {absent} are absent, {different} differ")?;
    Ok(if different == 0 { ExitCode::SUCCESS } else { Failure::Partial.code().into() })
}

fn add(from: &std::path::Path, to: &std::path::Path) -> anyhow::Result<ExitCode> {
    let added = add_data(from, to)?;
    for file in &added {
        let word = if file.from == file.to { "in place" } else { "copied from" };
        outln!("{}: {word} {}", file.to.display(), file.from.display())?;
    }
    outln!("{} known files", added.len())?;
    Ok(ExitCode::SUCCESS)
}
