//! The resolved run file with the hashes next to it, and the check that a folder is only reused by the same run.
//!
//! `configs/run.toml` is a run file like any other: it repeats the run, from the folder that its paths start in. What a
//! run file cannot say is in `configs/hashes.toml`.

use std::collections::BTreeMap;

use internlm_kit::context::RunContext;
use internlm_kit::run_folder::{self, OtherRun};
use serde::Serialize;

use super::RunFolder;
use super::folder::RESOLVED;
use super::profiles::{MetModel, Role};
use crate::dataset::version;
use crate::model::{EvaluatedModelConfig, Profile};
use crate::{Error, Evaluation, EvaluationConfig, Result};

/// The hashes of data, prompts and models.
const HASHES: &str = "configs/hashes.toml";

/// What the user can do when a folder belongs to another run.
const ADVICE: &str = "start a new run or repeat that configuration";

/// Keys that say how a run is carried out, not what it evaluates. They may differ between runs of one folder.
const HOW: [&str; 13] = [
    "base-url",
    "data-dirs",
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

/// What a run file does not say: what exactly is asked of which model.
#[derive(Serialize)]
struct Hashes<'a> {
    version: &'static str,
    identities: BTreeMap<&'a str, &'a str>,
    prompts: BTreeMap<&'a str, String>,
    data: BTreeMap<&'a str, &'a str>,
}

/// The part of the hashes that is known without models and data.
#[derive(Serialize)]
struct Prompts<'a> {
    prompts: BTreeMap<&'a str, String>,
}

impl<'a> Hashes<'a> {
    fn of(evaluation: &'a Evaluation) -> Self {
        let (profiles, sets) = (evaluation.profiles(), evaluation.datasets());
        let identity = |profile: &'a Profile| (profile.name.as_str(), profile.identity.as_str());
        let data = sets.iter().flat_map(|set| &set.hashes);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            identities: profiles.into_iter().map(identity).collect(),
            prompts: sets.iter().map(|set| (set.config.name.as_str(), version(&set.config))).collect(),
            data: data.map(|(name, hash)| (name.as_str(), hash.as_str())).collect(),
        }
    }
}

impl RunFolder {
    /// Writes `configs/run.toml`, the run file after all overrides; `configs/hashes.toml` with the hashes of data, prompts
    /// and models; and `configs/profiles.json`, with which stored answers can be scored without a server. Keys of servers
    /// (`api-key`) are never written. `context` knows who writes it.
    ///
    /// # Errors
    /// [`Error::File`]; with [`Reuse::Same`], [`Error::OtherRun`], which names the keys in which the folder's run differs.
    pub fn write_config(
        &self,
        config: &EvaluationConfig,
        evaluation: &Evaluation,
        reuse: Reuse,
        context: &RunContext,
    ) -> Result<()> {
        let keys = self.check_reuse(config, evaluation, reuse)?;
        if !keys.is_empty() {
            let folder = self.path().display();
            tracing::info!("{folder}: differs from the last run in {}", keys.join(", "));
        }
        let origin = context.provenance_or(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        run_folder::write_config(self.path().join(HASHES), &Hashes::of(evaluation), &origin)?;
        run_folder::write_config(self.path().join(RESOLVED), config, &origin)?;
        self.write_met_models(config, evaluation)
    }

    /// Compares the run with the one in the folder and returns the keys that differ; none for a new folder.
    ///
    /// # Errors
    /// With [`Reuse::Same`], [`Error::OtherRun`] with these keys; [`Error::File`] when they cannot be read.
    pub fn check_reuse(
        &self,
        config: &EvaluationConfig,
        evaluation: &Evaluation,
        reuse: Reuse,
    ) -> Result<Vec<String>> {
        let mut keys = self.differences(RESOLVED, config, &HOW, reuse)?;
        keys.extend(self.differences(HASHES, &Hashes::of(evaluation), &[], reuse)?);
        if !keys.is_empty() && reuse == Reuse::Same {
            return Err(self.other_run(keys));
        }
        Ok(keys)
    }

    /// Checks that the results in the folder are those of this run, as far as that is known without models and data. A
    /// folder without a run file may come from OpenCompass, so nothing is known about it.
    ///
    /// # Errors
    /// [`Error::OtherRun`] with the keys that differ; those of [`EvaluationConfig::dataset_configs`]; [`Error::File`].
    pub fn check_results_of(&self, config: &EvaluationConfig) -> Result<()> {
        let sets = config.dataset_configs()?;
        let prompts = sets.iter().map(|set| (set.name.as_str(), version(set))).collect();
        let mut keys = self.differences(RESOLVED, config, &HOW, Reuse::Same)?;
        let unknown = ["version", "identities", "data"];
        keys.extend(self.differences(HASHES, &Prompts { prompts }, &unknown, Reuse::Same)?);
        if keys.is_empty() { Ok(()) } else { Err(self.other_run(keys)) }
    }

    /// Writes `configs/profiles.json`: what connecting found out about models, judges and the model for retrieval.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write_met_models(&self, config: &EvaluationConfig, evaluation: &Evaluation) -> Result<()> {
        let models = config.models().zip(evaluation.profiles()).map(met(Role::Evaluated));
        let judges = config.judges.iter().zip(evaluation.judge_profiles()).map(met(Role::Judge));
        let retrieval = config.retrieval.iter().zip(evaluation.retrieval_profile()).map(met(Role::Retrieval));
        self.write_profiles(&models.chain(judges).chain(retrieval).collect::<Vec<_>>())
    }

    /// Returns the keys in which a file of the folder differs; none if there is no such file. A file that cannot be read
    /// does not matter to a run that takes over the folder.
    fn differences<T: Serialize>(
        &self,
        name: &str,
        now: &T,
        ignored: &[&str],
        reuse: Reuse,
    ) -> Result<Vec<String>> {
        match run_folder::differences(self.path().join(name), now, ignored) {
            Ok(keys) => Ok(keys.unwrap_or_default()),
            Err(error) if reuse == Reuse::Same => Err(error.into()),
            Err(_) => Ok(Vec::new()),
        }
    }

    fn other_run(&self, keys: Vec<String>) -> Error {
        let (folder, advice) = (self.path().to_path_buf(), ADVICE.to_owned());
        OtherRun { folder, state: "finished or unfinished", keys, advice }.into()
    }
}

fn met<'a>(role: Role) -> impl Fn((&'a EvaluatedModelConfig, &'a Profile)) -> MetModel<'a> {
    move |(config, profile)| MetModel { role, config, profile }
}
