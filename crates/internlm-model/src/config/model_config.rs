//! [`ModelConfig`]: the shape of a decoder, whatever file it came from.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{RopeScaling, SlidingWindow};
use crate::TokenId;

/// The model families this crate implements; they differ in config keys and tensor names, not in the decoder.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Family {
    /// InternLM2 and InternLM2.5, causal language model.
    #[default]
    InternLm2,
    /// InternLM2 with a value head instead of the output matrix.
    #[serde(rename = "internlm2-reward")]
    InternLm2Reward,
    /// InternLM3: LLaMA's tensor names, with separate switches for the biases of q, k and v and for the others.
    InternLm3,
    /// LLaMA and everything of its shape, SmolLM2 too.
    Llama,
    /// Mistral: LLaMA with or without a sliding window.
    Mistral,
    /// Qwen2: LLaMA with biases on q, k and v, with or without a sliding window in its later layers.
    Qwen2,
}

impl Family {
    /// The name in TOML and reports: `internlm2`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InternLm2 => "internlm2",
            Self::InternLm2Reward => "internlm2-reward",
            Self::InternLm3 => "internlm3",
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
        }
    }
}

/// Storage type of a model's weights.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// 32-bit IEEE float, 4 bytes; the default.
    #[default]
    F32,
    /// 16-bit IEEE float, 2 bytes; the largest value is 65504.
    F16,
    /// bfloat16: the upper half of an f32.
    Bf16,
}

/// The shape of a decoder.
///
/// In code it is made by [`ModelConfig::new`] and `with_*`, from model files by [`ModelConfig::from_hf`] and
/// [`ModelConfig::from_gguf`]. In TOML (kebab-case) only the sizes of [`ModelSize`](super::ModelSize) are required; `kv-heads` defaults
/// to `heads`, `head-dim` to `hidden / heads`, the rest to the values InternLM2 was released with.
///
/// ```
/// use internlm_model::{ModelConfig, ModelSize};
///
/// let text = "hidden = 256\nlayers = 4\nheads = 4\nkv-heads = 2\ninter = 1024\nvocab = 2048";
/// let config: ModelConfig = toml::from_str(text)?;
/// let size = ModelSize { hidden: 256, layers: 4, heads: 4, inter: 1024, vocab: 2048 };
/// assert_eq!(config, ModelConfig::new(size).with_kv_heads(2));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", try_from = "super::written::Written")]
#[non_exhaustive]
pub struct ModelConfig {
    /// The family: which config keys and tensor names its files use.
    pub family: Family,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of decoder blocks, each attention and feed-forward.
    pub layers: usize,
    /// Number of query heads.
    pub heads: usize,
    /// Number of key/value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head; even.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub inter: usize,
    /// Rows of the embedding matrix; at least the tokenizer's size.
    pub vocab: usize,
    /// Epsilon of RMSNorm. Default 1e-5.
    pub eps: f64,
    /// Base of the rotary angles. Default 1e6.
    pub rope_theta: f64,
    /// Stretching of rotary positions. Default none.
    pub rope_scaling: RopeScaling,
    /// How far back attention sees; families `mistral` and `qwen2`. Default: to the beginning, in every layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sliding_window: Option<SlidingWindow>,
    /// Trained context length in tokens. Default 32768.
    pub max_position: usize,
    /// Whether q, k and v have biases. Default false.
    pub qkv_bias: bool,
    /// Whether the attention's output projection has a bias. Default false.
    pub o_bias: bool,
    /// Whether the feed-forward matrices have biases. Default false.
    pub mlp_bias: bool,
    /// Whether the output matrix is the embedding matrix. Default false.
    pub tied: bool,
    /// First token of every sequence. Default 1.
    pub bos: Option<TokenId>,
    /// Tokens that end a generation. Default `[2]`.
    pub eos: Vec<TokenId>,
    /// Filler of padded batches. Default 2.
    pub pad: Option<TokenId>,
    /// Token whose position carries a reward model's score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reward_token_id: Option<TokenId>,
    /// Storage type of the weights. Default f32.
    pub dtype: DType,
    /// Keys of the source file that are not part of the shape; written back by conversions, but for the settings of a
    /// quantizer.
    #[serde(skip_serializing_if = "Map::is_empty", serialize_with = "without_nulls")]
    pub extra: Map<String, Value>,
}

/// TOML has no null: keys without a value are left out. [`ModelConfig::to_hf_json`] keeps them.
fn without_nulls<S: serde::Serializer>(extra: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    fn clean(value: &Value) -> Value {
        match value {
            Value::Object(object) => Value::Object(clean_object(object)),
            Value::Array(list) => list.iter().filter(|value| !value.is_null()).map(clean).collect(),
            other => other.clone(),
        }
    }
    fn clean_object(object: &Map<String, Value>) -> Map<String, Value> {
        let values = object.iter().filter(|(_, value)| !value.is_null());
        values.map(|(key, value)| (key.clone(), clean(value))).collect()
    }
    clean_object(extra).serialize(serializer)
}

