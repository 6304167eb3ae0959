//! `POST /apply-template`: a conversation as the text that the model gets.

use serde::{Deserialize, Serialize};

/// The answer to a chat request that asks for its prompt alone.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AppliedTemplate {
    /// The prompt with its marks, as the model gets it.
    pub prompt: String,
}
