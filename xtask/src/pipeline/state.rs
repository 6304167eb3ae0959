//! What a stage was made from and what it made, so that unchanged stages are skipped.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use internlm_kit::{file, hash};

/// `runs/<recipe>/.state/<stage>.json`: written after the stage succeeded.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct StageState {
    /// sha256 over everything the stage depends on.
    pub(crate) fingerprint: String,
    /// sha256 of every artefact file by path relative to the stage's output folder.
    pub(crate) artefacts: BTreeMap<String, String>,
    /// Wall-clock seconds of the run that made it.
    pub(crate) seconds: u64,
}

impl StageState {
    /// Reads the state, `None` when the stage never finished or the file is not ours any more.
    pub(crate) fn load(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// Writes the state atomically.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self)?;
        Ok(file::write(path, bytes)?)
    }
}

/// Notes what a stage is about to be made from, and says whether its last attempt was made from the same: then it
/// may resume what that one left behind.
pub(crate) fn attempt(state_path: &Path, fingerprint: &str) -> Result<Attempt> {
    let path = state_path.with_extension("attempt");
    if std::fs::read_to_string(&path).is_ok_and(|known| known == fingerprint) {
        return Ok(Attempt::Continued);
    }
    file::write(&path, fingerprint)?;
    Ok(Attempt::Fresh)
}

/// Whether a stage may use what its last attempt left behind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attempt {
    /// The last attempt had other inputs, or this is the first.
    Fresh,
    /// The last attempt had the same inputs.
    Continued,
}

/// Hashes every file below the named artefacts of `output`; a missing artefact is an error.
pub(crate) fn hash_artefacts(output: &Path, artefacts: &[&str]) -> Result<BTreeMap<String, String>> {
    let mut hashes = BTreeMap::new();
    for name in artefacts {
        let artefact = output.join(name);
        ensure!(artefact.exists(), "{}: artefact missing", artefact.display());
        for path in file::files_below(&artefact)? {
            let relative = path.strip_prefix(output).expect("the file was found below the output folder");
            hashes.insert(relative.to_string_lossy().into_owned(), hash::sha256_file(&path)?);
        }
    }
    Ok(hashes)
}

/// sha256 over named parts, in order; names and values cannot run into each other.
pub(crate) fn fingerprint(parts: &[(String, String)]) -> String {
    let text = serde_json::to_string(parts).expect("strings always serialize");
    hash::sha256(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artefact_hashes_see_every_change() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let write = |name: &str, text: &str| {
            file::write(folder.path().join(name), text).expect("writes");
        };
        write("hf/config.json", "{}");
        write("summary.json", "{}");
        let before = hash_artefacts(folder.path(), &["hf", "summary.json"]).expect("hashes");
        assert_eq!(before.keys().collect::<Vec<_>>(), ["hf/config.json", "summary.json"]);
        write("hf/config.json", "{ }");
        assert_ne!(hash_artefacts(folder.path(), &["hf", "summary.json"]).expect("hashes"), before);
        assert!(hash_artefacts(folder.path(), &["absent"]).is_err());
    }

    #[test]
    fn a_state_comes_back_and_a_foreign_file_is_no_state() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join(".state/data.json");
        assert_eq!(StageState::load(&path), None);
        let artefacts = BTreeMap::from([("shards/0.bin".to_owned(), "00".to_owned())]);
        let state = StageState { fingerprint: "f".to_owned(), artefacts, seconds: 3 };
        state.save(&path).expect("saves");
        assert_eq!(StageState::load(&path), Some(state));
        file::write(&path, "{\"fingerprint\": 3}").expect("writes");
        assert_eq!(StageState::load(&path), None);
    }

    #[test]
    fn attempt_continues_only_what_has_the_same_inputs() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("pretrain.json");
        let mut next = |fingerprint: &str| attempt(&path, fingerprint).expect("notes");
        assert_eq!(
            ["a", "a", "b", "a"].map(&mut next),
            [Attempt::Fresh, Attempt::Continued, Attempt::Fresh, Attempt::Fresh]
        );
    }

    #[test]
    fn fingerprint_keeps_parts_apart() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_ne!(fingerprint(&[pair("ab", "c")]), fingerprint(&[pair("a", "bc")]));
    }
}
