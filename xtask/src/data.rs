//! `cargo xtask data verify`: the files named by datasets-manifest exist and have their sha256.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use internlm_kit::exit::UsageError;
use internlm_kit::outln;
use serde::Deserialize;

use crate::workspace;

/// Options of `cargo xtask data`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask data verify                       the folder that INTERNLM_TEST_DATA names
  cargo xtask data verify --folder ../test-data another folder")]
pub(crate) struct DataArguments {
    #[command(subcommand)]
    verb: DataVerb,
}

#[derive(Debug, Subcommand)]
enum DataVerb {
    /// Check presence, size, sha256 and license of every file of datasets-manifest/*.toml.
    Verify {
        /// Look for the files in this folder of test data. Default: INTERNLM_TEST_DATA, or else ../shared/data.
        #[arg(long)]
        folder: Option<PathBuf>,
    },
}

/// One dataset: identity, license, use, files.
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
            let text = internlm_kit::file::read_to_string(path)?;
            internlm_kit::config::parse_unchecked(&text, path, &[""; 0]).map_err(Into::into)
        })
        .collect()
}

/// Verifies and prints one line per file.
pub(crate) fn run(arguments: &DataArguments) -> Result<()> {
    let DataVerb::Verify { folder } = &arguments.verb;
    let root = workspace::root();
    let folder = folder.as_ref().map_or_else(self::folder, |named| root.join(named));
    if !folder.is_dir() {
        bail!(UsageError(format!(
            "{}: no such folder; name the folder of test data with --folder",
            folder.display()
        )));
    }
    let mut wrong = 0;
    for dataset in manifests(&root)? {
        outln!("# {}: from {}; for {}", dataset.name, dataset.source, dataset.purpose)?;
        for file in &dataset.files {
            let state = check(&folder, file);
            wrong += u32::from(state.is_err());
            let state = state.map_or_else(|problem| problem, |()| "ok".to_owned());
            outln!("{:<24} {:<14} {:<58} {state}", dataset.name, dataset.license, file.path.display())?;
        }
    }
    if wrong > 0 {
        bail!(UsageError(format!("{wrong} file(s) of datasets-manifest are missing or differ")));
    }
    Ok(())
}

/// The folder of test data, as `internlm_kit::testing::shared_data` finds it.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join(std::env::var_os("INTERNLM_TEST_DATA").unwrap_or_else(|| "../shared/data".into()))
}

fn check(folder: &Path, file: &DatasetFile) -> Result<(), String> {
    let path = folder.join(&file.path);
    let bytes = std::fs::metadata(&path).map_err(|error| error.to_string())?.len();
    if bytes != file.bytes {
        return Err(format!("found {bytes} bytes, expected {}", file.bytes));
    }
    let found = internlm_kit::hash::sha256_file(&path).map_err(|error| error.to_string())?;
    if found != file.sha256 {
        return Err(format!("found sha256 {found}, expected {}", file.sha256));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: u64, sha256: &str) -> DatasetFile {
        DatasetFile { path: path.into(), bytes, sha256: sha256.to_owned() }
    }

    /// sha256 of "abc", from FIPS 180-2.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn files_are_compared_by_size_then_by_hash() {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join("abc"), "abc").expect("writes");
        let problem = |file: &DatasetFile| check(folder.path(), file).expect_err("it differs");
        assert_eq!(check(folder.path(), &file("abc", 3, ABC)), Ok(()));
        assert_eq!(problem(&file("abc", 4, ABC)), "found 3 bytes, expected 4");
        assert!(problem(&file("abc", 3, "00")).starts_with(&format!("found sha256 {ABC}, expected 00")));
        assert!(problem(&file("absent", 3, ABC)).contains("No such file"));
    }

    #[test]
    fn every_manifest_of_the_repository_is_complete() {
        let manifests = manifests(&workspace::root()).expect("parses");
        assert!(!manifests.is_empty());
        for manifest in &manifests {
            let complete = [&manifest.name, &manifest.source, &manifest.license, &manifest.purpose];
            assert!(complete.iter().all(|text| !text.trim().is_empty()), "{}", manifest.name);
            for file in &manifest.files {
                let hexadecimal = file.sha256.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
                assert!(
                    file.sha256.len() == 64 && hexadecimal && file.path.is_relative(),
                    "{}",
                    file.path.display()
                );
            }
        }
    }

    #[test]
    fn a_missing_folder_is_named_with_the_flag_that_names_another() {
        let arguments = DataArguments { verb: DataVerb::Verify { folder: Some("/nowhere".into()) } };
        let error = run(&arguments).expect_err("there is no such folder");
        assert!(error.is::<UsageError>() && error.to_string().contains("--folder"), "{error}");
    }
}
