//! The `[model]` table of a run file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::prompt::MetaTemplate;

/// A model that a run evaluates, the `[model]` table or an entry of `[[models]]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct EvaluatedModelConfig {
    /// Name in tables and folders, without slashes.
    pub name: String,
    /// Where the model runs. Default: `api`.
    #[serde(default)]
    pub kind: ModelKind,
    /// `api`: address of the server as `http://host:port`, without `/v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// `api`: name of the model on the server. Default: the first model that the server lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_name: Option<String>,
    /// `api`: key sent as a bearer token. Default: none. It is never written into the run's files.
    #[serde(default, skip_serializing)]
    pub api_key: Option<String>,
    /// `api`: idle timeout in seconds, that is how long the server may send nothing. Default: 600.
    #[serde(default = "timeout")]
    pub timeout_seconds: u64,
    /// `api`: number of retries after a failed connection or status 429 or 503. Default: 3.
    #[serde(default = "retries")]
    pub retries: u32,
    /// `api`: maximum number of requests per minute, of all models with the same address and key together. Default: no
    /// limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// `api`: maximum number of tokens per minute, prompts and answers, likewise. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u32>,
    /// How prompts of mode `gen` are sent; mode `chat` always sends messages. Default: `chat`.
    #[serde(default)]
    pub protocol: Protocol,
    /// Whether the model returns log-probabilities of a prompt. Default: the server is asked once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_probs: Option<bool>,
    /// Folder or GGUF file of the weights behind the server, or of the `local` model. Their hash becomes part
    /// of every item's key, and their tokenizer cuts long texts. Default for `api`: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// Maximum length of prompt plus answer in tokens. Default: what the server says, otherwise 2048.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_seq_len: Option<usize>,
    /// Text around turns. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta_template: Option<MetaTemplate>,
    /// Sampling temperature of sets that name none. Default: 0, greedy decoding, with which several answers to one question
    /// are all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// `local`: the device, `cpu`, `cuda:N` or `vulkan:N`. Default: `cpu`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// `mock`: the rule of its answers. Default: `echo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<MockRule>,
}

/// Where a model runs.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Behind an OpenAI-compatible server.
    #[default]
    Api,
    /// In this process, on lmdeploy's engine (feature `local`).
    Local,
    /// Nowhere: a rule gives the answers, for tests and trials.
    Mock,
    /// Behind Google's Perspective API, which judges how toxic a text is.
    Perspective,
}

/// How prompts for generation are sent.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// As messages to `/v1/chat/completions`.
    #[default]
    Chat,
    /// As one text to `/v1/completions`, after the meta template.
    Completions,
}

/// The rule of a mock model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "lowercase")]
pub enum MockRule {
    /// Answers with the same text every time.
    Constant {
        /// Text of every answer.
        text: String,
    },
    /// Repeats the last line of the prompt.
    Echo,
    /// Answers with one of several texts, chosen by the hash of the prompt.
    Choose {
        /// The possible answers; none means empty answers.
        texts: Vec<String>,
    },
}

impl ModelKind {
    /// Returns the word of run files.
    const fn word(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Local => "local",
            Self::Mock => "mock",
            Self::Perspective => "perspective",
        }
    }
}

fn timeout() -> u64 {
    600
}

fn retries() -> u32 {
    3
}

