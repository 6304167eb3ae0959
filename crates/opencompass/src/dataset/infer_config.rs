//! The `[infer]` table of a dataset file: what is asked of the model.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The `[infer]` table: mode and limits of the requests.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct InferConfig {
    /// What is asked of the model.
    pub mode: Mode,
    /// Maximum number of tokens of an answer. Default: the model's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_out_len: Option<u32>,
    /// Strings that end an answer. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Sampling temperature. Default: the model's, otherwise 0, greedy decoding; for `sc` and `tot` otherwise 0.7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Number of answers per question, each with its own seed. With greedy decoding, the default, they are all the same.
    /// Default: 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub n: usize,
    /// The `k` of pass@k and G-Pass@k over the `n` answers, each at most `n`. Default: 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub k: Vec<usize>,
    /// `chat`: which turns of a conversation are asked. Default: the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<ChatTurns>,
    /// `chat`: tools on offer, each `{ name, description, parameters }`. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// `rolling`, `ppl_only`: maximum number of bytes of a document that are measured. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_document_bytes: Option<usize>,
    /// `ppl`: text in place of the context, whose perplexities are taken off (contextual calibration). Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalizing_str: Option<String>,
    /// `loglikelihood`: upstream's rules, or those of the evaluation harness. Default: upstream's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<LikelihoodStyle>,
    /// `sc`: number of sampled answers of which the majority counts. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sc_size: Option<usize>,
    /// `tot`: the search. Default: that of upstream's `game24`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tot: Option<TotConfig>,
    /// `agent`: the agent and its tools, as the `[agent]` table of lagent's agent files.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub agent: Map<String, Value>,
    /// `ppl_only`: what is computed from the log-probabilities of the tokens. Default: `ppl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<TextMeasure>,
    /// `ppl_only` with `min_k`: share of the least likely tokens in percent. Default: 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_k: Option<usize>,
    /// `rolling`: overlapping windows over the joined texts of all rows. Default: every text by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowConfig>,
    /// `attack`: the prompts whose words are changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attack: Option<AttackConfig>,
    /// Further keys of upstream's `infer_cfg` as JSON pointers with their values. They are part of the prompt hash and
    /// change nothing else. Default: none.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub upstream: IndexMap<String, Value>,
}

fn one() -> usize {
    1
}

/// Whether a number is the default of 1; serde passes it by reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_one(number: &usize) -> bool {
    *number == 1
}

/// The turns of a conversation that are asked. Upstream's `infer_mode`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatTurns {
    /// Only the last one, after the expected answers of those before.
    #[default]
    Last,
    /// Every one, after the model's own answers.
    Every,
    /// Every one, after the expected answers.
    EveryWithGt,
}

/// The rules of log-likelihoods.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LikelihoodStyle {
    /// The context is the prompt without every occurrence of the continuation.
    #[default]
    Opencompass,
    /// The context is the prompt before the continuation; several norms are reported.
    Harness,
}

/// The search of mode `tot` (tree of thought). Names are upstream's.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TotConfig {
    /// Name of the prompt wrapper, such as `game24`.
    pub prompt_wrapper: String,
    /// How thoughts are generated: `sample` or `propose`.
    pub method_generate: String,
    /// How thoughts are evaluated: `value` or `vote`.
    pub method_evaluate: String,
    /// How thoughts are selected: `sample` or `greedy`.
    pub method_select: String,
    /// Number of samples of one generation.
    pub n_generate_sample: usize,
    /// Number of samples of one evaluation.
    pub n_evaluate_sample: usize,
    /// Number of thoughts that are kept per step.
    pub n_select_sample: usize,
}

/// What mode `ppl_only` computes. Upstream's inferencers.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TextMeasure {
    /// The mean loss of the tokens (`PPLOnlyInferencer`).
    #[default]
    Ppl,
    /// The mean log-probability of the least likely tokens (`MinKPercentInferencer`).
    MinK,
    /// The loss of the tokens in the spans of the column `label` (`InferencePPLOnlyInferencer`).
    Inference,
}

/// The sliding window of mode `rolling`. Names are upstream's (`SWCELossInferencer`).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WindowConfig {
    /// Number of tokens that one window predicts. Default: 1900.
    #[serde(default = "block_size")]
    pub block_size: usize,
    /// Number of tokens from one window to the next. Default: 512.
    #[serde(default = "stride")]
    pub stride: usize,
}

fn block_size() -> usize {
    1900
}

fn stride() -> usize {
    512
}

/// The prompts of mode `attack`. Names are upstream's.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttackConfig {
    /// Name of the mark in the template that the attacked prompt replaces, such as `adv_prompt`.
    pub adv_key: String,
    /// The prompts before the attack; each is asked as it is and attacked.
    pub original_prompt_list: Vec<String>,
    /// The attacks. Default: all that need no model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attacks: Vec<AttackKind>,
    /// Number of different changes per attack. 0, the default, means 1.
    pub variants: usize,
    /// Seed of the changes. Default: 0.
    pub seed: u64,
}

/// A change of a prompt that should not change its meaning. promptbench's attacks that need no model.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackKind {
    /// Adds a sentence that is always true.
    StressTest,
    /// Adds a random word.
    CheckList,
    /// Misspells words by swapped, other, missing or further letters.
    DeepWordBug,
    /// Misspells words so that people can still read them.
    TextBugger,
}

/// What is asked of the model. Upstream's inferencers.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// The model answers a prompt (`GenInferencer`).
    Gen,
    /// The model answers messages and may call tools (`ChatInferencer`).
    Chat,
    /// The label whose whole prompt has the lowest perplexity wins (`PPLInferencer`).
    Ppl,
    /// The perplexity of a text (`PPLOnlyInferencer`).
    PplOnly,
    /// Probabilities of single-token choices (`CLPInferencer`).
    Clp,
    /// The continuation with the highest log-likelihood wins (`LLInferencer`).
    Loglikelihood,
    /// A text is measured from its first to its last token (`SWCELossInferencer`).
    Rolling,
    /// An agent with tools answers (`AgentInferencer`).
    Agent,
    /// Several sampled answers, the majority counts (`SCInferencer`).
    Sc,
    /// A search over thoughts (`ToTInferencer`).
    Tot,
    /// The question is asked again with changed words (`AttackInferencer`).
    Attack,
}

impl Mode {
    /// Returns the word for the column `mode` of tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gen | Self::Chat | Self::Agent | Self::Sc | Self::Tot | Self::Attack => "gen",
            Self::Ppl | Self::PplOnly | Self::Rolling | Self::Clp => "ppl",
            Self::Loglikelihood => "ll",
        }
    }

    /// Says whether the model has to return log-probabilities of the prompt.
    #[must_use]
    pub const fn needs_log_probs(self) -> bool {
        matches!(self, Self::Ppl | Self::PplOnly | Self::Rolling | Self::Loglikelihood)
    }
}
