//! Folders of runs: the resolved config with its origin, and the protection of what is finished.
//!
//! Every run writes the config it really used, defaults and overrides included, into its folder
//! ([`write_config`]). When the folder already holds a run, [`differences`] names the keys that differ, and a run
//! that is not the same is refused with [`OtherRun`] unless the user asks for it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use toml::{Table, Value};

use crate::bad_input::BadInput;
use crate::file::{self, FileError};
use crate::provenance::Provenance;

/// A folder holds the result of another configuration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}: found a {state} run {}, expected the same configuration; {advice}", folder.display(), difference(keys))]
pub struct OtherRun {
    /// Where that run is.
    pub folder: PathBuf,
    /// How far that run is: `finished` or `unfinished`.
    pub state: &'static str,
    /// Dotted keys whose values differ; empty when the configuration of that run is unknown.
    pub keys: Vec<String>,
    /// What the user can do, in the words of the verb: `choose another run.out, or pass --force to replace it`.
    pub advice: String,
}

fn difference(keys: &[String]) -> String {
    if keys.is_empty() {
        "whose configuration is unknown".to_owned()
    } else {
        format!("that differs in {}", keys.join(", "))
    }
}

impl BadInput for OtherRun {
    fn is_bad_input(&self) -> bool {
        true
    }
}

/// Writes `config` as TOML to `path`, below a line that says who wrote it.
///
/// # Errors
/// [`FileError`]: the file cannot be written, or a value has no form in TOML.
///
/// ```
/// use internlm_kit::{provenance::Provenance, run_folder};
///
/// #[derive(serde::Serialize)]
/// struct Config { steps: u64 }
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("config.toml");
/// run_folder::write_config(&path, &Config { steps: 3 }, &Provenance::new("demo", "1.0"))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "# demo 1.0, git unknown\nsteps = 3\n");
/// let keys = run_folder::differences(&path, &Config { steps: 4 }, &[])?;
/// assert_eq!(keys.expect("the file is there"), ["steps"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_config<T: Serialize>(
    path: impl AsRef<Path>,
    config: &T,
    provenance: &Provenance,
) -> Result<(), FileError> {
    let path = path.as_ref();
    let text = toml::to_string_pretty(config).map_err(|error| not_toml(path, error))?;
    file::write(path, provenance.header() + &text)
}

/// Dotted keys in which `config` differs from the one that [`write_config`] left at `path`, in alphabetical order;
/// `None` when there is no such file, so that nothing is known. `ignored` names keys that say how a run works and not
/// what it writes (`workers`); a key is ignored at every depth.
///
/// # Errors
/// [`FileError`]: the file cannot be read or is not TOML, or a value of `config` has no form in TOML.
pub fn differences<T: Serialize>(
    path: impl AsRef<Path>,
    config: &T,
    ignored: &[&str],
) -> Result<Option<Vec<String>>, FileError> {
    let path = path.as_ref();
    let text = match file::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let before: Table = text.parse().map_err(|error: toml::de::Error| {
        FileError::new(path, "parse", io::Error::new(io::ErrorKind::InvalidData, error))
    })?;
    let now = Table::try_from(config).map_err(|error| not_toml(path, error))?;
    let mut keys = Vec::new();
    compare(&Pair { before: &before, now: &now }, "", ignored, &mut keys);
    Ok(Some(keys))
}

struct Pair<'a> {
    before: &'a Table,
    now: &'a Table,
}

fn compare(pair: &Pair<'_>, prefix: &str, ignored: &[&str], keys: &mut Vec<String>) {
    let names: BTreeSet<&String> = pair.before.keys().chain(pair.now.keys()).collect();
    for name in names.into_iter().filter(|name| !ignored.contains(&name.as_str())) {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match (pair.before.get(name), pair.now.get(name)) {
            (Some(Value::Table(before)), Some(Value::Table(now))) => {
                compare(&Pair { before, now }, &path, ignored, keys);
            }
            (before, now) if before != now => keys.push(path),
            _ => {}
        }
    }
}

fn not_toml(path: &Path, error: toml::ser::Error) -> FileError {
    FileError::new(path, "write the config", io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Config {
        steps: u64,
        workers: u64,
        optim: Optim,
        init: Option<String>,
    }

    #[derive(Serialize)]
    struct Optim {
        lr: f64,
        workers: u64,
    }

    #[test]
    fn differences_name_nested_added_and_missing_keys_and_skip_ignored_ones() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("config.toml");
        let config = |lr, workers, init| Config { steps: 3, workers, optim: Optim { lr, workers }, init };
        assert_eq!(differences(&path, &config(0.1, 1, None), &[]).expect("no file"), None);
        write_config(&path, &config(0.1, 1, None), &Provenance::new("p", "1")).expect("writes");
        let keys = |config: &Config, ignored: &[&str]| {
            differences(&path, config, ignored).expect("compares").expect("the file is there")
        };
        assert!(keys(&config(0.1, 1, None), &[]).is_empty());
        assert!(keys(&config(0.1, 2, None), &["workers"]).is_empty());
        let all = keys(&config(0.2, 2, Some("hf".to_owned())), &[]);
        assert_eq!(all, ["init", "optim.lr", "optim.workers", "workers"]);
    }

    #[test]
    fn a_config_that_is_not_toml_is_bad_input() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("config.toml");
        file::write(&path, "steps = [").expect("writes");
        let error = differences(&path, &Optim { lr: 0.1, workers: 1 }, &[]).expect_err("is not TOML");
        assert!(error.is_bad_input() && error.to_string().contains("config.toml: cannot parse: "), "{error}");
    }

    #[test]
    fn a_refusal_names_folder_keys_and_a_way_out() {
        let mut refusal = OtherRun {
            folder: "runs/a".into(),
            state: "finished",
            keys: vec!["optim.lr".to_owned()],
            advice: "pass --force to replace it".to_owned(),
        };
        let text = "runs/a: found a finished run that differs in optim.lr, expected the same configuration; \
                    pass --force to replace it";
        assert_eq!(refusal.to_string(), text);
        assert!(refusal.is_bad_input());
        refusal.keys.clear();
        let text = refusal.to_string();
        assert!(text.contains("found a finished run whose configuration is unknown, expected"), "{text}");
    }
}
