//! Writing README's table from the stored summary, checking that both agree, and storing a new summary.

use std::path::Path;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use internlm_kit::exit::UsageError;
use internlm_kit::file;
use serde_json::{Map, Value};

use super::{block, results};
use crate::workspace;

/// The recipe whose results README shows.
const RECIPE: &str = "tiny";
/// The name of the block in README.
const BLOCK: &str = "results";

/// Options of `cargo xtask docs`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask docs results          write README's table from docs/results/tiny.json
  cargo xtask docs results --check  fail when the two disagree
  cargo xtask docs results --record take the numbers of runs/tiny/summary.json first")]
pub(crate) struct DocsArguments {
    #[command(subcommand)]
    verb: DocsVerb,
}

#[derive(Debug, Subcommand)]
enum DocsVerb {
    /// Write the results table of README.md from docs/results/tiny.json.
    Results {
        /// Change nothing and fail when README.md does not show the stored numbers.
        #[arg(long)]
        check: bool,
        /// Store the numbers of the last full run, runs/tiny/summary.json, before writing.
        #[arg(long, conflicts_with = "check")]
        record: bool,
    },
}

impl DocsArguments {
    /// `cargo xtask docs results --check`.
    pub(crate) fn check() -> Self {
        Self { verb: DocsVerb::Results { check: true, record: false } }
    }
}

/// Writes or checks the generated parts.
pub(crate) fn run(arguments: &DocsArguments) -> Result<()> {
    let DocsVerb::Results { check: only_check, record: first } = arguments.verb;
    let root = workspace::root();
    if only_check {
        return check(&root);
    }
    if first {
        return record(&root, RECIPE);
    }
    write(&root)
}

/// Stores `runs/RECIPE/summary.json` as `docs/results/RECIPE.json` and writes README from it.
pub(crate) fn record(root: &Path, recipe: &str) -> Result<()> {
    let summary = read_summary(&root.join("runs").join(recipe).join("summary.json"))?;
    let stored = root.join("docs/results").join(format!("{recipe}.json"));
    let text = serde_json::to_string_pretty(&summary)? + "\n";
    file::write(&stored, text)?;
    tracing::info!("stored {}", stored.display());
    if recipe == RECIPE { write(root) } else { Ok(()) }
}

fn write(root: &Path) -> Result<()> {
    let text = file::read_to_string(root.join("README.md"))?;
    let table = table(root)?;
    let updated = block::replace(&text, BLOCK, &table).ok_or_else(no_block)?;
    if updated == text {
        tracing::info!("README.md already shows the stored results");
        return Ok(());
    }
    Ok(file::write(root.join("README.md"), updated)?)
}

fn check(root: &Path) -> Result<()> {
    let text = file::read_to_string(root.join("README.md"))?;
    let shown = block::content(&text, BLOCK).ok_or_else(no_block)?;
    if shown != table(root)?.trim() {
        bail!(
            "README.md does not show the numbers of docs/results/{RECIPE}.json; run `cargo xtask docs results`"
        );
    }
    Ok(())
}

fn no_block() -> UsageError {
    UsageError(format!(
        "README.md: found no block `{BLOCK}`, expected `<!-- {BLOCK}:begin -->` and `<!-- {BLOCK}:end -->`"
    ))
}

fn table(root: &Path) -> Result<String> {
    let path = root.join("docs/results").join(format!("{RECIPE}.json"));
    let summary = read_summary(&path)?;
    results::table(&summary)
        .map_err(|missing| UsageError(format!("{}: lacks {}", path.display(), missing.join(", "))).into())
}

fn read_summary(path: &Path) -> Result<Map<String, Value>> {
    serde_json::from_slice(&file::read(path)?).map_err(|error| {
        UsageError(format!("{}: expected a JSON object of stages: {error}", path.display())).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace with the stored results of the repository and a README without a table.
    fn workspace_without_table() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        let stored = workspace::root().join("docs/results/tiny.json");
        std::fs::create_dir_all(folder.path().join("docs/results")).expect("a folder");
        std::fs::copy(stored, folder.path().join("docs/results/tiny.json")).expect("copies");
        let text = "# A\n<!-- results:begin -->\n<!-- results:end -->\nrest\n";
        std::fs::write(folder.path().join("README.md"), text).expect("writes");
        folder
    }

    fn change(path: &Path, from: &str, to: &str) {
        let text = std::fs::read_to_string(path).expect("reads");
        assert!(text.contains(from), "{from} is not in {}", path.display());
        std::fs::write(path, text.replace(from, to)).expect("writes");
    }

    #[test]
    fn the_readme_of_the_repository_shows_the_stored_results() {
        check(&workspace::root()).expect("README.md and docs/results/tiny.json agree");
    }

    #[test]
    fn a_written_table_passes_until_a_number_changes_on_either_side() {
        let folder = workspace_without_table();
        assert!(check(folder.path()).is_err());
        write(folder.path()).expect("writes");
        check(folder.path()).expect("agrees");
        change(&folder.path().join("docs/results/tiny.json"), "\"questions\"", "\"other\": 1, \"questions\"");
        check(folder.path()).expect("a metric that is not shown does not count");
        change(&folder.path().join("README.md"), "| data |", "| Data |");
        assert!(check(folder.path()).is_err());
    }

    #[test]
    fn recording_takes_the_numbers_of_the_run() {
        let folder = workspace_without_table();
        let missing = record(folder.path(), "tiny").expect_err("there is no run");
        assert!(missing.to_string().contains("summary.json"), "{missing}");
        std::fs::create_dir_all(folder.path().join("runs/tiny")).expect("a folder");
        let run = folder.path().join("runs/tiny/summary.json");
        std::fs::copy(folder.path().join("docs/results/tiny.json"), &run).expect("copies");
        change(&run, "\"agent_accuracy\"", "\"agent_accuracy\": 12.0, \"earlier\"");
        record(folder.path(), "tiny").expect("records");
        let readme = std::fs::read_to_string(folder.path().join("README.md")).expect("reads");
        assert!(readme.contains("| **12 %** |") && readme.ends_with("rest\n"), "{readme}");
    }

    #[test]
    fn a_summary_that_lacks_a_metric_is_bad_input() {
        let folder = workspace_without_table();
        change(&folder.path().join("docs/results/tiny.json"), "\"agent_accuracy\"", "\"accuracy\"");
        let error = write(folder.path()).expect_err("a number is missing");
        assert!(
            error.is::<UsageError>() && error.to_string().ends_with("lacks agent.agent_accuracy"),
            "{error}"
        );
    }
}
