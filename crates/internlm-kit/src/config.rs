//! TOML configs: unknown keys are errors, `--set a.b=c` overrides, all problems are reported at once.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::bad_input::BadInput;
use crate::file::{AtPath, FileError};
use crate::json::mismatch;
use crate::problems::listed;

/// Why a config could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] FileError),
    /// Not TOML, an unknown key, or a value of the wrong type; the message names line and key.
    #[error("{path}: {message}")]
    Parse {
        /// The config file as it was named.
        path: PathBuf,
        /// The parser's message: place, found, expected.
        message: String,
    },
    /// A `--set` override that is not `key=value`, walks through a value, or sets an unknown key or a wrong value.
    #[error("--set {text}: {message}")]
    Override {
        /// The override as given.
        text: String,
        /// What is wrong with it.
        message: String,
    },
    /// The values are well-formed but do not fit together.
    #[error("{}", listed(path, "in the config", problems))]
    Invalid {
        /// The config file as it was named.
        path: PathBuf,
        /// Every problem: key, found, expected.
        problems: Vec<String>,
    },
}

impl BadInput for ConfigError {
    /// A file that cannot be read is judged by the kind of its error; everything else is bad input.
    fn is_bad_input(&self) -> bool {
        match self {
            Self::Read(error) => error.is_bad_input(),
            Self::Parse { .. } | Self::Override { .. } | Self::Invalid { .. } => true,
        }
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
    let text = std::fs::read_to_string(path).at(path, "read the config")?;
    parse_with(&text, path, overrides)
}

/// Parses and validates TOML `text`, named `path` in messages.
///
/// # Errors
/// [`ConfigError::Parse`], with line and column, and [`ConfigError::Invalid`].
pub fn parse<T: DeserializeOwned + Validate>(text: &str, path: impl AsRef<Path>) -> Result<T, ConfigError> {
    parse_with(text, path, &[] as &[&str])
}

/// As [`parse`], after applying `key.path=value` overrides.
///
/// # Errors
/// [`ConfigError::Parse`], [`ConfigError::Override`] and [`ConfigError::Invalid`].
pub fn parse_with<T: DeserializeOwned + Validate>(
    text: &str,
    path: impl AsRef<Path>,
    overrides: &[impl AsRef<str>],
) -> Result<T, ConfigError> {
    let path = path.as_ref();
    let config: T = parse_unchecked(text, path, overrides)?;
    let problems = config.problems();
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError::Invalid { path: path.to_path_buf(), problems })
    }
}

/// As [`parse_with`], without asking the values for problems: for types that have nothing to validate, and for
/// callers that change values before they validate.
///
/// # Errors
/// [`ConfigError::Parse`] and [`ConfigError::Override`].
pub fn parse_unchecked<T: DeserializeOwned>(
    text: &str,
    path: impl AsRef<Path>,
    overrides: &[impl AsRef<str>],
) -> Result<T, ConfigError> {
    let at_fault = |error: toml::de::Error| parse_error(path.as_ref(), &error);
    if overrides.is_empty() {
        // Straight from the text, so that messages carry line and column.
        return toml::from_str(text).map_err(at_fault);
    }
    let file: Table = toml::from_str(text).map_err(at_fault)?;
    let overrides: Vec<&str> = overrides.iter().map(AsRef::as_ref).collect();
    let merged = merge(&file, &overrides)?;
    Value::Table(merged).try_into::<T>().map_err(|error| {
        override_at_fault::<T>(&file, &overrides, &error).unwrap_or_else(|| {
            let of_file = toml::from_str::<T>(text).err();
            at_fault(of_file.unwrap_or(error))
        })
    })
}

/// Names the override without which `error` would be gone; `None` when the file itself is wrong.
fn override_at_fault<T: DeserializeOwned>(
    file: &Table,
    overrides: &[&str],
    error: &toml::de::Error,
) -> Option<ConfigError> {
    let typed = |overrides: &[&str]| {
        let merged = merge(file, overrides).ok()?;
        Some(Value::Table(merged).try_into::<T>())
    };
    let fits = |overrides: &[&str]| typed(overrides).is_some_and(|result| result.is_ok());
    let fits_without = |index: usize| fits(&[&overrides[..index], &overrides[index + 1..]].concat());
    if let Some(index) = (0..overrides.len()).find(|index| fits_without(*index)) {
        return Some(override_error(overrides[index], error));
    }
    if !fits(&[]) {
        return None;
    }
    // Several are wrong: the first of them is named.
    (1..=overrides.len()).find_map(|count| {
        let error = typed(&overrides[..count])?.err()?;
        Some(override_error(overrides[count - 1], &error))
    })
}

