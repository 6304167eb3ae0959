//! The last files of a run: funnel, summary, manifest of hashes, and the mark that it is complete.

use std::fs;
use std::path::Path;

use internlm_kit::file::{self, FileError};
use internlm_kit::provenance::Provenance;
use internlm_kit::run_folder;
use serde::{Deserialize, Serialize};

use super::funnel::Funnel;
use crate::artifact::Artifact;
use crate::run_folder::RunFolder;
use crate::{Error, PipelineConfig, Result};

/// `summary.json`: flat numbers for the table of the whole chain.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Documents that entered the pipeline.
    pub pages: u64,
    /// Documents in the shards.
    pub documents_kept: u64,
    /// Share of `pages` that was kept, in percent.
    pub retained_percent: f64,
    /// Text in the shards, in 10^6 bytes.
    pub clean_megabytes: f64,
    /// Tokens in the training shards.
    pub train_tokens: u64,
    /// Documents in the held-out shards.
    pub held_out_documents: u64,
    /// Held-out text in bytes.
    pub held_out_bytes: u64,
    /// Size of the vocabulary.
    pub vocab_size: usize,
    /// Mean bytes of text per token.
    pub bytes_per_token: f64,
    /// Bits per byte of the held-out text under a unigram model of tokens.
    pub unigram_bits_per_byte: f64,
    /// Bits per byte of the held-out text after `gzip -9`.
    pub gzip_bits_per_byte: f64,
}

impl Summary {
    /// Reduces a funnel to its headline numbers.
    #[must_use]
    pub fn of(funnel: &Funnel) -> Self {
        let tokens = &funnel.tokens;
        let (pages, kept) = (funnel.documents_in(), tokens.train.documents + tokens.valid.documents);
        let bytes = (tokens.train.bytes + tokens.valid.bytes) as f64;
        let all_tokens = (tokens.train.tokens + tokens.valid.tokens).max(1) as f64;
        Self {
            pages,
            documents_kept: kept,
            retained_percent: round(100.0 * kept as f64 / pages.max(1) as f64, 2),
            clean_megabytes: round(bytes / 1e6, 2),
            train_tokens: tokens.train.tokens,
            held_out_documents: tokens.valid.documents,
            held_out_bytes: tokens.valid.bytes,
            vocab_size: tokens.vocab_size,
            bytes_per_token: round(bytes / all_tokens, 3),
            unigram_bits_per_byte: round(tokens.unigram_bits_per_byte, 4),
            gzip_bits_per_byte: round(tokens.gzip_bits_per_byte, 4),
        }
    }
}

fn round(x: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (x * scale).round() / scale
}

/// `work/finished.json`: the run with this key is complete.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finished {
    /// Hash of settings, input and version: another key means that the run is out of date.
    pub key: String,
    /// Every output file, sorted by path.
    pub artifacts: Vec<Artifact>,
    /// Where every document went.
    pub funnel: Funnel,
}

impl Finished {
    /// The mark of a complete run with `key`, when all its files are still there with their sizes.
    pub(crate) fn load(folder: &RunFolder, key: &str) -> Option<Self> {
        let bytes = fs::read(folder.finished()).ok()?;
        let finished: Self = serde_json::from_slice(&bytes).ok()?;
        let present = finished.artifacts.iter().all(|artifact| artifact.is_present(folder));
        (finished.key == key && present).then_some(finished)
    }

    /// Reads the mark of the finished run in the folder `output`.
    ///
    /// # Errors
    /// A folder without a finished run.
    pub fn read(output: impl AsRef<Path>) -> Result<Self> {
        let path = RunFolder::new(output.as_ref()).finished();
        let bytes = file::read(&path)?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Format {
            path,
            offset: 0,
            found: error.to_string(),
            expected: "the mark of a finished run".to_owned(),
        })
    }

    /// Removes the mark, because the folder is about to change.
    pub(crate) fn remove(folder: &RunFolder) -> Result<()> {
        let path = folder.finished();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(FileError::new(&path, "remove", error).into())
            }
            _ => Ok(()),
        }
    }
}

/// Writes `config.toml`, `funnel.json`, `funnel.txt`, `summary.json`, `manifest.json` and the mark.
///
/// # Panics
/// When the funnel does not add up: then a document was lost without a reason, which must never happen.
pub(crate) fn finish(
    config: &PipelineConfig,
    folder: &RunFolder,
    key: &str,
    funnel: &Funnel,
    provenance: &Provenance,
    mut artifacts: Vec<Artifact>,
) -> Result<()> {
    assert_eq!(funnel.problems(), Vec::<String>::new(), "the funnel adds up");
    let path = folder.config();
    run_folder::write_config(&path, config, provenance)?;
    artifacts.push(Artifact::of(folder, &path)?);
    for (path, text) in [
        (folder.funnel(), json(funnel)),
        (folder.funnel_text(), funnel.to_text()),
        (folder.summary(), json(&Summary::of(funnel))),
    ] {
        file::write(&path, text)?;
        artifacts.push(Artifact::of(folder, &path)?);
    }
    artifacts.sort_by(|a, b| a.path.cmp(&b.path));
    let path = folder.manifest();
    file::write(&path, json(&artifacts))?;
    let finished = Finished { key: key.to_owned(), artifacts, funnel: funnel.clone() };
    let path = folder.finished();
    Ok(file::write(&path, json(&finished))?)
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("reports are plain data") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImportConfig;

    #[test]
    fn the_mark_counts_while_its_key_and_its_files_are_there() {
        let root = tempfile::tempdir().expect("temporary folder");
        let folder = RunFolder::new(root.path());
        let config = PipelineConfig::new(root.path(), ImportConfig::archives(["a.warc"], "d"));
        file::write(folder.held_out(), "held out").expect("writes");
        let artifacts = vec![Artifact::of(&folder, &folder.held_out()).expect("hashes")];
        let provenance = Provenance::new("test", "1.0");
        finish(&config, &folder, "key", &Funnel::default(), &provenance, artifacts).expect("writes");
        let finished = Finished::load(&folder, "key").expect("is complete");
        let paths: Vec<_> =
            finished.artifacts.iter().map(|artifact| artifact.path.display().to_string()).collect();
        assert_eq!(paths, ["config.toml", "funnel.json", "funnel.txt", "heldout.jsonl", "summary.json"]);
        assert!(finished.artifacts.iter().all(|artifact| artifact.is_intact(&folder)));
        let resolved = fs::read_to_string(folder.config()).expect("reads");
        assert!(resolved.starts_with("# test 1.0, git unknown\noutput = "), "{resolved}");
        assert_eq!(Finished::read(root.path()).expect("is there"), finished);
        assert_eq!(Finished::load(&folder, "other key"), None);
        fs::write(folder.held_out(), "cut").expect("writes");
        assert_eq!(Finished::load(&folder, "key"), None, "a file has another size");
        Finished::remove(&folder)
            .and_then(|()| Finished::remove(&folder))
            .expect("nothing to remove is fine");
        assert!(Finished::read(root.path()).expect_err("was removed").to_string().contains("cannot read"));
    }

    #[test]
    #[should_panic(expected = "the funnel adds up")]
    fn a_lost_document_is_never_reported_as_a_finished_run() {
        let root = tempfile::tempdir().expect("temporary folder");
        let config = PipelineConfig::new(root.path(), ImportConfig::archives(["a.warc"], "d"));
        let mut funnel = Funnel::default();
        funnel.tokens.train.documents = 1;
        let folder = RunFolder::new(root.path());
        let _ = finish(&config, &folder, "key", &funnel, &Provenance::new("test", "1.0"), Vec::new());
    }
}
