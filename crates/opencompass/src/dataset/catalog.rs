//! The catalog of datasets: the embedded files, and user folders that add to or replace them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::file::{self, AtPath};
use serde_json::Value;

use super::embedded::EMBEDDED;
use super::turned::{order_of, turned};
use super::{DatasetConfig, SubsetTable, nearest};
use crate::glob::glob;
use crate::{Error, Result};

/// The origin of a dataset file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The file is part of this crate.
    Embedded,
    /// The file is in a folder of the user, at this path.
    File(PathBuf),
}

/// One dataset file, not parsed yet.
#[derive(Clone, Debug)]
pub struct CatalogEntry {
    /// File name without `.toml`, which names all of its sets.
    pub stem: String,
    /// Whether the file is embedded or the user's.
    pub origin: Origin,
    text: String,
}

/// Dataset files by stem.
#[derive(Clone, Debug)]
pub struct Catalog {
    entries: BTreeMap<String, CatalogEntry>,
}

impl Catalog {
    /// Collects only the embedded files.
    #[must_use]
    pub fn embedded() -> Self {
        let entry = |(stem, text): &(&str, &str)| {
            let (stem, text) = ((*stem).to_owned(), (*text).to_owned());
            (stem.clone(), CatalogEntry { stem, origin: Origin::Embedded, text })
        };
        Self { entries: EMBEDDED.iter().map(entry).collect() }
    }

    /// Collects the embedded files and those of `folders`. Among files of one stem the last one wins.
    ///
    /// # Errors
    /// [`Error::File`] when a folder or file cannot be read.
    pub fn open(folders: &[impl AsRef<Path>]) -> Result<Self> {
        let Self { mut entries } = Self::embedded();
        for folder in folders {
            let folder = folder.as_ref();
            for item in fs::read_dir(folder).at(folder, "list")? {
                let path = item.at(folder, "list")?.path();
                if path.extension().is_some_and(|extension| extension == "toml") {
                    let entry = CatalogEntry::read(&path)?;
                    entries.insert(entry.stem.clone(), entry);
                }
            }
        }
        Ok(Self { entries })
    }

    /// Returns every file, sorted by stem.
    pub fn entries(&self) -> impl Iterator<Item = &CatalogEntry> {
        self.entries.values()
    }