impl EvaluatedModelConfig {
    /// Describes the model that a command line names: a folder or a `.gguf` file runs in this process, an address that
    /// begins with `http://` or `https://` is a server. Returns `None` for any other word, which a run file may name.
    ///
    /// ```
    /// use opencompass::model::{EvaluatedModelConfig, ModelKind};
    /// let server = EvaluatedModelConfig::from_argument("http://127.0.0.1:23333").expect("an address");
    /// assert_eq!((server.kind, server.name.as_str()), (ModelKind::Api, "127.0.0.1-23333"));
    /// let local = EvaluatedModelConfig::from_argument("models/small.gguf").expect("a file");
    /// assert_eq!((local.kind, local.name.as_str()), (ModelKind::Local, "small"));
    /// assert!(EvaluatedModelConfig::from_argument("small").is_none());
    /// ```
    #[must_use]
    pub fn from_argument(argument: &str) -> Option<Self> {
        let address = argument.strip_prefix("http://").or_else(|| argument.strip_prefix("https://"));
        if let Some(address) = address {
            let host = address.trim_end_matches('/').trim_end_matches("/v1");
            let name = host.replace(['/', '\\', ':'], "-");
            return Some(Self { base_url: Some(argument.to_owned()), ..Self::named(name, ModelKind::Api) });
        }
        let path = Path::new(argument);
        let is_file = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        if !is_file && !path.is_dir() {
            return None;
        }
        let name = if is_file { path.file_stem() } else { path.file_name() };
        let name = name.map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned());
        Some(Self { weights: Some(path.to_path_buf()), ..Self::named(name, ModelKind::Local) })
    }

    /// A model with the defaults of a run file.
    fn named(name: String, kind: ModelKind) -> Self {
        Self {
            name,
            kind,
            base_url: None,
            served_name: None,
            api_key: None,
            timeout_seconds: timeout(),
            retries: retries(),
            requests_per_minute: None,
            tokens_per_minute: None,
            protocol: Protocol::default(),
            log_probs: None,
            weights: None,
            max_seq_len: None,
            meta_template: None,
            temperature: None,
            device: None,
            rule: None,
        }
    }

    /// Lists everything that is wrong with the table.
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
        for (key, limit) in
            [("requests-per-minute", self.requests_per_minute), ("tokens-per-minute", self.tokens_per_minute)]
        {
            if limit == Some(0) {
                problems.push(format!("model.{key}: found 0, expected 1 or more"));
            }
        }
        if let Some(length) = self.max_seq_len.filter(|length| *length < 2) {
            problems.push(format!("model.max-seq-len: found {length}, expected 2 or more"));
        }
        if let Some(temperature) = self.temperature.filter(|value| !(value.is_finite() && *value >= 0.0)) {
            problems.push(format!("model.temperature: found {temperature}, expected 0 or more"));
        }
        problems.extend(self.unread_keys());
        problems
    }

    /// Lists the keys that a model of this kind never reads.
    fn unread_keys(&self) -> Vec<String> {
        use ModelKind::{Api, Local, Mock, Perspective};
        let keys: [(&str, bool, &[ModelKind]); 12] = [
            ("base-url", self.base_url.is_some(), &[Api, Perspective]),
            ("served-name", self.served_name.is_some(), &[Api]),
            ("api-key", self.api_key.is_some(), &[Api, Perspective]),
            ("requests-per-minute", self.requests_per_minute.is_some(), &[Api, Perspective]),
            ("tokens-per-minute", self.tokens_per_minute.is_some(), &[Api, Perspective]),
            ("weights", self.weights.is_some(), &[Api, Local]),
            ("log-probs", self.log_probs.is_some(), &[Api, Local, Mock]),
            ("max-seq-len", self.max_seq_len.is_some(), &[Api, Local, Mock]),
            ("meta-template", self.meta_template.is_some(), &[Api, Local, Mock]),
            ("temperature", self.temperature.is_some(), &[Api, Local, Mock]),
            ("device", self.device.is_some(), &[Local]),
            ("rule", self.rule.is_some(), &[Mock]),
        ];
        let unread = keys.into_iter().filter(|(_, is_set, kinds)| *is_set && !kinds.contains(&self.kind));
        let problem = |(key, _, kinds): (&str, bool, &[ModelKind])| {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
            let (found, expected) = (self.kind.word(), kinds.join(" or "));
            format!(
                "model.{key}: found it for kind {found}, which does not read it, expected kind {expected}"
            )
        };
        unread.map(problem).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_another_kind_are_named() {
        let problems = |keys: &str| {
            let text = format!("name = \"m\"\n{keys}");
            toml::from_str::<EvaluatedModelConfig>(&text).expect("a model").problems()
        };
        let found =
            problems("kind = \"local\"\nweights = \"w\"\nserved-name = \"x\"\nrequests-per-minute = 5");
        let expected = |key: &str, kinds: &str| {
            format!("model.{key}: found it for kind local, which does not read it, expected kind {kinds}")
        };
        assert_eq!(
            found,
            [expected("served-name", "api"), expected("requests-per-minute", "api or perspective")]
        );
        assert_eq!(problems("base-url = \"http://x\"\nweights = \"w\"\ntemperature = 0.5"), [""; 0]);
        assert_eq!(problems("kind = \"mock\"\nrule = { kind = \"echo\" }\nmax-seq-len = 9"), [""; 0]);
        let cold = problems("kind = \"mock\"\ntemperature = -0.5");
        assert_eq!(cold, ["model.temperature: found -0.5, expected 0 or more"]);
    }
}
