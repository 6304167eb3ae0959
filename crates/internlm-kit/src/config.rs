//! TOML configs: unknown keys are errors, `--set a.b=c` overrides, all problems are reported at once.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::bad_input::BadInput;

/// Why a config could not be loaded. Always bad input: exit code 2.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{path}: cannot read the config: {source}")]
    Read {
        /// The config file as it was named.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong type; the message names line and key.
    #[error("{path}: {message}")]
    Parse {
        /// The config file as it was named.
        path: PathBuf,
        /// The parser's message: place, found, expected.
        message: String,
    },
    /// A `--set` override that is not `key=value` or that walks through a value.
    #[error("--set {text}: {message}")]
    Override {
        /// The override as given.
        text: String,
        /// What is wrong with it.
        message: String,
    },
    /// The values are well-formed but do not fit together.
    #[error("{path}: {} problem(s) in the config:\n  - {}", problems.len(), problems.join("\n  - "))]
    Invalid {
        /// The config file as it was named.
        path: PathBuf,
        /// Every problem: key, found, expected.
        problems: Vec<String>,
    },
}

impl BadInput for ConfigError {
    fn is_bad_input(&self) -> bool {
        true
    }
}

/// A config that can say everything that is wrong with it at once.
pub trait Validate {
    /// Every problem as `key: found X, expected Y`; empty when the config is usable.
    fn problems(&self) -> Vec<String>;
}

/// Loads and validates a TOML config.
///
/// # Errors
/// See [`ConfigError`].
///
/// ```
/// use internlm_kit::config::{self, Validate};
///
/// #[derive(serde::Deserialize)]
/// struct Config { steps: u64 }
///
/// impl Validate for Config {
///     fn problems(&self) -> Vec<String> {
///         let wrong = (self.steps == 0).then(|| "steps: found 0, expected at least 1".to_owned());
///         wrong.into_iter().collect()
///     }
/// }
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("run.toml");
/// std::fs::write(&path, "steps = 3")?;
/// assert_eq!(config::load::<Config>(&path)?.steps, 3);
/// assert!(config::load_with::<Config>(&path, &["steps=0"]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load<T: DeserializeOwned + Validate>(path: impl AsRef<Path>) -> Result<T, ConfigError> {
    load_with::<T>(path, &[] as &[&str])
}

/// As [`load`], after applying `key.path=value` overrides, which is what `--set` gives.
///
/// # Errors
/// See [`ConfigError`].
pub fn load_with<T: DeserializeOwned + Validate>(
    path: impl AsRef<Path>,
    overrides: &[impl AsRef<str>],
) -> Result<T, ConfigError> {
    let path = path.as_ref();
    let text =
        fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
    let config: T = parse_with(&text, path, overrides)?;
    let problems = config.problems();
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError::Invalid { path: path.to_path_buf(), problems })
    }
}

/// Parses TOML `text`, named `path` in messages.
///
/// # Errors
/// [`ConfigError::Parse`], with line and column.
pub fn parse<T: DeserializeOwned>(text: &str, path: impl AsRef<Path>) -> Result<T, ConfigError> {
    parse_with(text, path, &[] as &[&str])
}

/// As [`parse`], after applying `key.path=value` overrides.
///
/// # Errors
/// [`ConfigError::Parse`] and [`ConfigError::Override`].
pub fn parse_with<T: DeserializeOwned>(
    text: &str,
    path: impl AsRef<Path>,
    overrides: &[impl AsRef<str>],
) -> Result<T, ConfigError> {
    let path = path.as_ref();
    let parse_error = |error: toml::de::Error| ConfigError::Parse {
        path: path.to_path_buf(),
        message: error.to_string().trim_end().to_owned(),
    };
    if overrides.is_empty() {
        // Straight from the text, so that messages carry line and column.
        return toml::from_str(text).map_err(parse_error);
    }
    let mut table: Table = toml::from_str(text).map_err(parse_error)?;
    for text in overrides {
        apply_override(&mut table, text.as_ref())?;
    }
    Value::Table(table).try_into().map_err(parse_error)
}

/// Sets one dotted key; the value is TOML, or a string when it is not valid TOML.
fn apply_override(table: &mut Table, text: &str) -> Result<(), ConfigError> {
    let fail = |message: String| ConfigError::Override { text: text.to_owned(), message };
    let (key, value) =
        text.split_once('=').ok_or_else(|| fail("found no `=`, expected key.path=value".to_owned()))?;
    let value = toml::from_str::<Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("v"))
        .unwrap_or_else(|| Value::String(value.to_owned()));
    let mut parts: Vec<&str> = key.trim().split('.').collect();
    let last = parts.pop().expect("split yields at least one part");
    let mut current = table;
    for part in parts {
        let entry = current.entry(part).or_insert_with(|| Value::Table(Table::new()));
        let kind = entry.type_str();
        current = entry
            .as_table_mut()
            .ok_or_else(|| fail(format!("`{part}` is a {kind}, expected a table to set a key in")))?;
    }
    current.insert(last.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Sample {
        seq_len: usize,
        #[serde(default)]
        optim: Optim,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Optim {
        lr: f64,
    }

    #[test]
    fn unknown_key_names_file_line_and_key() {
        let error = parse::<Sample>("seq-len = 1\nsequence = 2", "a.toml").expect_err("unknown key");
        let text = error.to_string();
        assert!(text.contains("a.toml") && text.contains("line 2") && text.contains("sequence"), "{text}");
    }

    #[test]
    fn overrides_reach_nested_tables_and_keep_types() {
        let set = ["optim.lr=1e-3", "seq-len=7"];
        let sample: Sample = parse_with("seq-len = 1", "a.toml", &set).expect("parses");
        assert_eq!((sample.seq_len, sample.optim.lr), (7, 1e-3));
    }

    #[test]
    fn override_through_a_value_is_an_error() {
        let error = parse_with::<Sample>("seq-len = 1", "a.toml", &["seq-len.x=1"]);
        assert!(error.expect_err("walks through a value").to_string().contains("expected a table"));
    }
}
