//! Token counts of prompts and answers.

use serde::{Deserialize, Serialize};

/// How many tokens a request took.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Usage {
    /// Number of ids in the prompt, including the chat template and `<s>`.
    pub prompt_tokens: u64,
    /// Number of generated ids, including the end-of-sequence id.
    pub completion_tokens: u64,
    /// Sum of prompt and completion tokens.
    pub total_tokens: u64,
    /// How many of the prompt's tokens were cached; servers may leave it out.
    pub prompt_tokens_details: Option<PromptTokensDetails>,
}

impl Usage {
    /// Counts for `prompt` tokens that were read and `completion` tokens that were generated.
    #[must_use]
    pub fn new(prompt: u64, completion: u64) -> Self {
        Self {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt + completion,
            prompt_tokens_details: Some(PromptTokensDetails { cached_tokens: 0 }),
        }
    }
}

/// Where the prompt's tokens came from.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct PromptTokensDetails {
    /// Number of tokens whose keys and values were in the prefix cache; this server always says 0.
    pub cached_tokens: u64,
}
