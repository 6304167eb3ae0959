//! [`RolloutConfig`]: the table `[objective.rollout]`.

use std::path::{Path, PathBuf};

use internlm_kit::config::Validate;
use internlm_model::Tokenizer;
use serde::{Deserialize, Serialize};

use super::{LocalRollout, Rollout, ServedRollout};
use crate::Result;

/// What generates the answers of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(tag = "engine", deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum RolloutConfig {
    /// This process, several answers at a time.
    Local {
        /// Number of answers that are generated at the same time, default 32.
        #[serde(default = "default_batch")]
        batch: usize,
    },
    /// An `lmdeploy` server that serves the model of `model.path`; it is told to load new weights before each round.
    Served {
        /// Address of the server as `http://host:port`.
        url: String,
        /// Sent as a bearer token, default none; it is not written into the run folder.
        #[serde(default, skip_serializing)]
        api_key: Option<String>,
        /// Maximum number of requests at the same time, default 32.
        #[serde(default = "default_batch")]
        concurrency: usize,
        /// Folder for the weights that the server loads, as both machines name it; default `rollout` in `run.out`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weights: Option<PathBuf>,
    },
}

fn default_batch() -> usize {
    32
}

impl Default for RolloutConfig {
    fn default() -> Self {
        Self::Local { batch: default_batch() }
    }
}

impl RolloutConfig {
    /// The engine for a model with this tokenizer, in the run folder `out`.
    ///
    /// # Errors
    /// An address that is not one, and a client that cannot be set up.
    pub fn open(&self, tokenizer: &Tokenizer, out: &Path) -> Result<Box<dyn Rollout>> {
        Ok(match self {
            Self::Local { batch } => Box::new(LocalRollout::new(*batch, tokenizer.vocab_size())),
            Self::Served { url, api_key, concurrency, weights } => {
                let folder = weights.clone().unwrap_or_else(|| out.join("rollout"));
                let served = ServedRollout::connect(url, api_key.as_deref(), *concurrency)?;
                Box::new(served.with_weights(folder, tokenizer))
            }
        })
    }

    /// Name of the engine: what of it belongs to the identity of a run.
    pub(crate) fn identity(&self) -> &'static str {
        match self {
            Self::Local { .. } => "local",
            Self::Served { .. } => "served",
        }
    }
}

impl Validate for RolloutConfig {
    fn problems(&self) -> Vec<String> {
        let zero = |key: &str, found: usize| {
            (found == 0).then(|| format!("objective.rollout.{key}: found 0, expected at least 1"))
        };
        match self {
            Self::Local { batch } => zero("batch", *batch).into_iter().collect(),
            Self::Served { url, concurrency, .. } => {
                let scheme = url.starts_with("http://") || url.starts_with("https://");
                let address = (!scheme)
                    .then(|| format!("objective.rollout.url: found `{url}`, expected http://host:port"));
                zero("concurrency", *concurrency).into_iter().chain(address).collect()
            }
        }
    }
}
