//! [`RejectedWriter`]: dropped documents as jsonl, one file per stage and part.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use internlm_kit::file::{AtPath, AtomicFile};
use serde::{Deserialize, Serialize};

use crate::jsonl::write_line;
use crate::{Document, Reason, Result};

/// A line of `rejected/<stage>/NNNNN.jsonl`: the reason, then the document.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Rejected {
    /// Label of the stage that dropped the document.
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
pub(crate) struct RejectedWriter {
    folder: Option<PathBuf>,
    part: usize,
    files: BTreeMap<String, (PathBuf, AtomicFile)>,
}

impl RejectedWriter {
    /// A writer below `folder`; `None` writes nothing.
    pub(crate) fn new(folder: Option<&Path>, part: usize) -> Self {
        Self { folder: folder.map(Path::to_path_buf), part, files: BTreeMap::new() }
    }

    /// Appends one document.
    pub(crate) fn write(&mut self, rejected: &Rejected) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if !self.files.contains_key(&rejected.stage) {
            let path = folder.join(&rejected.stage).join(format!("{:05}.jsonl", self.part));
            let file = AtomicFile::create(&path)?;
            self.files.insert(rejected.stage.clone(), (path, file));
        }
        let (path, file) = self.files.get_mut(&rejected.stage).expect("the file was opened above");
        Ok(write_line(file, rejected).at(path, "write")?)
    }

    /// Completes the files and returns their paths.
    pub(crate) fn finish(self) -> Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for (path, file) in self.files.into_values() {
            file.commit()?;
            paths.push(path);
        }
        Ok(paths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonl::read_documents;

    fn rejected(stage: &str, id: &str) -> Rejected {
        let reason = Reason::below("too-few-words", 3.0, 50.0);
        Rejected { stage: stage.to_owned(), reason, document: Document::new("d", id, "a b c") }
    }

    #[test]
    fn every_stage_has_its_own_file_and_lines_hold_reason_and_document() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut writer = RejectedWriter::new(Some(folder.path()), 7);
        for (stage, id) in [("c4", "1"), ("fineweb", "2"), ("c4", "3")] {
            writer.write(&rejected(stage, id)).expect("writes");
        }
        assert!(!folder.path().join("c4/00007.jsonl").exists(), "files appear when they are complete");
        let files = writer.finish().expect("finishes");
        assert_eq!(files, [folder.path().join("c4/00007.jsonl"), folder.path().join("fineweb/00007.jsonl")]);
        let ids: Vec<String> =
            read_documents(&files[0]).expect("opens").map(|document| document.expect("reads").id).collect();
        assert_eq!(ids, ["1", "3"].map(|id| crate::document_id("d", id)));
        let text = std::fs::read_to_string(&files[1]).expect("reads");
        let start = r#"{"stage":"fineweb","reason":"too-few-words","value":3.0,"threshold":50.0,"id":""#;
        assert!(text.starts_with(start), "{text}");
    }

    #[test]
    fn switched_off_nothing_is_written() {
        let mut writer = RejectedWriter::new(None, 0);
        writer.write(&rejected("c4", "1")).expect("does nothing");
        assert_eq!(writer.finish().expect("finishes"), Vec::<PathBuf>::new());
    }
}
