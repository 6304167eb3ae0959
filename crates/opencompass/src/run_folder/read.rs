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
            let hint = format!("expected {}", self.cell_path(kind, model, dataset).display());
            Error::UnknownName { kind: "cell", name: format!("{model} x {dataset}"), hint }
        };
        self.read_if_present(kind, model, dataset)?.ok_or_else(missing)
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
            Error::UnknownName { kind: "run", name: self.path().display().to_string(), hint }
        })?;
        Ok(self.read_json_if_present(&path)?.unwrap_or_default())
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