/// Limits far above every released model: a damaged size is reported as such, and no product of sizes overflows.
const MAX_WIDTH: usize = 1 << 20;
pub(super) const MAX_LAYERS: usize = 1 << 16;
const MAX_VOCAB: usize = 1 << 31;
const MAX_POSITION: usize = 1 << 40;

impl ModelConfig {
    /// Number of weights, biases included; a tied output matrix counts once.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let [hidden, inter, vocab] = [self.hidden, self.inter, self.vocab].map(|size| size as u64);
        let q = (self.heads * self.head_dim) as u64;
        let qkv = self.qkv_rows() as u64;
        let mut block = hidden * qkv + q * hidden + 3 * hidden * inter + 2 * hidden;
        if self.qkv_bias {
            block += qkv;
        }
        if self.o_bias {
            block += hidden;
        }
        if self.mlp_bias {
            block += 2 * inter + hidden;
        }
        let output = match self.family {
            Family::InternLm2Reward => hidden,
            _ if self.tied => 0,
            _ => vocab * hidden,
        };
        vocab * hidden + self.layers as u64 * block + hidden + output
    }

    /// Rows of `wqkv`: (heads + 2 kv_heads) * head_dim.
    #[must_use]
    pub fn qkv_rows(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }

    /// Query heads per key/value head.
    #[must_use]
    pub fn group_size(&self) -> usize {
        self.heads / self.kv_heads.max(1)
    }

    /// How many keys the queries of a layer see, their own included; `None` for all keys up to their own.
    #[must_use]
    pub fn window(&self, layer: usize) -> Option<usize> {
        self.sliding_window.as_ref()?.of_layer(layer)
    }

    /// Everything that does not fit together, as `key: found X, expected Y`; empty when usable.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, size, most) in [
            ("hidden", self.hidden, MAX_WIDTH),
            ("layers", self.layers, MAX_LAYERS),
            ("heads", self.heads, MAX_WIDTH),
            ("kv-heads", self.kv_heads, MAX_WIDTH),
            ("head-dim", self.head_dim, MAX_WIDTH),
            ("inter", self.inter, MAX_WIDTH),
            ("vocab", self.vocab, MAX_VOCAB),
            ("max-position", self.max_position, MAX_POSITION),
        ] {
            if size == 0 || size > most {
                problems.push(format!("{key}: found {size}, expected 1 to {most}"));
            }
        }
        if self.heads.saturating_mul(self.head_dim) > MAX_WIDTH {
            problems.push(format!(
                "heads * head-dim: found {} * {}, expected at most {MAX_WIDTH}",
                self.heads, self.head_dim
            ));
        }
        if self.kv_heads > 0 && !self.heads.is_multiple_of(self.kv_heads) {
            problems.push(format!(
                "kv-heads: found {}, expected a divisor of heads {}",
                self.kv_heads, self.heads
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            problems.push(format!("head-dim: found {}, expected an even number", self.head_dim));
        }
        let positive = |value: f64| value > 0.0 && value.is_finite();
        if !positive(self.eps) {
            problems.push(format!("eps: found {}, expected > 0", self.eps));
        }
        if !positive(self.rope_theta) {
            problems.push(format!("rope-theta: found {}, expected > 0", self.rope_theta));
        }
        problems.extend(self.rope_scaling.problems(self.head_dim));
        problems.extend(self.window_problem());
        let ids = self.bos.iter().chain(&self.eos).chain(&self.pad).chain(&self.reward_token_id);
        for id in ids.filter(|id| id.index() >= self.vocab) {
            problems.push(format!("special token id: found {id}, expected < vocab {}", self.vocab));
        }
        problems
    }

    fn window_problem(&self) -> Option<String> {
        let window = self.sliding_window.as_ref()?;
        let found = format!("sliding-window: found {} tokens", window.tokens);
        if window.tokens == 0 || window.tokens > MAX_POSITION {
            return Some(format!("{found}, expected 1 to {MAX_POSITION}"));
        }
        let list = &window.full_layers;
        if !list.is_sorted_by(|a, b| a < b) || list.last().is_some_and(|layer| *layer >= self.layers) {
            let expected = format!("expected layers below {} in rising order", self.layers);
            return Some(format!("sliding-window full-layers: found {list:?}, {expected}"));
        }
        if matches!(self.family, Family::Mistral | Family::Qwen2) {
            return None;
        }
        Some(format!("{found} in family {}, expected none outside of mistral and qwen2", self.family.name()))
    }
}
