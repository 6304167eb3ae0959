//! The resolved run file, and the check that a folder is only reused by the same run.

use std::collections::BTreeMap;

use internlm_kit::context::RunContext;
use internlm_kit::run_folder::{self, OtherRun};
use serde::Serialize;

use super::RunFolder;
use super::folder::RESOLVED;
use crate::dataset::version;
use crate::{Evaluation, EvaluationConfig, Result};

/// What the user can do when a folder belongs to another run.
const ADVICE: &str = "start a new run or repeat that configuration";

/// Keys that say how a run is carried out, not what it evaluates. They may differ between runs of one folder.
const HOW: [&str; 12] = [
    "base-url",
    "workers",
    "timeout-seconds",
    "retries",
    "requests-per-minute",
    "tokens-per-minute",
    "folder",
    "work-dir",
    "store",
    "flat-summary",
    "partitioner",
    "summarizer",
];

/// What to do with a folder that contains another run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reuse {
    /// Refuse it: the caller asked to resume exactly that run.
    Same,
    /// Take it over: the folder belongs to whatever runs now.
    Any,
}

/// The resolved run file: what is asked of which model, with every hash.
#[derive(Serialize)]
struct Resolved<'a> {
    version: &'static str,
    identities: BTreeMap<&'a str, &'a str>,
    prompts: BTreeMap<&'a str, String>,
    data: BTreeMap<&'a str, &'a str>,
    config: &'a EvaluationConfig,
}

impl RunFolder {
    /// Writes `configs/run.toml`: the run file after all overrides, with the hashes of data, prompts and models; and
    /// `configs/profiles.json`, with which stored answers can be scored without a server.
    /// `context` knows who writes it.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File); with [`Reuse::Same`], [`Error::OtherRun`](crate::Error::OtherRun),
    /// which names the keys in which the folder's run differs.
    pub fn write_config(
        &self,
        config: &EvaluationConfig,
        evaluation: &Evaluation,
        reuse: Reuse,
        context: &RunContext,
    ) -> Result<()> {
        let profiles = evaluation.profiles();
        let sets = evaluation.datasets();
        let resolved = Resolved {
            version: env!("CARGO_PKG_VERSION"),
            identities: profiles
                .iter()
                .map(|profile| (profile.name.as_str(), profile.identity.as_str()))
                .collect(),
            prompts: sets.iter().map(|set| (set.config.name.as_str(), version(&set.config))).collect(),
            data: sets
                .iter()
                .flat_map(|set| &set.hashes)
                .map(|(name, hash)| (name.as_str(), hash.as_str()))
                .collect(),
            config,
        };
        let path = self.path().join(RESOLVED);
        let keys = match run_folder::differences(&path, &resolved, &HOW) {
            // A new folder has no file to compare with.
            Ok(keys) => keys.unwrap_or_default(),
            Err(error) if reuse == Reuse::Same => return Err(error.into()),
            // A run that takes over the folder does not need what was there.
            Err(_) => Vec::new(),
        };
        if !keys.is_empty() && reuse == Reuse::Same {
            let (folder, advice) = (self.path().to_path_buf(), ADVICE.to_owned());
            return Err(OtherRun { folder, state: "finished or unfinished", keys, advice }.into());
        }
        if !keys.is_empty() {
            let folder = self.path().display();
            tracing::info!("{folder}: differs from the last run in {}", keys.join(", "));
        }
        let origin = context.provenance_or(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        run_folder::write_config(&path, &resolved, &origin)?;
        self.write_profiles(&config.models().zip(profiles).collect::<Vec<_>>())
    }
}
