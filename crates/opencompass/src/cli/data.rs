//! `opencompass data`: the files of the test sets, which every user has to supply.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use internlm_kit::exit::{Failure, UsageError};
use internlm_kit::outln;

use super::aligned::aligned;
use crate::counted::counted;
use crate::dataset::{Catalog, DataCheck, DataState, add_data, data_files, sets_by_file, verify_data};

/// Number of sets that a line names.
const SHOWN: usize = 3;

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
    /// Compare the files of data folders byte by byte with the known ones, and name those that differ.
    Verify {
        /// Data folders, in the order in which a run looks into them.
        #[arg(required = true, num_args = 1.., value_name = "DIR")]
        folders: Vec<PathBuf>,
        /// Name the absent files too, with the sets that need them.
        #[arg(long)]
        absent: bool,
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
        Verb::Verify { folders, absent: false } => verify(folders, Named::Different),
        Verb::Verify { folders, absent: true } => verify(folders, Named::AbsentToo),
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

/// The files that are named one by one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Named {
    /// Those that differ from the known ones.
    Different,
    /// Those, and those that are not there.
    AbsentToo,
}

/// Number of known files below one folder, by what is in their places.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    same: usize,
    absent: usize,
    different: usize,
}

impl Counts {
    fn add(&mut self, state: &DataState) {
        match state {
            DataState::Same(_) => self.same += 1,
            DataState::Absent => self.absent += 1,
            DataState::Different { .. } => self.different += 1,
        }
    }

    fn row(self, name: &str) -> Vec<String> {
        let numbers = [self.same, self.absent, self.different].map(|count| count.to_string());
        std::iter::once(name.to_owned()).chain(numbers).collect()
    }
}

fn verify(folders: &[PathBuf], named: Named) -> anyhow::Result<ExitCode> {
    if let Some(folder) = folders.iter().find(|folder| !folder.is_dir()) {
        return Err(UsageError(format!("{}: found no such folder", folder.display())).into());
    }
    let needed = sets_by_file(&Catalog::embedded())?;
    let (mut all, mut places) = (Counts::default(), BTreeMap::<&str, Counts>::new());
    let mut blocked = BTreeSet::new();
    for check in verify_data(folders)? {
        let place = check.file.path.split('/').next().unwrap_or_default();
        all.add(&check.state);
        places.entry(place).or_default().add(&check.state);
        let sets = needed.get(check.file.path).map_or(&[][..], Vec::as_slice);
        if !matches!(check.state, DataState::Same(_)) {
            blocked.extend(sets);
        }
        if let Some(line) = problem(&check, sets, named) {
            outln!("{line}")?;
        }
    }
    let mut rows = vec![["folder", "as known", "absent", "different"].map(str::to_owned).to_vec()];
    // A folder without any of its files is not worth a row.
    let there = |counts: &Counts| counts.same + counts.different > 0;
    rows.extend(places.iter().filter(|(_, counts)| there(counts)).map(|(place, counts)| counts.row(place)));
    rows.push(all.row("all"));
    outln!("{}", aligned(&rows))?;
    let sets: BTreeSet<&String> = needed.values().flatten().collect();
    let ready = sets.len() - sets.intersection(&blocked).count();
    outln!("{ready} of {} have all of their known files", counted(sets.len(), "set"))?;
    Ok(if all.different == 0 { ExitCode::SUCCESS } else { Failure::Partial.code().into() })
}

/// Describes a file that is not as it is known, if it is to be named.
fn problem(check: &DataCheck, sets: &[String], named: Named) -> Option<String> {
    let file = check.file;
    match &check.state {
        DataState::Absent if named == Named::AbsentToo => {
            Some(format!("{}: absent, needed by {}", file.path, listed(sets)))
        }
        DataState::Different { path, sha256 } => {
            let (path, expected, sets) = (path.display(), file.sha256, listed(sets));
            Some(format!("{path}: found sha256 {sha256}, expected {expected}; blocks {sets}"))
        }
        DataState::Same(_) | DataState::Absent => None,
    }
}

/// Names the first sets and counts the others.
fn listed(sets: &[String]) -> String {
    if sets.is_empty() {
        return "no set".to_owned();
    }
    let first = sets.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match sets.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn add(from: &std::path::Path, to: &std::path::Path) -> anyhow::Result<ExitCode> {
    let added = add_data(from, to)?;
    for file in &added {
        let word = if file.from == file.to { "in place" } else { "copied from" };
        outln!("{}: {word} {}", file.to.display(), file.from.display())?;
    }
    outln!("{}", counted(added.len(), "known file"))?;
    Ok(ExitCode::SUCCESS)
}
