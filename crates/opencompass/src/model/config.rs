//! The `[model]` table of a run file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::prompt::MetaTemplate;

/// One model of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ModelConfig {
    /// Name in tables and folders.
    pub name: String,
    /// What kind of model.
    #[serde(default)]
    pub kind: ModelKind,
    /// `api`: `http://host:port`, without `/v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// `api`: the model's name at the server; the server's first without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_name: Option<String>,
    /// `api`: bearer token.
    #[serde(default, skip_serializing)]
    pub api_key: Option<String>,
    /// `api`: most seconds of silence.
    #[serde(default = "timeout")]
    pub timeout_seconds: u64,
    /// `api`: how often a request is sent again after a failed connection or status 429 or 503.
    #[serde(default = "retries")]
    pub retries: u32,
    /// `api`: how prompts to go on from are sent; `chat` mode always uses chat.
    #[serde(default)]
    pub protocol: Protocol,
    /// Whether the server gives log-probabilities of a prompt; asked once when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_probs: Option<bool>,
    /// Folder or GGUF file of the weights behind the server, or of the `local` model. Their hash becomes
    /// part of every item's key, and their tokenizer cuts long texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// Longest prompt plus answer in tokens; the server's own figure without it, else 2048.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_seq_len: Option<usize>,
    /// What the model wants around turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta_template: Option<MetaTemplate>,
    /// `local`: `cpu`, `cuda:N` or `vulkan:N`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// `mock`: how it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<MockRule>,
}

/// What kind of model.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// An OpenAI-compatible server.
    #[default]
    Api,
    /// lmdeploy's engine in this process.
    Local,
    /// A rule instead of a model.
    Mock,
}

/// How prompts to go on from are sent.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// As messages.
    #[default]
    Chat,
    /// As one text, after the meta template.
    Completions,
}

/// How a mock model answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "lowercase")]
pub enum MockRule {
    /// Always the same text.
    Constant {
        /// The text.
        text: String,
    },
    /// The last line of the prompt.
    Echo,
    /// One of several texts, chosen by the prompt's hash.
    Choose {
        /// The texts.
        texts: Vec<String>,
    },
}

fn timeout() -> u64 {
    600
}

fn retries() -> u32 {
    3
}

impl ModelConfig {
    /// Everything wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.name.is_empty() || self.name.contains(['/', '\\']) {
            problems.push(format!("model.name: found `{}`, expected a word without slashes", self.name));
        }
        if self.kind == ModelKind::Api && self.base_url.is_none() {
            problems.push("model.base-url: found none, expected http://host:port".to_owned());
        }
        if self.kind == ModelKind::Local && self.weights.is_none() {
            problems.push("model.weights: found none, expected a model folder or GGUF file".to_owned());
        }
        if self.max_seq_len.is_some_and(|length| length < 2) {
            problems.push("model.max-seq-len: expected 2 or more".to_owned());
        }
        problems
    }
}
