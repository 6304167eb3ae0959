//! Token counts of an answer.

use serde::{Deserialize, Serialize};

/// How many tokens a request took.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Usage {
    /// Ids of the prompt, template and `<s>` included.
    pub prompt_tokens: u64,
    /// Ids generated, the end-of-sequence id included.
    pub completion_tokens: u64,
    /// Sum of the two.
    pub total_tokens: u64,
    /// Where the prompt's tokens came from.
    pub prompt_tokens_details: Option<PromptTokensDetails>,
}

impl Usage {
    /// Usage of `prompt` tokens read and `completion` tokens generated.
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
    /// Tokens whose keys and values were already in the prefix cache.
    pub cached_tokens: u64,
}
