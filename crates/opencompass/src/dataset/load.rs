//! Loads a dataset: reads its rows from the user's folders and computes their columns.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_kit::file;
use internlm_kit::hash::sha256;
use internlm_kit::problems::lines;
use serde_json::{Map, Value};

use super::answer_key::letter;
use super::archive::{content, find};
use super::columns::{Columns, missing, pointed};
use super::{DatasetConfig, ReaderConfig, RowRange, loaders, manifest, table};
use crate::prompt::python_str;
use crate::score::Reading;
use crate::score::post::Post;
use crate::{Error, Result};

/// One row of a dataset.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// All columns, computed ones included.
    pub columns: Map<String, Value>,
    /// The columns that prompts may use: the inputs in their order, then the output.
    pub visible: Map<String, Value>,
}

impl Row {
    /// Returns the expected answer; null if the set has none.
    #[must_use]
    pub fn gold(&self, reader: &ReaderConfig) -> Value {
        reader.output.as_ref().and_then(|output| self.columns.get(output)).cloned().unwrap_or_default()
    }
}

/// A dataset with its rows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Dataset {
    /// The dataset file with the run's row range.
    pub config: DatasetConfig,
    /// The rows that are asked and scored.
    pub test: Vec<Row>,
    /// The rows that examples are taken from.
    pub train: Vec<Row>,
    /// The rows of `train` in front of each row of `test`, for rules that choose them row by row; otherwise empty, or
    /// the reason why they are not chosen.
    pub examples: Result<Vec<Vec<usize>>, String>,
    /// Contents of `source.resources`, by the evaluator's names.
    pub resources: BTreeMap<String, Vec<u8>>,
    /// sha256 of every data file, by its name in the dataset file.
    pub hashes: BTreeMap<String, String>,
}

impl Dataset {
    /// Loads the rows of `config`. Each file is read from the first of `data_dirs` that has it, or else from
    /// the current folder.
    ///
    /// # Errors
    /// [`Error::Data`] when a file is missing or altered, a row does not fit, or there are no rows at all;
    /// [`Error::DataFile`] when a file cannot be read.
    pub fn load(config: DatasetConfig, data_dirs: &[impl AsRef<Path>]) -> Result<Self> {
        let data_dirs: Vec<&Path> = data_dirs.iter().map(AsRef::as_ref).collect();
        let fail = |message: String| Error::Data { dataset: config.name.clone(), message };
        let problems = config.problems();
        if !problems.is_empty() {
            let message = match &problems[..] {
                [problem] => problem.clone(),
                _ => format!("{} problems:{}", problems.len(), lines(&problems, "\n  - ")),
            };
            return Err(fail(message));
        }
        let mut hashes = BTreeMap::new();
        let mut test = read_all(&config, &config.source.files, &data_dirs, &mut hashes)?;
        let train = read_all(&config, &config.source.train_files, &data_dirs, &mut hashes)?;
        let test_loaders = &config.source.loader;
        let train_loaders = config.source.train_loader.as_ref().unwrap_or(test_loaders);
        test = loaders::apply(test_loaders, test).map_err(fail)?;
        let train = loaders::apply(train_loaders, train).map_err(fail)?;
        if let Some(choices) = &config.source.continuation_choices {
            test = choices.questions(&test).map_err(fail)?;
        }
        let test = rows(test, &config, config.split.test_range.as_ref()).map_err(fail)?;
        let train = rows(train, &config, config.split.train_range.as_ref()).map_err(fail)?;
        if test.is_empty() {
            return Err(fail(format!("{}: found no rows to score", config.source.files.join(", "))));
        }
        if let Some(id) = config.few_shot.ids.iter().find(|id| **id >= train.len()) {
            return Err(fail(format!("few_shot.ids: found {id}, expected a row below {}", train.len())));
        }
        let resources = resources(&config, &data_dirs, &mut hashes)?;
        Ok(Self { config, test, train, examples: Ok(Vec::new()), resources, hashes })
    }

    /// Creates a dataset without rows, for scoring predictions that come from elsewhere.
    #[must_use]
    pub fn without_rows(config: DatasetConfig) -> Self {
        Self {
            config,
            test: Vec::new(),
            train: Vec::new(),
            examples: Ok(Vec::new()),
            resources: BTreeMap::new(),
            hashes: BTreeMap::new(),
        }
    }
}

