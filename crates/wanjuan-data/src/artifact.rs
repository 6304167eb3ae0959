//! [`Artifact`]: one output file with its size and hash, by which a later run knows that it is intact.

use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::file::AtPath;
use internlm_kit::hash;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::run_folder::RunFolder;

/// One output file of a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Artifact {
    /// Path below the output folder; absolute for inputs elsewhere.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Lower-case hexadecimal sha256 of the content.
    pub sha256: String,
}

impl Artifact {
    /// Hashes the file at `path`, in or outside of `folder`.
    pub(crate) fn of(folder: &RunFolder, path: &Path) -> Result<Self> {
        let bytes = fs::metadata(path).at(path, "read")?.len();
        let sha256 = hash::sha256_file(path)?;
        Ok(Self { path: folder.relative(path).to_path_buf(), bytes, sha256 })
    }

    /// Whether the file is there with the right size; cheap, for skipping a finished run.
    pub(crate) fn is_present(&self, folder: &RunFolder) -> bool {
        fs::metadata(folder.file(&self.path)).is_ok_and(|metadata| metadata.len() == self.bytes)
    }

    /// Whether the file is there with the right content.
    pub(crate) fn is_intact(&self, folder: &RunFolder) -> bool {
        self.is_present(folder)
            && hash::sha256_file(folder.file(&self.path)).is_ok_and(|hash| hash == self.sha256)
    }
}
