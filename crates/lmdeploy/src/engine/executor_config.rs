//! Limits of an executor, whichever it is.

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

use super::ComputeType;
use crate::cache::CacheSize;
use crate::{Error, Result};

/// The key of [`QuantPolicy`] in a config file, and its values.
const QUANT_POLICY: (&str, &str) = ("quant-policy", "0, 8 or 4");

/// Limits of an executor; the `[engine]` table of a deploy config.
///
/// ```
/// use lmdeploy::engine::{CacheSize, ExecutorConfig};
/// let config = ExecutorConfig::default().with_max_batch_size(4).with_cache_size(CacheSize::Blocks(100));
/// assert_eq!((config.max_batch_size, config.cache_block_seq_len), (4, 16));
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ExecutorConfig {
    /// Maximum length of a sequence in tokens, prompt and answer together. Absent: the model's limit.
    pub session_len: Option<usize>,
    /// Maximum number of sequences in one step. Default 128, as upstream.
    pub max_batch_size: usize,
    /// Maximum number of tokens in one step; longer prompts are cut into chunks. Default 512 (upstream: 8192 on a
    /// GPU).
    pub max_prefill_token_num: usize,
    /// Tokens per block of the cache. Default 16 (upstream: 64); turbomind takes multiples of 16 up to 128.
    pub cache_block_seq_len: usize,
    /// Size of the key-value cache: `auto`, a share of the available memory in (0, 1], a number of blocks above 1, or
    /// bytes like `512MiB`. Default `auto`: as much as can be used, but at most 1 GiB (upstream: 0.8).
    pub cache_max_entry_count: CacheSize,
    /// Bits of a stored key or value: 0 = floats, 8 or 4. Default 0, as upstream; 8 and 4 need turbomind or a GPU.
    pub quant_policy: QuantPolicy,
    /// Number format of weights and activations: `auto`, `float32`, `bfloat16` or `float16`. Default `auto`: what the
    /// executor computes in by itself, f32 on Burn. 16 bits need Burn and a GPU.
    pub dtype: ComputeType,
    /// Whether later prompts use the keys and values of earlier ones with the same beginning. Default true (upstream:
    /// false).
    pub enable_prefix_caching: bool,
    /// Whether the launches of decoding steps are recorded on a GPU, so that the host launches a step as a whole; numbers
    /// are the same, and each recording keeps memory of its own. Default false: nobody has run it on CUDA yet. Refused
    /// where nothing can be recorded.
    pub graphs: bool,
    /// Number of threads that compute, turbomind only. Absent: the physical cores that this process may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
}

impl ExecutorConfig {
    /// Sets the maximum length of a sequence in tokens.
    #[must_use]
    pub fn with_session_len(self, tokens: usize) -> Self {
        Self { session_len: Some(tokens), ..self }
    }

    /// Sets the maximum number of sequences in one step.
    #[must_use]
    pub fn with_max_batch_size(self, sequences: usize) -> Self {
        Self { max_batch_size: sequences, ..self }
    }

    /// Sets the maximum number of tokens in one step.
    #[must_use]
    pub fn with_max_prefill_token_num(self, tokens: usize) -> Self {
        Self { max_prefill_token_num: tokens, ..self }
    }

    /// Sets the number of tokens per block of the cache.
    #[must_use]
    pub fn with_cache_block_seq_len(self, tokens: usize) -> Self {
        Self { cache_block_seq_len: tokens, ..self }
    }

    /// Sets the size of the key-value cache.
    #[must_use]
    pub fn with_cache_size(self, size: CacheSize) -> Self {
        Self { cache_max_entry_count: size, ..self }
    }

    /// Sets how keys and values are stored.
    #[must_use]
    pub fn with_quant_policy(self, quant_policy: QuantPolicy) -> Self {
        Self { quant_policy, ..self }
    }

    /// Sets the number format of weights and activations.
    #[must_use]
    pub fn with_dtype(self, dtype: ComputeType) -> Self {
        Self { dtype, ..self }
    }

    /// Computes every prompt from its beginning.
    #[must_use]
    pub fn without_prefix_caching(self) -> Self {
        Self { enable_prefix_caching: false, ..self }
    }

    /// Records the launches of decoding steps.
    #[must_use]
    pub fn with_graphs(self) -> Self {
        Self { graphs: true, ..self }
    }

    /// Sets the number of threads that compute.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }
}

/// How keys and values are stored, by upstream's numbers (`quant_policy`).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum QuantPolicy {
    /// 0: floats, f16 on turbomind, and on Burn of the format that the decoder computes in.
    #[default]
    Float,
    /// 8: 8 bits, with a scale and a minimum per token and head.
    Int8,
    /// 4: 4 bits, rotated, with a scale and a minimum per 32 dimensions.
    Int4,
}

impl TryFrom<u32> for QuantPolicy {
    type Error = Error;

    fn try_from(number: u32) -> Result<Self> {
        match number {
            0 => Ok(Self::Float),
            8 => Ok(Self::Int8),
            4 => Ok(Self::Int4),
            _ => Err(Error::setting(QUANT_POLICY.0, number, QUANT_POLICY.1)),
        }
    }
}

impl From<QuantPolicy> for u32 {
    fn from(policy: QuantPolicy) -> Self {
        match policy {
            QuantPolicy::Float => 0,
            QuantPolicy::Int8 => 8,
            QuantPolicy::Int4 => 4,
        }
    }
}

impl std::str::FromStr for QuantPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = text
            .parse::<u32>()
            .map_err(|_| Error::setting(QUANT_POLICY.0, format_args!("`{text}`"), QUANT_POLICY.1))?;
        Self::try_from(number)
    }
}

impl Default for ExecutorConfig {
    fn default() -> Self {
        Self {
            session_len: None,
            max_batch_size: 128,
            max_prefill_token_num: 512,
            cache_block_seq_len: 16,
            cache_max_entry_count: CacheSize::Auto,
            quant_policy: QuantPolicy::Float,
            dtype: ComputeType::Auto,
            enable_prefix_caching: true,
            graphs: false,
            threads: None,
        }
    }
}

impl Validate for ExecutorConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, found) in [
            ("session-len", self.session_len.unwrap_or(1)),
            ("max-batch-size", self.max_batch_size),
            ("cache-block-seq-len", self.cache_block_seq_len),
            ("threads", self.threads.unwrap_or(1)),
        ] {
            if found == 0 {
                problems.push(format!("{key}: found 0, expected at least 1"));
            }
        }
        if self.max_prefill_token_num < self.max_batch_size {
            problems.push(format!(
                "max-prefill-token-num: found {}, expected at least max-batch-size {}",
                self.max_prefill_token_num, self.max_batch_size
            ));
        }
        problems
    }
}
