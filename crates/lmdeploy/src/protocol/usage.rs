//! Token counts of prompts and answers.

use serde::{Deserialize, Serialize};

/// How many tokens a request took.
///
/// ```
/// use lmdeploy::protocol::Usage;
///
/// // Two choices of one prompt, and a second prompt.
/// let usage = Usage::new(5, 3).with_choice(Usage::new(5, 4)).with_prompt(Usage::new(2, 1));
/// assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (7, 8, 15));
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Usage {
    /// Number of ids in the prompts, including the chat template and `<s>`; a prompt counts once for all its choices.
    pub prompt_tokens: u64,
    /// Number of generated ids; an id that ended the text counts only when it is part of it.
    pub completion_tokens: u64,
    /// Sum of prompt and completion tokens.
    pub total_tokens: u64,
    /// How many of the prompt's tokens were cached; servers may leave it out.
    pub prompt_tokens_details: Option<PromptTokensDetails>,
    /// What the generated tokens were used for; servers may leave it out.
    pub completion_tokens_details: Option<CompletionTokensDetails>,
}

impl Usage {
    /// Counts for `prompt` tokens that were read and `completion` tokens that were generated, none of them cached and
    /// none of them reasoning.
    #[must_use]
    pub fn new(prompt: u64, completion: u64) -> Self {
        Self {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt + completion,
            prompt_tokens_details: Some(PromptTokensDetails::default()),
            completion_tokens_details: Some(CompletionTokensDetails::default()),
        }
    }

    /// Sets how many of the prompt's tokens were cached.
    #[must_use]
    pub fn with_cached(self, cached_tokens: u64) -> Self {
        Self { prompt_tokens_details: Some(PromptTokensDetails { cached_tokens }), ..self }
    }

    /// Adds another choice of the same prompt. The prompt counts once, and as cached counts what was cached for every
    /// choice: the choices find each other's prompt, which only one of them has computed.
    #[must_use]
    pub fn with_choice(self, other: Self) -> Self {
        let cached = self.cached().min(other.cached());
        self.sum(other, self.prompt_tokens).with_cached(cached)
    }

    /// Adds the counts of another prompt.
    #[must_use]
    pub fn with_prompt(self, other: Self) -> Self {
        let cached = self.cached() + other.cached();
        self.sum(other, self.prompt_tokens + other.prompt_tokens).with_cached(cached)
    }

    fn sum(self, other: Self, prompt: u64) -> Self {
        let reasoning = |usage: Self| usage.completion_tokens_details.unwrap_or_default().reasoning_tokens;
        let reasoning_tokens = reasoning(self) + reasoning(other);
        Self {
            completion_tokens_details: Some(CompletionTokensDetails { reasoning_tokens }),
            ..Self::new(prompt, self.completion_tokens + other.completion_tokens)
        }
    }

    fn cached(self) -> u64 {
        self.prompt_tokens_details.unwrap_or_default().cached_tokens
    }
}

/// Where the prompt's tokens came from.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct PromptTokensDetails {
    /// Number of tokens whose keys and values were in the prefix cache.
    pub cached_tokens: u64,
}

/// What the generated tokens were used for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct CompletionTokensDetails {
    /// Number of tokens that the model thought with before it answered.
    pub reasoning_tokens: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thought(usage: Usage, reasoning_tokens: u64) -> Usage {
        Usage { completion_tokens_details: Some(CompletionTokensDetails { reasoning_tokens }), ..usage }
    }

    #[test]
    fn a_prompt_counts_once_for_all_its_choices() {
        let computed = thought(Usage::new(10, 3).with_cached(4), 1);
        let shared = thought(Usage::new(10, 5).with_cached(9), 2);
        let both = computed.with_choice(shared);
        assert_eq!(both, thought(Usage::new(10, 8).with_cached(4), 3));
        assert_eq!(both, shared.with_choice(computed), "in any order");
        assert_eq!(both.with_prompt(Usage::new(2, 1)), thought(Usage::new(12, 9).with_cached(4), 3));
    }
}