/// Reads the files that the evaluator needs.
fn resources(
    config: &DatasetConfig,
    data_dirs: &[&Path],
    hashes: &mut BTreeMap<String, String>,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let fail = |message: String| Error::Data { dataset: config.name.clone(), message };
    let mut resources = BTreeMap::new();
    for (name, place) in &config.source.resources {
        let (path, member) = find(place, data_dirs).map_err(|message| fail(format!("{place}: {message}")))?;
        let bytes =
            file::read(&path).map_err(|source| Error::DataFile { dataset: config.name.clone(), source })?;
        let bytes = content(&path, bytes, member)
            .map_err(|message| fail(format!("{}: {message}", path.display())))?;
        hashes.insert(place.clone(), sha256(&bytes));
        resources.insert(name.clone(), bytes);
    }
    Ok(resources)
}

fn read_all(
    config: &DatasetConfig,
    files: &[String],
    data_dirs: &[&Path],
    hashes: &mut BTreeMap<String, String>,
) -> Result<Vec<Columns>> {
    let fail = |message: String| Error::Data { dataset: config.name.clone(), message };
    let mut all = Vec::new();
    for name in files {
        let place = config.source.files.iter().position(|file| file == name);
        let expected = place.and_then(|place| config.source.sha256.get(place));
        let (path, member) = find(name, data_dirs).map_err(|message| {
            let known = manifest::known(name).map(|file| file.sha256);
            match expected.map(String::as_str).or(known) {
                Some(hash) => fail(format!("{name}: {message}; its sha256 is {hash}")),
                None => fail(format!("{name}: {message}")),
            }
        })?;
        let bytes =
            file::read(&path).map_err(|source| Error::DataFile { dataset: config.name.clone(), source })?;
        let shown = path.display();
        let named = |message: String| fail(format!("{shown}: {message}"));
        let file_hash = sha256(&bytes);
        let bytes = content(&path, bytes, member).map_err(named)?;
        let hash = if member.is_some() { sha256(&bytes) } else { file_hash.clone() };
        if let Some(expected) = expected
            && *expected != hash
            && *expected != file_hash
        {
            let message = format!("found sha256 {hash}, expected {expected}; the dataset is not used");
            return Err(named(message));
        }
        hashes.insert(name.clone(), hash);
        all.extend(table::rows(&bytes, &config.source).map_err(named)?);
    }
    Ok(all)
}

/// Computes the columns of all rows, then cuts the range.
fn rows(all: Vec<Columns>, config: &DatasetConfig, range: Option<&RowRange>) -> Result<Vec<Row>, String> {
    let mut rows = Vec::with_capacity(all.len());
    for (index, columns) in all.into_iter().enumerate() {
        let row = row(columns, config).map_err(|message| format!("row {index}: {message}"))?;
        rows.extend(row);
    }
    if let Some(range) = range {
        let mut all: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
        rows = range.rows(all.len()).into_iter().filter_map(|place| all[place].take()).collect();
    }
    Ok(rows)
}

/// Computes the columns of one row. Returns `None` if the set leaves the row out.
fn row(mut columns: Columns, config: &DatasetConfig) -> Result<Option<Row>, String> {
    let reader = &config.reader;
    if let Some(key) = &reader.answer_key {
        match letter(&columns, key)? {
            Some(letter) => columns.insert(key.column.clone(), Value::String(letter)),
            None => return Ok(None),
        };
    }
    for (name, pointer) in &reader.fields {
        let value = pointed(&columns, pointer).ok_or_else(|| missing(pointer, &columns))?.clone();
        columns.insert(name.clone(), value);
    }
    for (name, processor) in &reader.map {
        let value = columns.get(name).ok_or_else(|| missing(name, &columns))?;
        let processor = Post::new(processor, Reading::Compat).map_err(|error| error.to_string())?;
        columns.insert(name.clone(), processor.apply(&python_str(value)));
    }
    let mut visible = Map::new();
    for name in reader.input.iter().chain(&reader.output) {
        let value = columns.get(name).ok_or_else(|| missing(name, &columns))?;
        visible.insert(name.clone(), value.clone());
    }
    Ok(Some(Row { columns, visible }))
}
