//! [`UpstreamConfig`]: the datasets of one of OpenCompass' Python configurations.

use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::file::AtPath;
use internlm_kit::hash::sha256;
use serde_json::{Map, Value as Json};

use super::fault::Fault;
use super::json::Functions;
use super::machine::Machine;
use super::value::{Key, Value};
use crate::Result;
use crate::dataset::infer_cfg_hash;

/// Name of the folder that absolute imports and text files of configurations are relative to.
const CONFIGS: &str = "configs";

/// A Python configuration of OpenCompass: its lists of datasets.
///
/// ```
/// let source = "
/// from opencompass.openicl.icl_inferencer import GenInferencer
/// sum_datasets = [
///     dict(abbr=f'sum_{n}', infer_cfg=dict(inferencer=dict(type=GenInferencer, max_out_len=n))) for n in range(2)
/// ]
/// ";
/// let config = opencompass::import::UpstreamConfig::parse(source, "sums.py")?;
/// let (name, list) = &config.lists()[0];
/// assert_eq!((name.as_str(), list[0].name(), list.len()), ("sum_datasets", "sum_0", 2));
/// assert_eq!(list[0].entry()["infer_cfg"]["inferencer"]["type"], "opencompass.openicl.icl_inferencer.GenInferencer");
/// # Ok::<(), opencompass::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    lists: Vec<(String, Vec<UpstreamDataset>)>,
}

/// One entry of a list of datasets, with types as dotted names.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamDataset {
    entry: Map<String, Json>,
}

impl UpstreamConfig {
    /// Reads a configuration and those that it imports. Python is not needed.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if the file cannot be read, and
    /// [`Error::Content`](crate::Error::Content) with file, line and construct if it is not in the subset of Python that
    /// configurations use.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let path = fs::canonicalize(path).at(path, "read")?;
        let source = fs::read_to_string(&path).at(&path, "read")?;
        Self::parse(&source, &path)
    }

    /// Reads the text of a configuration. Its imports are relative to `path`.
    ///
    /// # Errors
    /// [`Error::Content`](crate::Error::Content), as [`UpstreamConfig::read`].
    pub fn parse(source: &str, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut machine = Machine::new(root(path));
        let place = machine.load_source(path, source)?;
        let names = machine.modules[place].names.clone();
        let mut lists = Vec::new();
        for (name, value) in &names {
            let list = machine.datasets(value);
            let list = list.map_err(|message| Fault::new(1, format!("{name}: {message}")).in_file(path))?;
            if !list.is_empty() {
                lists.push((name.to_string(), list));
            }
        }
        Ok(Self { lists })
    }

    /// Returns the lists of datasets by the names of their variables, in the order of the file.
    #[must_use]
    pub fn lists(&self) -> &[(String, Vec<UpstreamDataset>)] {
        &self.lists
    }
}

impl UpstreamDataset {
    /// Returns upstream's name of the dataset (`abbr`); empty if the entry has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.entry.get("abbr").and_then(Json::as_str).unwrap_or_default()
    }

    /// Returns the entry as it was written, `infer_cfg` among its fields.
    #[must_use]
    pub fn entry(&self) -> &Map<String, Json> {
        &self.entry
    }

    /// Computes the prompt hash.
    #[must_use]
    pub fn hash(&self) -> String {
        infer_cfg_hash(self.entry.get("infer_cfg").unwrap_or(&Json::Null))
    }
}

/// Computes the prompt hash of a list of datasets, whose first six digits are the suffix of the file's name. It is that
/// of its only dataset, or of the hashes of all.
#[must_use]
pub fn upstream_hash(list: &[UpstreamDataset]) -> String {
    match list {
        [only] => only.hash(),
        several => sha256(several.iter().map(UpstreamDataset::hash).collect::<Vec<_>>().join(",").as_bytes()),
    }
}

impl Machine {
    /// The datasets of a list; empty if the value is not a list whose items all have `infer_cfg`.
    fn datasets(&mut self, value: &Value) -> Result<Vec<UpstreamDataset>, String> {
        let Value::List(place) = value else { return Ok(Vec::new()) };
        let infer_cfg = Key::Text("infer_cfg".into());
        let mut list = Vec::new();
        for item in self.heap.lists[*place].clone() {
            let Value::Dict(place) = item else { return Ok(Vec::new()) };
            let entries = self.heap.dicts[place].clone();
            if !entries.contains_key(&infer_cfg) {
                return Ok(Vec::new());
            }
            let mut entry = Map::new();
            for (key, value) in &entries {
                let Key::Text(name) = key else {
                    return Err("found a dataset with a key that is not a string".to_owned());
                };
                let functions = if *key == infer_cfg { Functions::Refused } else { Functions::Named };
                entry.insert(name.to_string(), self.heap.json(value, functions)?);
            }
            list.push(UpstreamDataset { entry });
        }
        Ok(list)
    }
}

/// The nearest folder `configs` around a file, or the file's own folder.
fn root(path: &Path) -> PathBuf {
    let named = path.ancestors().skip(1).find(|folder| folder.ends_with(CONFIGS));
    named.or(path.parent()).map(Path::to_path_buf).unwrap_or_default()
}
