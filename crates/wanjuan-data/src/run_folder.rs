//! [`RunFolder`]: the files of an output folder, each path in one place.

use std::path::{Path, PathBuf};

/// The output folder of a run.
///
/// | path | holds |
/// |---|---|
/// | `config.toml`, `funnel.*`, `summary.json`, `manifest.json` | what a finished run says about itself |
/// | `shards/`, `tokenizer/`, `documents.jsonl`, `heldout.jsonl` | what later stages of the chain read |
/// | `rejected/STAGE/` | dropped documents with their reasons |
/// | `work/NN-SEGMENT/` | what each segment left, for resuming |
/// | `work/manifest.jsonl`, `work/finished.json` | the journal, and the mark of a finished run |
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RunFolder {
    root: PathBuf,
}

/// Name of the main journal below `work/`; journals of workers are `manifest-RANK-of-WORLD.jsonl`.
const JOURNAL: &str = "manifest.jsonl";

impl RunFolder {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path as the journal names it: below the folder, else as it is.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// The file that the journal calls `path`; absolute paths stay what they are.
    pub(crate) fn file(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// The resolved config, below a line that says who wrote it.
    pub(crate) fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// Where every document went, for programs.
    pub(crate) fn funnel(&self) -> PathBuf {
        self.root.join("funnel.json")
    }

    /// Where every document went, for people.
    pub(crate) fn funnel_text(&self) -> PathBuf {
        self.root.join("funnel.txt")
    }

    /// The numbers for the table of the whole chain.
    pub(crate) fn summary(&self) -> PathBuf {
        self.root.join("summary.json")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Finished units of work, one JSON object per line.
    pub(crate) fn journal(&self) -> PathBuf {
        self.work().join(JOURNAL)
    }

    /// The journal of one of several workers.
    pub(crate) fn worker_journal(&self, rank: usize, world: usize) -> PathBuf {
        self.work().join(format!("manifest-{rank}-of-{world}.jsonl"))
    }

    /// Whether a file in `work/` is the journal of a worker.
    pub(crate) fn is_worker_journal(name: &str) -> bool {
        name.starts_with("manifest-") && name.ends_with(".jsonl")
    }

    /// Whether an artifact holds documents or archives for the next segment, and is not a rejected document.
    pub(crate) fn is_work(path: &Path) -> bool {
        path.starts_with("work")
    }

    /// Archives made from imported pages.
    pub(crate) fn imported(&self, index: usize) -> PathBuf {
        self.work().join(format!("{IMPORT}/{index:05}.warc.gz"))
    }

    /// Documents that `segment` kept of its part `index`.
    pub(crate) fn documents(&self, segment: &str, index: usize) -> PathBuf {
        self.work().join(format!("{segment}/{index:05}.jsonl"))
    }

    pub(crate) fn rejected(&self) -> PathBuf {
        self.root.join("rejected")
    }

    pub(crate) fn tokenizer(&self) -> PathBuf {
        self.root.join("tokenizer")
    }

    pub(crate) fn shards(&self) -> PathBuf {
        self.root.join("shards")
    }

    /// Where the tokens of each kept document are.
    pub(crate) fn document_index(&self) -> PathBuf {
        self.root.join("documents.jsonl")
    }

    pub(crate) fn held_out(&self) -> PathBuf {
        self.root.join("heldout.jsonl")
    }

    /// The mark of a finished run; taken away before anything in the folder changes.
    pub(crate) fn finished(&self) -> PathBuf {
        self.work().join("finished.json")
    }

    /// Size and sha256 of every output.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.root.join("manifest.json")
    }

    /// Folders that a finished run owns entirely: what an earlier run left in them is removed.
    pub(crate) fn owned(&self) -> [PathBuf; 4] {
        [self.work(), self.rejected(), self.shards(), self.tokenizer()]
    }
}

/// The segment that turns pages into archives, before those of the pipeline.
pub(crate) const IMPORT: &str = "00-import";

/// The name of a segment's folder: its place in the pipeline, then the label of its first stage.
pub(crate) fn segment_name(number: usize, label: &str) -> String {
    format!("{number:02}-{label}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_that_earlier_runs_wrote() {
        let folder = RunFolder::new("out");
        for (path, expected) in [
            (folder.journal(), "work/manifest.jsonl"),
            (folder.worker_journal(1, 4), "work/manifest-1-of-4.jsonl"),
            (folder.finished(), "work/finished.json"),
            (folder.imported(7), "work/00-import/00007.warc.gz"),
            (folder.documents(&segment_name(2, "exact-dedup"), 12), "work/02-exact-dedup/00012.jsonl"),
            (folder.file("documents.jsonl"), "documents.jsonl"),
        ] {
            assert_eq!(folder.relative(&path), Path::new(expected));
        }
        assert_eq!(folder.file("/elsewhere/x.warc"), Path::new("/elsewhere/x.warc"));
    }

    #[test]
    fn the_main_journal_is_not_a_workers() {
        let names = ["manifest.jsonl", "manifest-0-of-3.jsonl", "manifest-0-of-3.jsonl.tmp", "finished.json"];
        assert_eq!(names.map(RunFolder::is_worker_journal), [false, true, false, false]);
    }
}
