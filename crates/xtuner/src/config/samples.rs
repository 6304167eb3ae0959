//! [`SamplesConfig`]: the table `[samples]`.

use serde::{Deserialize, Serialize};

/// Questions that the model is asked at every validation; its answers are logged.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SamplesConfig {
    /// Texts of users. Upstream: `evaluation_inputs`.
    pub prompts: Vec<String>,
    /// System message before each of them, default none. Upstream: `SYSTEM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Maximum number of tokens of one answer, which is decoded greedily; default 100.
    #[serde(default = "default_max_tokens")]
    pub max_tokens: usize,
}

fn default_max_tokens() -> usize {
    100
}

impl SamplesConfig {
    /// These questions, with everything else at its default.
    #[must_use]
    pub fn new<S: Into<String>>(prompts: impl IntoIterator<Item = S>) -> Self {
        Self {
            prompts: prompts.into_iter().map(Into::into).collect(),
            system: None,
            max_tokens: default_max_tokens(),
        }
    }
}
