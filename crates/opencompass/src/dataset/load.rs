//! Loads a dataset: reads its rows from the user's folders and computes their columns.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use internlm_kit::file;
use internlm_kit::hash::sha256;
use internlm_kit::problems::lines;
use serde_json::{Map, Value};

use super::columns::Columns;
use super::{AnswerKey, DatasetConfig, ReaderConfig, RowRange, table};
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
        Ok(Self { config, test, train, hashes })
    }

    /// Creates a dataset without rows, for scoring predictions that come from elsewhere.
    #[must_use]
    pub fn without_rows(config: DatasetConfig) -> Self {
        Self { config, test: Vec::new(), train: Vec::new(), hashes: BTreeMap::new() }
    }
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
        let (path, member) = find(name, data_dirs).map_err(fail)?;
        let bytes =
            file::read(&path).map_err(|source| Error::DataFile { dataset: config.name.clone(), source })?;
        let shown = path.display();
        let named = |message: String| fail(format!("{shown}: {message}"));
        let bytes = match member {
            None => bytes,
            Some(member) => unzip(bytes, member).map_err(named)?,
        };
        let hash = sha256(&bytes);
        let place = config.source.files.iter().position(|file| file == name);
        if let Some(expected) = place.and_then(|place| config.source.sha256.get(place))
            && *expected != hash
        {
            let message = format!("found sha256 {hash}, expected {expected}; the dataset is not used");
            return Err(named(message));
        }
        hashes.insert(name.clone(), hash);
        all.extend(table::rows(&bytes, &config.source).map_err(named)?);
    }
    Ok(all)
}

/// Finds a file, and separates the name of its member if it is written as `archive.zip!member`.
fn find<'a>(name: &'a str, data_dirs: &[&Path]) -> Result<(PathBuf, Option<&'a str>), String> {
    let (file, member) = match name.split_once('!') {
        Some((file, member)) => (file, Some(member)),
        None => (name, None),
    };
    let here = PathBuf::from(file);
    let places: Vec<PathBuf> = data_dirs.iter().map(|folder| folder.join(file)).chain([here]).collect();
    match places.iter().find(|path| path.is_file()) {
        Some(path) => Ok((path.clone(), member)),
        None => {
            let places: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
            Err(format!("data file not found, looked for {}", places.join(", ")))
        }
    }
}

fn unzip(bytes: Vec<u8>, member: &str) -> Result<Vec<u8>, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("expected a zip archive: {error}"))?;
    let mut file = archive.by_name(member).map_err(|error| format!("member {member}: {error}"))?;
    let mut content = Vec::new();
    file.read_to_end(&mut content).map_err(|error| format!("member {member}: {error}"))?;
    Ok(content)
}

/// Computes the columns of all rows, then cuts the range.
fn rows(all: Vec<Columns>, config: &DatasetConfig, range: Option<&RowRange>) -> Result<Vec<Row>, String> {
    let mut rows = Vec::with_capacity(all.len());
    for (index, columns) in all.into_iter().enumerate() {
        let row = row(columns, config).map_err(|message| format!("row {index}: {message}"))?;
        rows.extend(row);
    }
    if let Some(range) = range {
        rows = rows.drain(range.of(rows.len())).collect();
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

fn missing(name: &str, columns: &Columns) -> String {
    let known: Vec<&str> = columns.keys().map(String::as_str).collect();
    format!("found the columns {}, expected `{name}`", known.join(", "))
}

/// Returns the value at a JSON pointer whose first step is a column.
fn pointed<'a>(columns: &'a Columns, pointer: &str) -> Option<&'a Value> {
    let path = pointer.strip_prefix('/')?;
    match path.split_once('/') {
        None => columns.get(path),
        Some((column, rest)) => columns.get(column)?.pointer(&format!("/{rest}")),
    }
}

/// Returns the letter of the answer's position. `None` if the row has more or fewer labels than letters.
fn letter(columns: &Columns, key: &AnswerKey) -> Result<Option<String>, String> {
    let labels = pointed(columns, &key.labels).and_then(Value::as_array);
    let labels = labels.ok_or_else(|| missing(&key.labels, columns))?;
    let answer = columns.get(&key.column).ok_or_else(|| missing(&key.column, columns))?;
    let letters: Vec<char> = key.letters.chars().collect();
    if labels.len() != letters.len() {
        return Ok(None);
    }
    let place = labels.iter().position(|label| label == answer);
    let place =
        place.ok_or_else(|| format!("found the answer {answer}, expected one of the row's labels"))?;
    Ok(Some(letters[place].to_string()))
}
