//! [`OutputItem`]: what a response is made of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{MessageRole, TokenLogprob};

/// One item of a response, in the order in which the model said it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputItem {
    /// What the model thought before it answered.
    Reasoning(ReasoningItem),
    /// What the model said.
    Message(MessageItem),
    /// A call of one of the client's functions.
    FunctionCall(FunctionCallItem),
}

/// What the model thought before it answered.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ReasoningItem {
    /// Name of the item: `rs_` and a unique number.
    pub id: String,
    /// Always empty: the reasoning itself is in `content`.
    #[serde(default)]
    pub summary: Vec<Value>,
    /// The reasoning as one part.
    #[serde(default)]
    pub content: Vec<OutputPart>,
    /// The reasoning for clients that send only this field back; present when the request includes it. It is opaque to
    /// clients but not encrypted, since they can read the content anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_content: Option<String>,
    /// Whether more of the item follows.
    #[serde(default)]
    pub status: ItemStatus,
}

/// What the model said.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct MessageItem {
    /// Name of the item: `msg_` and a unique number.
    pub id: String,
    /// Whether more of the item follows.
    #[serde(default)]
    pub status: ItemStatus,
    /// Author of the message: always `assistant`.
    pub role: MessageRole,
    /// The text as one part.
    #[serde(default)]
    pub content: Vec<OutputPart>,
}

/// A call of one of the client's functions.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FunctionCallItem {
    /// Name of the item: `fc_` and a unique number.
    pub id: String,
    /// Name of the call, by which a `function_call_output` answers it.
    pub call_id: String,
    /// Name of the function.
    pub name: String,
    /// The arguments: a JSON object as text.
    pub arguments: String,
    /// Whether more of the item follows.
    #[serde(default)]
    pub status: ItemStatus,
}

/// Whether an item is whole.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    /// More follows in this stream.
    #[default]
    InProgress,
    /// The item is whole.
    Completed,
    /// The response ended inside of the item.
    Incomplete,
}

/// A part of a message or of reasoning.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputPart {
    /// Text for the user.
    OutputText {
        /// The text so far.
        text: String,
        /// Always empty: annotations come from tools that the server runs itself, and it runs none.
        #[serde(default)]
        annotations: Vec<Value>,
        /// One entry per generated id, when the request includes them; else empty.
        #[serde(default)]
        logprobs: Vec<TokenLogprob>,
    },
    /// A piece of the reasoning.
    ReasoningText {
        /// The reasoning so far.
        text: String,
    },
}

impl OutputItem {
    /// Name of the item.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Reasoning(item) => &item.id,
            Self::Message(item) => &item.id,
            Self::FunctionCall(item) => &item.id,
        }
    }

    /// The text of a message or of reasoning; the arguments of a call.
    #[must_use]
    pub fn text(&self) -> &str {
        let parts = match self {
            Self::Reasoning(item) => &item.content,
            Self::Message(item) => &item.content,
            Self::FunctionCall(item) => return &item.arguments,
        };
        parts.first().map_or("", OutputPart::text)
    }
}

impl OutputPart {
    /// Text for the user, without log-probabilities.
    #[must_use]
    pub fn output_text(text: impl Into<String>) -> Self {
        Self::OutputText { text: text.into(), annotations: Vec::new(), logprobs: Vec::new() }
    }

    /// The text of the part.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::OutputText { text, .. } | Self::ReasoningText { text } => text,
        }
    }
}
