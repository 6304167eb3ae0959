//! [`Prompt`]: what a completion continues.

use serde::{Deserialize, Serialize};

use super::whole::{whole_lists, wholes};

/// What to continue: text or ids, one prompt or several.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(
    untagged,
    expecting = "expected a string, a list of strings, a list of token ids or a list of lists of token ids"
)]
pub enum Prompt {
    /// One prompt as text; the answer has `n` choices.
    Text(String),
    /// Several prompts as text; the answer has `n` choices for each, in order.
    Texts(Vec<String>),
    /// One prompt as ids, taken as they are.
    Ids(#[serde(deserialize_with = "wholes")] Vec<u32>),
    /// Several prompts as ids, taken as they are; `n` choices for each, in order.
    IdLists(#[serde(deserialize_with = "whole_lists")] Vec<Vec<u32>>),
}

impl Default for Prompt {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<u32>> for Prompt {
    fn from(ids: Vec<u32>) -> Self {
        Self::Ids(ids)
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
