//! [`RejectedWriter`]: dropped documents as jsonl, one file per stage and part.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use internlm_kit::atomic::AtomicFile;
use serde::{Deserialize, Serialize};

use crate::jsonl::write_line;
use crate::{Document, Error, Reason, Result};

/// A line of `rejected/<stage>/NNNNN.jsonl`: the reason, then the document.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Rejected {
    /// Label of the stage.
    pub stage: String,
    /// The rule, with the numbers it compared.
    #[serde(flatten)]
    pub reason: Reason,
    /// The document as it entered the stage; without text when the stage is `extract`.
    #[serde(flatten)]
    pub document: Document,
}

/// Writes the rejected documents of one part, or nothing when switched off.
#[derive(Debug)]
pub(super) struct RejectedWriter {
    folder: Option<PathBuf>,
    part: usize,
    files: BTreeMap<String, (PathBuf, AtomicFile)>,
}

impl RejectedWriter {
    /// A writer below `folder`; `None` writes nothing.
    pub(super) fn new(folder: Option<&Path>, part: usize) -> Self {
        Self { folder: folder.map(Path::to_path_buf), part, files: BTreeMap::new() }
    }

    /// Appends one document.
    pub(super) fn write(&mut self, rejected: &Rejected) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if !self.files.contains_key(&rejected.stage) {
            let path = folder.join(&rejected.stage).join(format!("{:05}.jsonl", self.part));
            let file = AtomicFile::create(&path).map_err(Error::io(&path, "write"))?;
            self.files.insert(rejected.stage.clone(), (path, file));
        }
        let (path, file) = self.files.get_mut(&rejected.stage).expect("the file was opened above");
        write_line(file, rejected).map_err(Error::io(path, "write"))
    }

    /// Completes the files and returns their paths.
    pub(super) fn finish(self) -> Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for (path, file) in self.files.into_values() {
            file.commit().map_err(Error::io(&path, "write"))?;
            paths.push(path);
        }
        Ok(paths)
    }
}
