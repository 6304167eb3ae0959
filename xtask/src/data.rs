//! `cargo xtask data verify`: the files named by datasets-manifest exist and have their sha256.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::workspace::{self, BadInput};

/// Options of `cargo xtask data`.
#[derive(Args, Debug)]
pub(crate) struct DataArguments {
    #[command(subcommand)]
    verb: DataVerb,
}

#[derive(Debug, Subcommand)]
enum DataVerb {
    /// Check presence, size, sha256 and licence of every file of datasets-manifest/*.toml.
    Verify {
        /// Folder that the manifests' paths start from.
        #[arg(long, default_value = "../shared/data")]
        folder: PathBuf,
    },
}

/// One dataset: identity, licence, use, files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DatasetManifest {
    /// Name of the dataset.
    pub(crate) name: String,
    /// Upstream repository or package with its revision.
    pub(crate) source: String,
    /// SPDX expression or the owner's words.
    pub(crate) license: String,
    /// What we use it for; test material is never copied into the project.
    #[serde(rename = "use")]
    pub(crate) purpose: String,
    /// The files.
    #[serde(rename = "file")]
    pub(crate) files: Vec<DatasetFile>,
}

/// One file of a dataset.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DatasetFile {
    /// Path below the data folder.
    pub(crate) path: PathBuf,
    /// Size in bytes.
    pub(crate) bytes: u64,
    /// Lower-case hexadecimal sha256.
    pub(crate) sha256: String,
}

/// Every manifest of the repository, sorted by file name.
pub(crate) fn manifests(root: &Path) -> Result<Vec<DatasetManifest>> {
    let folder = root.join("datasets-manifest");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .with_context(|| format!("{}: cannot list", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path)?;
            internlm_kit::config::parse(&text, path).map_err(Into::into)
        })
        .collect()
}

/// Verifies and prints one line per file.
#[allow(clippy::print_stdout)] // The table is the command's output.
pub(crate) fn run(arguments: &DataArguments) -> Result<()> {
    let DataVerb::Verify { folder } = &arguments.verb;
    let root = workspace::root();
    let folder = if folder.is_absolute() { folder.clone() } else { root.join(folder) };
    if !folder.is_dir() {
        bail!(BadInput(format!("{}: no such folder; name the data folder with --folder", folder.display())));
    }
    let mut wrong = 0;
    for dataset in manifests(&root)? {
        println!("# {}: from {}; for {}", dataset.name, dataset.source, dataset.purpose);
        for file in &dataset.files {
            let state = check(&folder, file);
            wrong += u32::from(state.is_err());
            let state = state.map_or_else(|problem| problem, |()| "ok".to_owned());
            println!("{:<24} {:<14} {:<58} {state}", dataset.name, dataset.license, file.path.display());
        }
    }
    if wrong > 0 {
        bail!(BadInput(format!("{wrong} file(s) of datasets-manifest are missing or differ")));
    }
    Ok(())
}

fn check(folder: &Path, file: &DatasetFile) -> Result<(), String> {
    let path = folder.join(&file.path);
    let bytes = std::fs::metadata(&path).map_err(|error| error.to_string())?.len();
    if bytes != file.bytes {
        return Err(format!("found {bytes} bytes, expected {}", file.bytes));
    }
    let found = internlm_kit::atomic::sha256_file(&path).map_err(|error| error.to_string())?;
    if found != file.sha256 {
        return Err(format!("found sha256 {found}, expected {}", file.sha256));
    }
    Ok(())
}
