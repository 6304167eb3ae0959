//! One row per crate and one for all of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::measure::Measure;
use crate::rust::{RustFile, files};
use crate::workspace;

const COLUMNS: [&str; 9] = [
    "crate",
    "files",
    "code",
    "file med/p90/max",
    "fn med/p90/p99",
    "comments",
    "pub-doc",
    "test/code",
    "unwrap+expect/kloc",
];

/// Options of `cargo xtask loc`.
#[derive(Args, Debug, Default)]
#[command(after_help = "Example:
  cargo xtask loc

The head of xtask/src/loc/mod.rs says what each column counts.")]
pub(crate) struct LocArguments {
    /// Measure the workspace in this folder instead of the one this program was built from.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

/// Prints the table in Markdown.
pub(crate) fn run(arguments: &LocArguments) -> Result<()> {
    let root = arguments.root.clone().unwrap_or_else(workspace::root);
    let files: Vec<RustFile> =
        files(&root, &[".rs"])?.iter().map(|path| RustFile::read(&root, path)).collect::<Result<_>>()?;
    internlm_kit::out!("{}", table(&files))?;
    Ok(())
}

/// The table over all files, crates in alphabetical order, the sum last.
fn table(files: &[RustFile]) -> String {
    let mut crates: BTreeMap<&str, Measure> = BTreeMap::new();
    for file in files {
        if let Some(name) = crate_of(&file.path) {
            crates.entry(name).or_default().add(file);
        }
    }
    let mut all = Measure::default();
    crates.values().for_each(|measure| all.join(measure));
    let mut rows = vec![COLUMNS.map(str::to_owned), COLUMNS.map(|_| "---".to_owned())];
    rows.extend(crates.iter().map(|(name, measure)| row(name, measure)));
    rows.push(row("**all**", &all));
    rows.iter().map(|cells| format!("| {} |\n", cells.join(" | "))).collect()
}

fn row(name: &str, measure: &Measure) -> [String; 9] {
    let mut cells = measure.cells().into_iter();
    std::array::from_fn(|index| if index == 0 { name.to_owned() } else { cells.next().unwrap_or_default() })
}

/// The crate's folder name, none for what is outside of the workspace's crates.
fn crate_of(path: &str) -> Option<&str> {
    if path.starts_with("xtask/") {
        return Some("xtask");
    }
    path.strip_prefix("crates/")?.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_crates_and_their_sum() {
        let file = |path: &str| RustFile::parse(path, "//! A.\n\nfn f() {}\n").expect("parses");
        let files = [
            "xtask/src/main.rs",
            "crates/b/src/lib.rs",
            "crates/b/src/c.rs",
            "examples/outside/d/src/main.rs",
        ];
        let table = table(&files.map(file));
        let cells: Vec<&str> =
            table.lines().skip(2).map(|line| &line[..line.find(" | 3/").unwrap_or(0)]).collect();
        assert_eq!(cells, ["| b | 2 | 2", "| xtask | 1 | 1", "| **all** | 3 | 3"]);
    }
}
