//! `POST /apply-template`: a conversation as the text that the model gets.

use serde::{Deserialize, Serialize};

/// The answer to a chat request that asks for its prompt alone.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AppliedTemplate {
    /// The prompt with its marks, as the model gets it.
    pub prompt: String,
}

impl AppliedTemplate {
    /// How the server begins the text that offers tools to a model whose chat template has no place for them.
    pub const TOOLS_IN_WORDS: &'static str = "You can call functions. These are their names, what they do, and the \
        JSON schemas of their arguments:";

    /// Returns whether the prompt describes the tools of the request in the server's own words, because the model's
    /// chat template has no place for them. Such a model may never have learned to call tools.
    ///
    /// ```
    /// use lmdeploy::protocol::AppliedTemplate;
    /// let prompt = format!("user: {}\n[]\n", AppliedTemplate::TOOLS_IN_WORDS);
    /// assert!(AppliedTemplate { prompt }.has_tools_in_words());
    /// assert!(!AppliedTemplate::default().has_tools_in_words());
    /// ```
    #[must_use]
    pub fn has_tools_in_words(&self) -> bool {
        self.prompt.contains(Self::TOOLS_IN_WORDS)
    }
}
