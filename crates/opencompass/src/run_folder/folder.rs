//! `RunFolder`: where a run keeps its files.

use std::path::{Path, PathBuf};

use crate::{Error, EvaluationConfig, Result};

/// The resolved run file of a folder.
pub(super) const RESOLVED: &str = "configs/run.toml";

/// The folder of a run.
///
/// ```
/// let folder = opencompass::RunFolder::new("runs/tiny/evaluate");
/// assert_eq!(folder.label(), "evaluate");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunFolder {
    path: PathBuf,
    label: String,
}

impl RunFolder {
    /// Names a folder. Nothing is created. The last part of the path becomes the label of its summaries.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_path_buf();
        let label = path.file_name().map_or("run".into(), |name| name.to_string_lossy()).into_owned();
        Self { path, label }
    }

    /// Returns the folder of a run file: the configured one, or `work-dir/STAMP`.
    #[must_use]
    pub fn of(config: &EvaluationConfig, stamp: &str) -> Self {
        match &config.run.folder {
            Some(folder) => Self::new(folder),
            None => Self { path: config.run.work_dir.join(stamp), label: stamp.to_owned() },
        }
    }

    /// Finds the stamp of an earlier run in `work_dir`; `latest` means the newest one.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when there is no such run.
    pub fn find(work_dir: impl AsRef<Path>, stamp: &str) -> Result<String> {
        let work_dir = work_dir.as_ref();
        let missing = |hint: String| Error::UnknownName { kind: "run", name: stamp.to_owned(), hint };
        if stamp != "latest" {
            let folder = work_dir.join(stamp);
            let missing = || missing(format!("expected the folder {}", folder.display()));
            return folder.is_dir().then(|| stamp.to_owned()).ok_or_else(missing);
        }
        let entries = std::fs::read_dir(work_dir).into_iter().flatten().flatten();
        let runs = entries.filter(|entry| entry.path().join(RESOLVED).is_file());
        // Stamps are dates, so the greatest name is the newest run.
        let latest = runs.map(|entry| entry.file_name().to_string_lossy().into_owned()).max();
        latest.ok_or_else(|| missing(format!("expected a run below {}", work_dir.display())))
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the label in the names of the summary files.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Returns the path of the run's item store: the configured one, or `store.jsonl` in the folder.
    #[must_use]
    pub fn store_path(&self, config: &EvaluationConfig) -> PathBuf {
        config.run.store.clone().unwrap_or_else(|| self.path.join("store.jsonl"))
    }
}
