//! [`Start`]: how a run begins, and the protection of a finished run that is already in its folder.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use internlm_kit::file::AtPath;
use internlm_kit::provenance::Provenance;
use internlm_kit::run_folder::{self, OtherRun};
use serde::Serialize;

use crate::{Result, Resume};

/// What a new run may do to a finished run of other settings in the same folder.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Finished {
    /// Nothing: the new run is refused, and the error names the settings that differ.
    #[default]
    Protect,
    /// Replace it, which is what `--force` asks for.
    Replace,
}

/// How a run begins. `Resume::Auto.into()` is the default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Start {
    /// The checkpoint that the run starts from.
    pub resume: Resume,
    /// Whether a finished run of other settings may be replaced.
    pub finished: Finished,
}

impl From<Resume> for Start {
    fn from(resume: Resume) -> Self {
        Self { resume, finished: Finished::Protect }
    }
}

impl Start {
    /// The same start, with `finished` for a finished run of other settings.
    #[must_use]
    pub fn with_finished(self, finished: Finished) -> Self {
        Self { finished, ..self }
    }

    /// Whether a finished run of other settings may be replaced: by request, or because the user starts over.
    pub(crate) fn replaces(&self) -> bool {
        self.finished == Finished::Replace || self.resume == Resume::None
    }

    /// Refuses to run `config` in the folder `out` when that holds the finished run of another config.
    ///
    /// A run is finished when it has written `summary.json`; the config it ran with is its `config.toml`. `ignored`
    /// names keys and tables that do not change what the run writes; `out` is always one of them, because the same
    /// folder has many names.
    ///
    /// # Errors
    /// [`OtherRun`] naming every key that differs, or that the config of that run is missing, and files that cannot be
    /// read.
    pub fn protect<T: Serialize>(&self, out: impl AsRef<Path>, config: &T, ignored: &[&str]) -> Result<()> {
        let out = out.as_ref();
        if self.replaces() || !out.join("summary.json").exists() {
            return Ok(());
        }
        let ignored: Vec<&str> = ignored.iter().copied().chain(["out"]).collect();
        match run_folder::differences(out.join("config.toml"), config, &ignored)? {
            Some(keys) if keys.is_empty() => Ok(()),
            keys => Err(other_run(out, "finished", keys.unwrap_or_default()).into()),
        }
    }

    /// Writes `config` as the `config.toml` of a run that may start into the folder `out`.
    ///
    /// The `summary.json` of an earlier run is removed first: next to the new config it would say that the earlier
    /// model is finished under that config.
    ///
    /// # Errors
    /// A summary that cannot be removed, and a config that cannot be written.
    pub fn record<T: Serialize>(out: impl AsRef<Path>, config: &T, origin: &Provenance) -> Result<()> {
        let out = out.as_ref();
        let summary = out.join("summary.json");
        match fs::remove_file(&summary) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.at(&summary, "remove")?,
        }
        Ok(run_folder::write_config(out.join("config.toml"), config, origin)?)
    }
}

/// The refusal of a run in the folder `out`, with the ways that lead on.
pub(crate) fn other_run(out: &Path, state: &'static str, keys: Vec<String>) -> OtherRun {
    let advice = match state {
        "finished" => "choose another run.out, or replace that run with --force or --resume none",
        _ => {
            "choose another run.out, start over with --resume none, or resume under the new settings from a \
             checkpoint with --resume DIR"
        }
    };
    OtherRun { folder: out.to_path_buf(), state, keys, advice: advice.to_owned() }
}

#[cfg(test)]
mod tests {
    use internlm_kit::file;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_finished_run_of_another_config_is_protected() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let out = folder.path();
        let config =
            |lr: f64, out: &str| json!({"run": {"out": out, "seed": 1}, "optim": {"lr": lr}, "test": lr});
        let start = Start::default();
        let check = |start: &Start, lr: f64| start.protect(out, &config(lr, "b"), &["test"]);

        check(&start, 0.2).expect("an empty folder");
        let origin = Provenance::new("test", "1");
        run_folder::write_config(out.join("config.toml"), &config(0.1, "a"), &origin).expect("writes");
        check(&start, 0.2).expect("an unfinished run is judged by its checkpoints");
        file::write(out.join("summary.json"), "{}").expect("writes");
        check(&start, 0.1).expect("the same config under another name of the folder");
        let text = check(&start, 0.2).expect_err("another config").to_string();
        assert!(text.contains("found a finished run that differs in optim.lr, expected"), "{text}");
        assert!(
            text.contains("run.out") && text.contains("--resume none") && text.contains("--force"),
            "{text}"
        );

        check(&Start::from(Resume::None), 0.2).expect("starting over replaces it");
        check(&start.clone().with_finished(Finished::Replace), 0.2).expect("so does --force");
        let from = Start::from(Resume::From(out.join("checkpoints/step-1")));
        assert!(
            check(&from, 0.2).is_err(),
            "a checkpoint to resume from is no permission to replace the result"
        );

        fs::remove_file(out.join("config.toml")).expect("removes");
        let text = check(&start, 0.1).expect_err("nobody knows its config").to_string();
        assert!(text.contains("found a finished run whose configuration is unknown, expected"), "{text}");
    }

    #[test]
    fn the_old_summary_is_gone_before_the_new_config_is_written() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (out, origin) = (folder.path(), Provenance::new("test", "1"));
        let (config, summary) = (out.join("config.toml"), out.join("summary.json"));
        Start::record(out, &json!({"lr": 0.1}), &origin).expect("an empty folder");
        file::write(&summary, "{}").expect("writes");
        Start::record(out, &json!({"lr": 0.2}), &origin).expect("writes");
        assert!(fs::read_to_string(&config).expect("reads").contains("lr = 0.2") && !summary.exists());

        fs::remove_file(&config).expect("removes");
        fs::create_dir(&config).expect("creates");
        file::write(&summary, "{}").expect("writes");
        assert!(Start::record(out, &json!({"lr": 0.3}), &origin).is_err() && !summary.exists());
    }
}
