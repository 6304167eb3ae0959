//! [`GgufFile`]: metadata and tensors of a model under their GGUF names, whether it is one file or several.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::metadata::Metadata;
use super::part::Part;
use super::split;
use crate::weights::source::{self, missing};
use crate::weights::{TensorInfo, TensorSource};
use crate::{Error, Result};

/// One GGUF model: headers checked, data mapped. A vocabulary-only file has no tensors.
///
/// A model that llama.cpp has split into several files is opened by any of them.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    /// The files in order; the metadata is in the first one.
    parts: Vec<Part>,
    /// Tensor name -> index into `parts`.
    place: BTreeMap<String, usize>,
}

impl GgufFile {
    /// Maps `path` and the other parts of a split model, reads metadata and the tensor tables, and checks that every
    /// tensor is inside its file.
    ///
    /// # Errors
    /// Missing or truncated files, malformed headers; all bad tensors at once.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let parts = split::open(Part::open(path)?)?;
        let mut place = BTreeMap::new();
        let mut problems = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            for name in part.tensors.keys() {
                if let Some(other) = place.insert(name.clone(), index) {
                    let other = parts[other].path.display();
                    problems.push(format!("tensor {name}: found in {other} and in {}", part.path.display()));
                }
            }
        }
        if problems.is_empty() {
            Ok(Self { path: path.to_path_buf(), parts, place })
        } else {
            Err(Error::Weights { path: path.to_path_buf(), problems })
        }
    }

    /// The path that was opened, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files of the model in order: one, or the parts of a split model.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().map(|part| part.path.as_path())
    }

    /// Version of the container: 2 or 3.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.parts[0].version
    }

    /// The key/value pairs of the header: architecture, sizes, tokenizer. Those of the first part of a split model.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.parts[0].metadata
    }

    /// The file that holds a tensor.
    fn part(&self, name: &str) -> Option<&Part> {
        Some(&self.parts[*self.place.get(name)?])
    }
}

impl TensorSource for GgufFile {
    fn names(&self) -> Vec<String> {
        self.place.keys().cloned().collect()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.part(name)?.tensors.get(name).map(|entry| entry.info.clone())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.part(name).map_or(&self.path, |part| &part.path).clone()
    }

    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        let part = self.part(name).ok_or_else(|| missing(self.path.clone(), name))?;
        let entry = part.tensors.get(name).ok_or_else(|| missing(part.path.clone(), name))?;
        Ok(Cow::Borrowed(&part.map[entry.bytes.clone()]))
    }

    /// As the default, and gives the file's pages back to the system: they are rarely read twice, and a large
    /// model need not be in memory twice, as blocks and as floats.
    fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        let values = source::widen(self, name)?;
        self.release(name);
        Ok(values)
    }

    fn release(&self, name: &str) {
        if let Some(part) = self.part(name)
            && let Some(entry) = part.tensors.get(name)
        {
            part.map.release(entry.bytes.clone());
        }
    }
}