    /// Finds datasets by name, in order and without duplicates. A stem means all sets of its file, a path that
    /// ends in `.toml` means the sets of that file, and anything else is the name of a set, in which `*` and
    /// `?` match as in file names. `@circular` or `@all_possible` behind a name turns the choices of its sets: each
    /// question is asked with them in several orders.
    ///
    /// # Errors
    /// [`Error::UnknownName`], a problem of a file, or [`Error::Value`] for a set without choices that can be turned.
    pub fn find(&self, names: &[impl AsRef<str>]) -> Result<Vec<DatasetConfig>> {
        let mut found: Vec<DatasetConfig> = Vec::new();
        for name in names.iter().map(AsRef::as_ref) {
            let (name, order) = order_of(name);
            let sets = match self.entries.get(name) {
                Some(entry) => entry.datasets()?,
                None if name.ends_with(".toml") => CatalogEntry::read(Path::new(name))?.datasets()?,
                None => self.matching(name)?,
            };
            match order {
                None => found.extend(sets),
                Some(order) => {
                    for set in sets {
                        found.push(turned(set, order)?);
                    }
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|set| seen.insert(set.name.clone()));
        Ok(found)
    }

    fn matching(&self, pattern: &str) -> Result<Vec<DatasetConfig>> {
        let mut found = Vec::new();
        for entry in self.entries.values().filter(|entry| entry.may_match(pattern)) {
            let sets = entry.datasets()?;
            found.extend(sets.into_iter().filter(|set| glob(pattern.as_bytes(), set.name.as_bytes())));
        }
        if found.is_empty() {
            let sets = self.entries.values().map(CatalogEntry::datasets).collect::<Result<Vec<_>>>()?;
            let mut known: Vec<String> = sets.into_iter().flatten().map(|set| set.name).collect();
            known.extend(self.entries.keys().cloned());
            let near = nearest(pattern, known.iter().map(String::as_str));
            let hint = near.map_or("`opencompass list-configs` shows all".to_owned(), |near| {
                format!("nearest known name: `{near}`")
            });
            return Err(Error::UnknownName { kind: "dataset", name: pattern.to_owned(), hint });
        }
        Ok(found)
    }
}

impl CatalogEntry {
    fn read(path: &Path) -> Result<Self> {
        let text = file::read_to_string(path)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { stem, origin: Origin::File(path.to_path_buf()), text })
    }

    /// Says whether a set of the file may have a name that matches `pattern`, from the beginning of the line `name = ".."`
    /// alone, so that not every file has to be parsed. A file without such a line may match.
    fn may_match(&self, pattern: &str) -> bool {
        let mut top = self.text.lines().take_while(|line| !line.starts_with('['));
        let name = top.find_map(|line| line.strip_prefix("name = \""));
        let Some(name) = name else { return true };
        let name = name.split(['"', '$', '\\']).next().unwrap_or_default();
        let literal = pattern.split(['*', '?']).next().unwrap_or_default();
        literal.starts_with(name) || name.starts_with(literal)
    }

    /// Parses the sets of the file: one, or one per `[[subset]]`.
    ///
    /// # Errors
    /// [`Error::Config`] with file, line and the nearest known key.
    pub fn datasets(&self) -> Result<Vec<DatasetConfig>> {
        let path = match &self.origin {
            Origin::Embedded => PathBuf::from(format!("datasets/{}.toml", self.stem)),
            Origin::File(path) => path.clone(),
        };
        let whole = DatasetConfig::parse(&self.text, &path)?;
        if whole.subset.is_empty() {
            return Ok(vec![whole]);
        }
        let subsets = whole.subset.clone();
        let whole = serde_json::to_value(DatasetConfig { subset: Vec::new(), ..whole })
            .expect("a dataset file consists of strings, numbers, lists and tables");
        let sets = subsets.iter().map(|subset| {
            serde_json::from_value(replaced(&whole, subset)).map_err(|error| {
                let message = format!("subset {subset:?}: {error}");
                Error::Config(internlm_kit::config::ConfigError::Parse { path: path.clone(), message })
            })
        });
        sets.collect()
    }
}

/// Replaces `${key}` in every string of a value.
fn replaced(value: &Value, subset: &SubsetTable) -> Value {
    match value {
        Value::String(text) => {
            let replace =
                |text: String, (key, value): (&String, &String)| text.replace(&format!("${{{key}}}"), value);
            Value::String(subset.iter().fold(text.clone(), replace))
        }
        Value::Array(items) => items.iter().map(|item| replaced(item, subset)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), replaced(value, subset)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_parses_and_is_consistent() {
        let catalog = Catalog::embedded();
        let mut names = std::collections::BTreeSet::new();
        for entry in catalog.entries() {
            for set in entry.datasets().expect("parses") {
                assert!(set.problems().is_empty(), "{}: {:?}", set.name, set.problems());
                assert!(!set.name.contains("${"), "{}", set.name);
                assert!(names.insert(set.name.clone()), "{} twice", set.name);
            }
        }
        assert!(names.len() > 100, "{}", names.len());
    }

    #[test]
    fn globs_and_unknown_names() {
        let catalog = Catalog::embedded();
        let find = |name: &str| catalog.find(&[name]);
        assert_eq!(find("ceval").expect("a stem").len(), 52);
        assert_eq!(find("lukaemon_mmlu_college_*").expect("a pattern").len(), 18);
        let error = find("gsm8").expect_err("unknown").to_string();
        assert!(error.contains("nearest known name: `gsm8k`"), "{error}");
    }
}