fn parse_error(path: &Path, error: &toml::de::Error) -> ConfigError {
    ConfigError::Parse { path: path.to_path_buf(), message: words(error).join("\n") }
}

/// The lines of the parser's message in the words of TOML instead of those of its types.
fn words(error: &toml::de::Error) -> Vec<String> {
    let text = error.to_string();
    let line = |line: &str| match mismatch(line) {
        Some(words) => words.replace("a JSON object", "a table"),
        None => line.to_owned(),
    };
    text.trim_end().lines().map(line).collect()
}

/// `text` is the override as given. The place that the parser names on a line of its own follows on the same line.
fn override_error(text: &str, error: &toml::de::Error) -> ConfigError {
    ConfigError::Override { text: text.to_owned(), message: words(error).join(" ") }
}

/// `file` after applying the overrides in their order.
fn merge(file: &Table, overrides: &[&str]) -> Result<Table, ConfigError> {
    let mut merged = file.clone();
    for text in overrides {
        apply_override(&mut merged, text)?;
    }
    Ok(merged)
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

    impl Validate for Sample {
        fn problems(&self) -> Vec<String> {
            let wrong = (self.seq_len == 0).then(|| "seq-len: found 0, expected at least 1".to_owned());
            wrong.into_iter().collect()
        }
    }

    fn refused(text: &str, overrides: &[&str]) -> String {
        parse_with::<Sample>(text, "a.toml", overrides).expect_err("is wrong").to_string()
    }

    #[test]
    fn unknown_key_names_file_line_and_key() {
        // With a good override, too.
        for overrides in [&[] as &[&str], &["optim.lr=0.5"]] {
            let text = refused("seq-len = 1\nsequence = 2", overrides);
            assert!(text.starts_with("a.toml: ") && text.contains("line 2"), "{text}");
            assert!(text.contains("sequence"), "{text}");
        }
    }

    #[test]
    fn a_wrong_override_is_named_instead_of_the_file() {
        for (overrides, start) in [
            (&["seq-len=2", "sequence=3"][..], "--set sequence=3: unknown field `sequence`"),
            (&["optim.rate=1", "seq-len=2"][..], "--set optim.rate=1: unknown field `rate`"),
            (&["seq-len=many"][..], "--set seq-len=many: found \"many\", expected a whole number"),
            // Without either of them the other one is still wrong.
            (&["seq-len=2", "a=1", "b=2"][..], "--set a=1: unknown field `a`"),
        ] {
            let text = refused("seq-len = 1", overrides);
            assert!(text.starts_with(start), "{text}");
            assert!(!text.contains('\n'), "{text}");
        }
        let missing = refused("", &["seq-len=1", "sequence=2"]);
        assert!(missing.starts_with("--set sequence=2: "), "{missing}");
    }

    #[test]
    fn text_is_validated_like_a_file() {
        let problem = "seq-len: found 0, expected at least 1";
        assert!(refused("seq-len = 0", &[]).contains(problem));
        assert!(refused("seq-len = 1", &["seq-len=0"]).contains(problem));
        let unchecked: Sample = parse_unchecked("seq-len = 0", "a.toml", &[""; 0]).expect("parses");
        assert_eq!(unchecked.seq_len, 0);
    }

    #[test]
    fn a_config_that_cannot_be_read_is_bad_input_unless_the_device_fails() {
        let error = load::<Sample>("no/such/a.toml").expect_err("is missing");
        assert!(error.to_string().starts_with("no/such/a.toml: cannot read the config: "), "{error}");
        assert!(error.is_bad_input());
        let failed = FileError::new("a.toml", "read the config", std::io::ErrorKind::TimedOut.into());
        assert!(!ConfigError::from(failed).is_bad_input());
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
