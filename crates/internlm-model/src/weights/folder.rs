//! The weight files of a Hugging Face folder: one file, or shards listed by an index; safetensors, or PyTorch's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use internlm_kit::json::reason;
use serde::Deserialize;

use super::kind::refuse_other_text;
use super::source::missing;
use super::torch::TorchFile;
use super::{SafetensorsFile, TensorInfo, TensorSource};
use crate::error::some_of;
use crate::{Error, Result};

/// File name of an unsharded model.
pub(super) const SINGLE: &str = "model.safetensors";
/// File name of the index of a sharded model.
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// The forms a folder may have, preferred first: the unsharded file, the index of a sharded model.
const FORMS: [(&str, &str); 2] = [(SINGLE, INDEX), ("pytorch_model.bin", "pytorch_model.bin.index.json")];

/// All weight files of one folder under the names they use.
pub struct WeightFolder {
    dir: PathBuf,
    files: Vec<Box<dyn TensorSource>>,
    /// Tensor name -> index into `files`.
    place: BTreeMap<String, usize>,
}

/// The part of the index we follow.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl WeightFolder {
    /// Opens every shard of the index when there is one, or the single file: `model.safetensors`, else
    /// `pytorch_model.bin`.
    ///
    /// # Errors
    /// Missing or malformed files and tensors the index promises but no shard has; all at once.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        for (single, index) in FORMS {
            if dir.join(index).is_file() {
                let folder = Self::open_sharded(dir, index)?;
                if dir.join(single).is_file() && !folder.has_file(single) {
                    tracing::warn!("{}: {single} is not read: {index} does not list it", dir.display());
                }
                return Ok(folder);
            }
            if dir.join(single).is_file() {
                let file = open_file(&dir.join(single))?;
                let place = file.names().into_iter().map(|name| (name, 0)).collect();
                return Ok(Self { dir: dir.to_path_buf(), files: vec![file], place });
            }
        }
        Err(Error::Weights { path: dir.to_path_buf(), problems: vec![no_weights(dir)] })
    }

    /// Whether tensors are read from the file of this name.
    fn has_file(&self, name: &str) -> bool {
        let path = self.dir.join(name);
        self.files.iter().any(|file| file.names().first().is_some_and(|tensor| file.file(tensor) == path))
    }

    fn open_sharded(dir: &Path, index_name: &str) -> Result<Self> {
        let index = &dir.join(index_name);
        let text = internlm_kit::file::read_to_string(index)?;
        refuse_other_text(index, &text)?;
        let parsed: Index = serde_json::from_str(&text).map_err(|error| {
            Error::format(index, 0, format!("expected an object with `weight_map`: {}", reason(&error)))
        })?;
        let names: BTreeSet<&String> = parsed.weight_map.values().collect();
        let mut files = Vec::new();
        let mut opened = BTreeMap::new();
        let (mut problems, mut absent) = (Vec::new(), Vec::new());
        let count = names.len();
        for name in names {
            if Path::new(name).components().count() != 1 {
                problems.push(format!("{index_name}: shard `{name}`: expected a file name without folders"));
                continue;
            }
            if !dir.join(name).exists() {
                absent.push(name);
                continue;
            }
            match open_file(&dir.join(name)) {
                Ok(file) => {
                    opened.insert(name.as_str(), files.len());
                    files.push(file);
                }
                Err(error) => problems.push(without_folder(&error, dir)),
            }
        }
        if !absent.is_empty() {
            let (missing, names) = (absent.len(), some_of(&absent));
            problems.push(format!("{missing} of {count} files that {index_name} lists are missing: {names}"));
        }
        let mut place = BTreeMap::new();
        let mut promised: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (tensor, file) in &parsed.weight_map {
            // A shard that did not open has been reported above.
            let Some(&at) = opened.get(file.as_str()) else { continue };
            if files[at].info(tensor).is_none() {
                promised.entry(file).or_default().push(tensor);
            }
            place.insert(tensor.clone(), at);
        }
        problems.extend(promised.iter().map(|(file, tensors)| {
            format!("{file}: tensor {}: missing, {index_name} says it is there", some_of(tensors))
        }));
        // Tensors that the index forgets are there all the same: whether they are used is decided by their names.
        for (at, file) in files.iter().enumerate() {
            file.names().into_iter().for_each(|name| {
                place.entry(name).or_insert(at);
            });
        }
        if problems.is_empty() {
            Ok(Self { dir: dir.to_path_buf(), files, place })
        } else {
            Err(Error::Weights { path: dir.to_path_buf(), problems })
        }
    }
}

/// The sentence for a folder without weights; shards that no index lists are named.
fn no_weights(dir: &Path) -> String {
    let names: Vec<&str> = FORMS.iter().flat_map(|(single, index)| [*single, *index]).collect();
    let problem = format!("found no weights, expected one of {}", names.join(", "));
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let shards = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut shards: Vec<String> = shards.filter(|name| name.ends_with(".safetensors")).collect();
    shards.sort();
    if shards.is_empty() {
        return problem;
    }
    format!("{problem}; other files of weights are there: {}", some_of(&shards))
}

/// A problem of a file in the folder, for a message that names the folder already.
fn without_folder(error: &Error, dir: &Path) -> String {
    let text = error.to_string();
    // An empty last part puts a separator at the end.
    let folder = dir.join("").display().to_string();
    text.strip_prefix(&folder).unwrap_or(&text).to_owned()
}

/// A weight file by its name: `.safetensors`, else PyTorch's.
fn open_file(path: &Path) -> Result<Box<dyn TensorSource>> {
    if path.extension().is_some_and(|extension| extension == "safetensors") {
        return Ok(Box::new(SafetensorsFile::open(path)?));
    }
    Ok(Box::new(TorchFile::open(path)?))
}

impl TensorSource for WeightFolder {
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

    fn release(&self, name: &str) {
        if let Some(&at) = self.place.get(name) {
            self.files[at].release(name);
        }
    }
}
