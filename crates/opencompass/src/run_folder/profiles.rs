//! What a run found out about its models (`configs/profiles.json`), so that later steps need no server.

use std::collections::BTreeMap;

use internlm_kit::file;
use internlm_model::tokenizer::Tokenizer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::RunFolder;
use super::json::write_json;
use crate::model::{EvaluatedModelConfig, ModelKind, Profile};
use crate::{Error, Result};

/// The stored profiles below the folder.
const PROFILES: &str = "configs/profiles.json";

/// Keys of a model that do not change what it is.
const HOW: [&str; 5] =
    ["timeout-seconds", "retries", "requests-per-minute", "tokens-per-minute", "temperature"];

/// Maximum length in tokens that a plan assumes of a model that was never connected.
const ASSUMED_LENGTH: usize = 2048;

/// The identity of a model that was never connected.
pub(crate) const NOT_CONNECTED: &str = "not connected";

/// The part that a model plays in a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Its answers are scored.
    Evaluated,
    /// It judges answers of others.
    Judge,
    /// It gives retrievers sentence vectors and likelihoods.
    Retrieval,
}

impl Role {
    /// Returns the key of a model in the file. Names have no slashes.
    fn key(self, name: &str) -> String {
        match self {
            Self::Evaluated => name.to_owned(),
            Self::Judge => format!("judges/{name}"),
            Self::Retrieval => format!("retrieval/{name}"),
        }
    }
}

/// A model of a run that was connected.
#[derive(Clone, Copy, Debug)]
pub struct MetModel<'a> {
    /// The part that it plays.
    pub role: Role,
    /// How the run file describes it.
    pub config: &'a EvaluatedModelConfig,
    /// What connecting found out.
    pub profile: &'a Profile,
}

/// What connecting found out about a model.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// The model as the run file described it.
    config: Value,
    identity: String,
    max_seq_len: usize,
    lacks: Lacks,
}

/// Why a model cannot do something; absent for what it can do.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Lacks {
    #[serde(skip_serializing_if = "Option::is_none")]
    log_probs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    choices: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embeddings: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
}

impl Lacks {
    fn of(profile: &Profile) -> Self {
        Self {
            log_probs: profile.log_probs.clone().err(),
            choices: profile.choices.clone().err(),
            embeddings: profile.embeddings.clone().err(),
            agent: profile.agent.clone().err(),
        }
    }

    fn apply(self, profile: &mut Profile) {
        let can = |reason: Option<String>| reason.map_or(Ok(()), Err);
        profile.log_probs = can(self.log_probs);
        profile.choices = can(self.choices);
        profile.embeddings = can(self.embeddings);
        profile.agent = can(self.agent);
    }
}

impl RunFolder {
    /// Writes what is known about the models, for later steps without a server.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write_profiles(&self, models: &[MetModel<'_>]) -> Result<()> {
        let stored = models.iter().map(|MetModel { role, config, profile }| {
            let stored = Stored {
                config: identifying(config),
                identity: profile.identity.clone(),
                max_seq_len: profile.max_seq_len,
                lacks: Lacks::of(profile),
            };
            let value = serde_json::to_value(stored).expect("a profile is plain data");
            (role.key(&profile.name), value)
        });
        write_json(&self.path().join(PROFILES), &Value::Object(stored.collect()))
    }

    /// Returns the profile of a model from the earlier run of this folder. `None` if there was no run, or if the model
    /// played another part or was described in another way.
    ///
    /// # Errors
    /// [`Error::Content`] when the file of the run is damaged; [`Error::Weights`] when the tokenizer cannot be read.
    pub fn stored_profile(&self, role: Role, config: &EvaluatedModelConfig) -> Result<Option<Profile>> {
        let path = self.path().join(PROFILES);
        let text = match file::read_to_string(&path) {
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let damaged = |error: serde_json::Error| {
            let message = format!("expected profiles of models: {error}; remove the file to connect again");
            Error::Content { path: path.clone(), message }
        };
        let mut all: BTreeMap<String, Stored> = serde_json::from_str(&text).map_err(damaged)?;
        let stored = all.remove(&role.key(&config.name));
        let Some(stored) = stored.filter(|stored| stored.config == identifying(config)) else {
            return Ok(None);
        };
        let mut profile = described(config, stored.identity, stored.max_seq_len)?;
        stored.lacks.apply(&mut profile);
        Ok(Some(profile))
    }
}

/// Returns the profile that a plan assumes of a model that was never connected: what the run file and the files of the
/// weights say. A server may refuse more than that.
///
/// # Errors
/// [`Error::Weights`] when the weights or the tokenizer cannot be read; [`Error::Model`] for a model in this process in a
/// build without engines.
pub fn assumed_profile(config: &EvaluatedModelConfig) -> Result<Profile> {
    let is_local = config.kind == ModelKind::Local;
    if is_local && !cfg!(feature = "local") {
        let message = "kind: found local, expected a build with the feature `local`".to_owned();
        return Err(Error::Model { model: config.name.clone(), message });
    }
    let length = match &config.weights {
        Some(path) if is_local => {
            let stored = internlm_model::weights::open_stored(path);
            let limit = stored.map_err(|source| unreadable(config, source))?.config.max_position;
            config.max_seq_len.map_or(limit, |length| length.min(limit))
        }
        _ => config.max_seq_len.unwrap_or(ASSUMED_LENGTH),
    };
    let mut profile = described(config, NOT_CONNECTED.to_owned(), length)?;
    profile.agent = Err("it is a model without tools of its own".to_owned());
    if config.kind == ModelKind::Perspective {
        profile.only_rates();
    } else if config.log_probs == Some(false) {
        profile.log_probs = Err("model.log-probs is false".to_owned());
        profile.choices = profile.log_probs.clone();
    } else if profile.tokenizer.is_none() {
        let reason = "the ids of the choices are not known without its tokenizer (model.weights)";
        profile.choices = Err(reason.to_owned());
    }
    Ok(profile)
}

/// Creates a profile from what the run file says.
fn described(config: &EvaluatedModelConfig, identity: String, max_seq_len: usize) -> Result<Profile> {
    let mut profile = Profile::new(&config.name, identity, max_seq_len);
    profile.protocol = config.protocol;
    profile.meta_template = config.meta_template.clone();
    profile.temperature = config.temperature;
    let tokenizer = config.weights.as_deref().map(Tokenizer::load).transpose();
    profile.tokenizer = tokenizer.map_err(|source| unreadable(config, source))?;
    Ok(profile)
}

fn unreadable(config: &EvaluatedModelConfig, source: internlm_model::Error) -> Error {
    Error::Weights { model: config.name.clone(), source: Box::new(source) }
}

/// Returns the keys of a model that say what it is.
fn identifying(config: &EvaluatedModelConfig) -> Value {
    let value = serde_json::to_value(config).expect("a model consists of strings, numbers and tables");
    let fields: Map<String, Value> = match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    // Without weights the address is part of the identity.
    let same = |key: &str| HOW.contains(&key) || (key == "base-url" && config.weights.is_some());
    Value::Object(fields.into_iter().filter(|(key, _)| !same(key)).collect())
}
