//! [`PromptLogprobs`]: how likely the ids of a prompt were, in the form that vLLM answers `prompt_logprobs` with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One entry per id of the prompt, in order: the id that is there and the most likely ids at its place, by their
/// numbers. The first id of all has none.
pub type PromptLogprobs = Vec<Option<BTreeMap<u32, PromptLogprob>>>;

/// How likely one id was at its place.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PromptLogprob {
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// Its place among all ids by their probability, from 1.
    #[serde(default)]
    pub rank: Option<u64>,
    /// The id's text, with `U+FFFD` in place of an incomplete character.
    #[serde(default)]
    pub decoded_token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_keys_of_an_object() {
        let json = serde_json::json!([null, {"7": {"logprob": -0.5, "rank": 1, "decoded_token": "a"}}]);
        let read: PromptLogprobs = serde_json::from_value(json.clone()).expect("reads");
        let score = &read[1].as_ref().expect("a place")[&7];
        assert_eq!((score.logprob, score.rank, score.decoded_token.as_deref()), (-0.5, Some(1), Some("a")));
        assert_eq!(serde_json::to_value(&read).expect("writes"), json);
    }
}
