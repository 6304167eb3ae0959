//! `opencompass prediction-merger`: joins the prediction files of parts, such as `gsm8k_0.json` and `gsm8k_1.json`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use internlm_kit::exit::UsageError;
use internlm_kit::{file, outln};
use serde_json::{Map, Value};

use crate::counted::counted;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  opencompass prediction-merger outputs/default/20240326_120000/predictions/tiny\n  \
                        opencompass prediction-merger predictions/tiny --clean"
)]
pub(super) struct Arguments {
    /// Folder of one model's prediction files, which may come from OpenCompass.
    folder: PathBuf,
    /// Remove the files of the parts afterwards.
    #[arg(long)]
    clean: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sets = parts(&arguments.folder)?;
    if sets.is_empty() {
        let folder = arguments.folder.display();
        return Err(UsageError(format!(
            "{folder}: found no file NAME_0.json, expected parts of predictions"
        ))
        .into());
    }
    for (name, parts) in sets {
        let merged = merged(&parts)?;
        let path = arguments.folder.join(format!("{name}.json"));
        file::write(&path, serde_json::to_vec_pretty(&merged)?)?;
        let (items, of) = (counted(merged.len(), "item"), counted(parts.len(), "part"));
        outln!("{}: {items} of {of}", path.display())?;
        if arguments.clean {
            for part in &parts {
                std::fs::remove_file(part)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Finds the sets that were cut, each with its parts in order.
fn parts(folder: &Path) -> anyhow::Result<Vec<(String, Vec<PathBuf>)>> {
    let mut names: Vec<String> = Vec::new();
    for path in file::files_below(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.parent() == Some(folder)
            && let Some(name) = name.strip_suffix("_0.json")
        {
            names.push(name.to_owned());
        }
    }
    let of = |name: String| {
        let path = |part: usize| folder.join(format!("{name}_{part}.json"));
        let parts = (0..).map(path).take_while(|path| path.is_file()).collect();
        (name, parts)
    };
    Ok(names.into_iter().map(of).collect())
}

/// Joins parts; the items are numbered through. A part that cannot be read is an error: upstream drops it and all that
/// follow without a word.
fn merged(parts: &[PathBuf]) -> anyhow::Result<Map<String, Value>> {
    let mut merged = Map::new();
    for part in parts {
        let fail = |problem: String| UsageError(format!("{}: {problem}; nothing was merged", part.display()));
        let items: Map<String, Value> = serde_json::from_str(&file::read_to_string(part)?)
            .map_err(|error| fail(format!("expected an object of predictions: {error}")))?;
        for place in 0..items.len() {
            let missing = || format!("found {} without number {place}", counted(items.len(), "item"));
            let item = items.get(&place.to_string()).cloned().ok_or_else(|| fail(missing()))?;
            merged.insert(merged.len().to_string(), item);
        }
    }
    Ok(merged)
}
