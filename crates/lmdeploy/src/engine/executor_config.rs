//! Limits of an executor, whichever it is.

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

use crate::cache::CacheSize;

/// Limits of an executor; the `[engine]` table of a deploy config begins with them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ExecutorConfig {
    /// Longest sequence in tokens, prompt and answer; absent: the model's limit.
    pub session_len: Option<usize>,
    /// Most sequences of one step. Default 16 (upstream: 128 on a GPU).
    pub max_batch_size: usize,
    /// Most tokens of one step; long prompts are cut to it. Default 512 (upstream: 8192 on a GPU).
    pub max_prefill_token_num: usize,
    /// Tokens per block of the cache. Default 16 (upstream: 64).
    pub cache_block_seq_len: usize,
    /// Room for keys and values: `auto`, a share of the available memory in (0, 1], a number of blocks above 1,
    /// or bytes like `512MiB`. Default `auto`: as much as can be used, at most 1 GiB (upstream: 0.8).
    pub cache_max_entry_count: CacheSize,
}

impl Default for ExecutorConfig {
    fn default() -> Self {
        Self {
            session_len: None,
            max_batch_size: 16,
            max_prefill_token_num: 512,
            cache_block_seq_len: 16,
            cache_max_entry_count: CacheSize::Auto,
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
