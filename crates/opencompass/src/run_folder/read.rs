//! Reads the files of a run.

use std::path::{Path, PathBuf};

use internlm_kit::file;
use serde_json::Value;

use super::RunFolder;
use crate::{Error, Result};

impl RunFolder {
    /// Reads a JSON file of a cell; `kind` is its folder, such as `results`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when the run has no such cell; [`Error::Content`]; [`Error::File`].
    pub fn read(&self, kind: &str, model: &str, dataset: &str) -> Result<Value> {
        let missing = || {
            let path = self.cell_path(kind, model, dataset);
            let hint = format!("expected {}{}", path.display(), self.known(kind, model));
            Error::UnknownName { kind: "cell", name: format!("{model} x {dataset}"), hint }
        };
        self.read_if_present(kind, model, dataset)?.ok_or_else(missing)
    }

    /// Names what the run has instead of an unknown cell: its models, or the datasets of a known model.
    fn known(&self, kind: &str, model: &str) -> String {
        let folder = self.path().join(kind);
        let (what, names) = match names_in(&folder.join(model)) {
            names if names.is_empty() => ("models", names_in(&folder)),
            names => ("datasets", names),
        };
        match names.join(", ") {
            names if names.is_empty() => self.latest_inside(),
            names => format!("; the run has the {what} {names}"),
        }
    }

    /// Reads a JSON file of a cell, if there is one.
    ///
    /// # Errors
    /// [`Error::Content`]; [`Error::File`].
    pub fn read_if_present(&self, kind: &str, model: &str, dataset: &str) -> Result<Option<Value>> {
        self.read_json_if_present(&self.cell_path(kind, model, dataset))
    }

    /// Reads the JSON summary of the folder with its cells and intervals.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when the folder has none, [`Error::Content`], [`Error::File`].
    pub fn read_summary(&self) -> Result<Value> {
        let folder = self.path().join("summary");
        // The folder may have been renamed, so the label in the name is not known for sure.
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let is_summary = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with("summary_") && name.ends_with(".json")
        };
        let path = entries.map(|entry| entry.path()).filter(is_summary).max();
        let path = path.ok_or_else(|| {
            let hint = format!("expected {}/summary_*.json of a scored run", folder.display());
            let hint = hint + &self.latest_inside();
            Error::UnknownName { kind: "run", name: self.path().display().to_string(), hint }
        })?;
        Ok(self.read_json_if_present(&path)?.unwrap_or_default())
    }

    /// Names the latest run in the folder, if the folder has runs and is not one.
    fn latest_inside(&self) -> String {
        let latest = Self::find(self.path(), "latest").map(|stamp| self.path().join(stamp));
        latest.map_or_else(|_| String::new(), |run| format!("; see {}", run.display()))
    }

    fn cell_path(&self, kind: &str, model: &str, dataset: &str) -> PathBuf {
        self.path().join(kind).join(model).join(format!("{dataset}.json"))
    }

    pub(super) fn read_json_if_present(&self, path: &Path) -> Result<Option<Value>> {
        let text = match file::read_to_string(path) {
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            result => result?,
        };
        let value = serde_json::from_str(&text).map_err(|error| Error::Content {
            path: path.to_path_buf(),
            message: format!("expected JSON of a run: {error}"),
        })?;
        Ok(Some(value))
    }
}

/// Returns the names in a folder without the extension of JSON files, sorted; none if it cannot be read.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.map(|name| name.trim_end_matches(".json").to_owned()).collect();
    names.sort();
    names
}
