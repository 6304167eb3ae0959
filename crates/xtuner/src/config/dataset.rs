//! [`DatasetConfig`]: the table `[dataset]`.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use internlm_kit::rng::CounterRng;
use internlm_model::decoder::EmbeddingNoise;
use serde::{Deserialize, Serialize};

use crate::dataset::format::{Compat, Format};
use crate::dataset::{PackingConfig, PretrainTextConfig, Reduction};

/// The conversations and how they become rows.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DatasetConfig {
    /// Files of conversations or texts: one source that counts once. More sources: `[[dataset.source]]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathBuf>,
    /// Format of the files in `paths`, see `xtuner list-dataset-format`. Default: found out from the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Whose peculiarities are kept when the files in `paths` are read: `none` or `xtuner`, default `none`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub compat: Compat,
    /// Further sources, each with its own share and weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<SourceConfig>,
    /// Name of a chat template in `xtuner`'s table or path of a TOML file with one. Default: the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Maximum length of a sample in tokens, default 2048; longer ones are cut from the right. Upstream: `max_length`.
    #[serde(default = "default_max_length")]
    pub max_length: usize,
    /// Maximum number of tokens of a packed row, default `max-length`: whole samples, first fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_tokens: Option<usize>,
    /// Number of rows of one optimizer step, default 4. Upstream: `accumulative_counts` times batch size.
    #[serde(default = "default_rows_per_step")]
    pub rows_per_step: usize,
    /// Number of conversations that are held out for the validation loss, default 100; at most a tenth of them.
    #[serde(default = "default_valid")]
    pub valid_conversations: usize,
    /// Text of pre-training in every step, which keeps the model's language; default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrain: Option<PretrainTextConfig>,
    /// How samples share rows: `soft`, `hard` or `none`, default `soft`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub packing: PackingConfig,
    /// What counts once in the loss: `token`, `sample` or `square`, default `token`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reduction: Reduction,
    /// Put rows of similar lengths into one step, default false. Upstream: `group_by_length`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub group_by_length: bool,
    /// Strength of uniform noise on the embeddings in training (NEFTune, 5 in its paper); default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neftune_alpha: Option<f64>,
}

/// Files of one kind: an entry of `[[dataset.source]]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SourceConfig {
    /// Files of the source.
    pub paths: Vec<PathBuf>,
    /// Format of the files, see `xtuner list-dataset-format`. Default: found out from the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Whose peculiarities are kept when the files are read: `none` or `xtuner`, default `none`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub compat: Compat,
    /// How often an epoch holds each sample, default 1; 0.5 for a seeded half of them.
    #[serde(default = "one")]
    pub repeat: f64,
    /// How much each label counts in the loss, default 1.
    #[serde(default = "one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn default_max_length() -> usize {
    2048
}

fn default_rows_per_step() -> usize {
    4
}

fn default_valid() -> usize {
    100
}

impl DatasetConfig {
    /// The conversations in the files `paths`, with everything else at its default.
    #[must_use]
    pub fn new<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self {
            paths: paths.into_iter().map(Into::into).collect(),
            format: None,
            compat: Compat::default(),
            source: Vec::new(),
            template: None,
            max_length: default_max_length(),
            row_tokens: None,
            rows_per_step: default_rows_per_step(),
            valid_conversations: default_valid(),
            pretrain: None,
            packing: PackingConfig::default(),
            reduction: Reduction::default(),
            group_by_length: false,
            neftune_alpha: None,
        }
    }

    /// The same conversations in samples of at most `tokens` tokens.
    #[must_use]
    pub fn with_max_length(self, tokens: usize) -> Self {
        Self { max_length: tokens, ..self }
    }

    /// The same conversations with text of pre-training in every step.
    #[must_use]
    pub fn with_pretrain(self, text: PretrainTextConfig) -> Self {
        Self { pretrain: Some(text), ..self }
    }

    /// Maximum number of tokens of a packed row.
    #[must_use]
    pub fn row_tokens(&self) -> usize {
        self.row_tokens.unwrap_or(self.max_length)
    }

    /// Maximum number of tokens that the conversations of one step fill.
    #[must_use]
    pub fn step_tokens(&self) -> usize {
        self.rows_per_step * self.row_tokens()
    }

    /// All sources, that of `paths` first.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceConfig> {
        let first = SourceConfig {
            paths: self.paths.clone(),
            format: self.format,
            compat: self.compat,
            repeat: 1.0,
            weight: 1.0,
        };
        let first = (!first.paths.is_empty()).then_some(first);
        first.into_iter().chain(self.source.iter().cloned()).collect()
    }

    /// The noise on embeddings that `neftune-alpha` asks for.
    #[must_use]
    pub fn neftune(&self, seed: u64) -> Option<EmbeddingNoise> {
        self.neftune_alpha.map(|alpha| EmbeddingNoise { alpha, rng: CounterRng::new(seed, "neftune") })
    }

    /// What does not fit together, one message per key.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let sources = self.sources();
        if sources.is_empty() || sources.iter().any(|source| source.paths.is_empty()) {
            problems.push("dataset.paths: found an empty list, expected at least one file".to_owned());
        }
        let unread = [("format", self.format.is_some()), ("compat", self.compat != Compat::None)];
        for (key, _) in unread.iter().filter(|(_, is_set)| *is_set && self.paths.is_empty()) {
            problems
                .push(format!("dataset.{key}: found without dataset.paths, expected in each dataset.source"));
        }
        for (index, source) in self.source.iter().enumerate() {
            let numbers = [("repeat", source.repeat), ("weight", source.weight)];
            for (key, found) in numbers.iter().filter(|(_, found)| !(*found > 0.0 && found.is_finite())) {
                problems.push(format!("dataset.source.{index}.{key}: found {found}, expected more than 0"));
            }
        }
        if let Some(alpha) = self.neftune_alpha.filter(|alpha| !(*alpha > 0.0 && alpha.is_finite())) {
            problems.push(format!("dataset.neftune-alpha: found {alpha}, expected more than 0"));
        }
        problems.extend(self.pretrain.iter().flat_map(Validate::problems));
        problems
    }
}
