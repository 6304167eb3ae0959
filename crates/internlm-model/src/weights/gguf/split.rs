//! A model in several files, as `llama-gguf-split` writes it: `name-00001-of-00003.gguf`.
//!
//! Every part says its number (`split.no`, from 0) and how many there are (`split.count`); the first one has all other
//! keys. Follows llama.cpp's `llama_split_path` and `llama_model_loader`.

use std::path::{Path, PathBuf};

use super::metadata::{Metadata, Value};
use super::part::Part;
use crate::error::some_of;
use crate::{Error, Result};

/// Number of a part, from 0.
const NUMBER: &str = "split.no";
/// Number of parts.
const COUNT: &str = "split.count";
/// Number of tensors of all parts together.
const TENSORS: &str = "split.tensors.count";

/// Where a part stands among the files of its model.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Split {
    number: u16,
    count: u16,
}

/// All parts of the model that `part` belongs to, in order; `part` alone when it is the whole model.
///
/// # Errors
/// Parts that are missing or do not fit together.
pub(super) fn open(part: Part) -> Result<Vec<Part>> {
    let path = part.path.clone();
    let fail = |problems| Err(Error::Weights { path: path.clone(), problems });
    let split = match Split::read(&part.metadata) {
        Ok(Some(split)) => split,
        Ok(None) => return Ok(vec![part]),
        Err(problem) => return fail(vec![problem]),
    };
    let paths = match split.found(&path) {
        Ok(paths) => paths,
        Err(problem) => return fail(vec![problem]),
    };
    let mut parts = Vec::new();
    let mut opened = Some(part);
    for (number, path) in paths.iter().enumerate() {
        let own = (number == usize::from(split.number)).then(|| opened.take()).flatten();
        parts.push(own.map_or_else(|| Part::open(path), Ok)?);
    }
    let problems = contradictions(&parts, split);
    if problems.is_empty() { Ok(parts) } else { fail(problems) }
}

impl Split {
    /// Reads the keys of a part; `None` for a model in one file.
    fn read(metadata: &Metadata) -> Result<Option<Self>, String> {
        let Some(count) = number(metadata, COUNT)? else { return Ok(None) };
        if count <= 1 {
            return Ok(None);
        }
        match number(metadata, NUMBER)? {
            Some(number) if number < count => Ok(Some(Self { number, count })),
            Some(number) => Err(format!("{NUMBER}: found {number}, expected less than {COUNT}, {count}")),
            None => Err(format!("{NUMBER}: missing, {COUNT} is {count}")),
        }
    }

    /// The end of the name of part `number`.
    fn ending(self, number: u16) -> String {
        format!("-{:05}-of-{:05}.gguf", u32::from(number) + 1, self.count)
    }

    /// The paths of all parts, which are there: next to `path`, or next to the file that a link there points to.
    fn found(self, path: &Path) -> Result<Vec<PathBuf>, String> {
        let next_to = |path: &Path| -> Result<Vec<PathBuf>, String> {
            let paths = self.paths(path)?;
            let missing = paths.iter().filter(|path| !path.is_file());
            let missing: Vec<String> = missing.map(|path| name(path)).collect();
            match missing.is_empty() {
                true => Ok(paths),
                false => Err(format!("{self}: missing in its folder: {}", some_of(&missing))),
            }
        };
        next_to(path).or_else(|problem| {
            let target = std::fs::canonicalize(path).map_err(|_| problem.clone())?;
            next_to(&target).map_err(|_| problem)
        })
    }

    /// The paths of all parts by the name of this one.
    fn paths(self, path: &Path) -> Result<Vec<PathBuf>, String> {
        let (file, ending) = (name(path), self.ending(self.number));
        match file.strip_suffix(&ending) {
            Some(stem) => {
                let path = |number| path.with_file_name(format!("{stem}{}", self.ending(number)));
                Ok((0..self.count).map(path).collect())
            }
            None => Err(format!(
                "{self}: expected a name that ends in {ending}, by which the other parts are found"
            )),
        }
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "part {} of {} of a split model", u32::from(self.number) + 1, self.count)
    }
}

/// A number below 2^16, as llama.cpp stores them.
fn number(metadata: &Metadata, key: &str) -> Result<Option<u16>, String> {
    let Some(value) = metadata.get(key) else { return Ok(None) };
    let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
    number.map(Some).ok_or_else(|| format!("{key}: found {value:?}, expected a number below 65536"))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What the parts say about each other that cannot all be true.
fn contradictions(parts: &[Part], split: Split) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, part) in (0..split.count).zip(parts) {
        let (file, expected) = (name(&part.path), Split { number, ..split });
        match Split::read(&part.metadata) {
            Ok(Some(found)) if found == expected => {}
            Ok(Some(found)) => problems.push(format!("{file}: found {found}, expected {expected}")),
            Ok(None) => problems.push(format!("{file}: found a whole model, expected {expected}")),
            Err(problem) => problems.push(format!("{file}: {problem}")),
        }
        for (key, value) in part.metadata.iter().filter(|(key, _)| is_shared(key)) {
            let first = parts[0].metadata.get(key);
            if first.is_some_and(|first| first != value) {
                problems.push(format!("{file}: {key}: found another value than in {}", name(&parts[0].path)));
            }
        }
    }
    let found: usize = parts.iter().map(|part| part.tensors.len()).sum();
    let expected = parts[0].metadata.get(TENSORS).and_then(Value::as_u64);
    if let Some(expected) = expected.filter(|expected| *expected != found as u64) {
        problems.push(format!("{TENSORS}: found {found} tensors in all parts, expected {expected}"));
    }
    problems
}

/// Whether all parts that have a key must have the same value.
fn is_shared(key: &str) -> bool {
    !key.starts_with("split.") && key != "general.alignment"
}
