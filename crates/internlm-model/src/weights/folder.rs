//! The safetensors files of a Hugging Face folder: one file, or shards listed by an index.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::source::missing;
use super::{SafetensorsFile, TensorInfo, TensorSource};
use crate::{Error, Result};

/// File name of an unsharded model.
pub(super) const SINGLE: &str = "model.safetensors";
/// File name of the index of a sharded model.
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// All safetensors files of one folder under the names they use.
#[derive(Debug)]
pub struct SafetensorsFolder {
    dir: PathBuf,
    files: Vec<SafetensorsFile>,
    /// Tensor name -> index into `files`.
    place: BTreeMap<String, usize>,
}

/// The part of the index we follow.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl SafetensorsFolder {
    /// Opens `model.safetensors`, or every shard of `model.safetensors.index.json` when there is one.
    ///
    /// # Errors
    /// Missing or malformed files and tensors the index promises but no shard has; all at once.
    pub fn open(dir: &Path) -> Result<Self> {
        let index = dir.join(INDEX);
        if index.is_file() {
            return Self::open_sharded(dir, &index);
        }
        let single = dir.join(SINGLE);
        if !single.is_file() {
            let found = if dir.join("pytorch_model.bin").is_file() {
                "found pytorch_model.bin, which is not read: convert it to safetensors"
            } else {
                "found no weights"
            };
            let problem = format!("{found}, expected {SINGLE} or {INDEX}");
            return Err(Error::Weights { path: dir.to_path_buf(), problems: vec![problem] });
        }
        let file = SafetensorsFile::open(&single)?;
        let place = file.names().into_iter().map(|name| (name, 0)).collect();
        Ok(Self { dir: dir.to_path_buf(), files: vec![file], place })
    }

    fn open_sharded(dir: &Path, index: &Path) -> Result<Self> {
        let text = fs::read_to_string(index).map_err(|source| Error::read(index, source))?;
        let parsed: Index = serde_json::from_str(&text).map_err(|error| {
            Error::format(index, 0, format!("expected an object with `weight_map`: {error}"))
        })?;
        let names: BTreeSet<&String> = parsed.weight_map.values().collect();
        let mut files = Vec::new();
        let mut opened = BTreeMap::new();
        let mut problems = Vec::new();
        for name in names {
            if Path::new(name).components().count() != 1 {
                problems.push(format!("{INDEX}: shard `{name}`: expected a file name without folders"));
                continue;
            }
            match SafetensorsFile::open(&dir.join(name)) {
                Ok(file) => {
                    opened.insert(name.as_str(), files.len());
                    files.push(file);
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        let mut place = BTreeMap::new();
        for (tensor, file) in &parsed.weight_map {
            // A shard that did not open has been reported above.
            let Some(&at) = opened.get(file.as_str()) else { continue };
            if files[at].info(tensor).is_none() {
                problems.push(format!("{file}: tensor {tensor}: missing, {INDEX} says it is there"));
            }
            place.insert(tensor.clone(), at);
        }
        if problems.is_empty() {
            Ok(Self { dir: dir.to_path_buf(), files, place })
        } else {
            Err(Error::Weights { path: dir.to_path_buf(), problems })
        }
    }
}

impl TensorSource for SafetensorsFolder {
    fn names(&self) -> Vec<String> {
        self.place.keys().cloned().collect()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.files[*self.place.get(name)?].info(name)
    }

    fn file(&self, name: &str) -> PathBuf {
        match self.place.get(name) {
            Some(&at) => self.files[at].file(name),
            None => self.dir.clone(),
        }
    }

    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        match self.place.get(name) {
            Some(&at) => self.files[at].read_bytes(name),
            None => Err(missing(self.dir.clone(), name)),
        }
    }
}
