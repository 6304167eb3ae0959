//! The events that a run receives from its driver.

use internlm_model::chat::{Message, ToolCall};
use serde::{Deserialize, Serialize};

use crate::action::ActionReturn;

/// Something that happened outside of the run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// Start a question, or continue the conversation after an answer.
    Start {
        /// New messages, usually one from the user.
        messages: Vec<Message>,
    },
    /// A model request has ended.
    Model {
        /// Id that [`Command::AskModel`](super::Command::AskModel) carried.
        request: u64,
        /// The reply or the error.
        outcome: ModelOutcome,
    },
    /// A piece of a reply that is still being generated. Only watchers use it; the run ignores it.
    ModelDelta {
        /// Id that [`Command::AskModel`](super::Command::AskModel) carried.
        request: u64,
        /// The characters since the previous piece.
        text: String,
    },
    /// A tool call has ended.
    Tool {
        /// Id that [`Command::CallTool`](super::Command::CallTool) carried.
        call: u64,
        /// The result or error that the tool returned.
        outcome: ToolOutcome,
    },
    /// A person approves a call.
    Approve {
        /// Id that [`Command::AskHuman`](super::Command::AskHuman) carried.
        call: u64,
    },
    /// A person denies a call.
    Deny {
        /// Id that [`Command::AskHuman`](super::Command::AskHuman) carried.
        call: u64,
        /// The reason, which the model reads.
        reason: String,
    },
    /// Stop the current question; the conversation is kept.
    Cancel,
}

/// The outcome of a model request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum ModelOutcome {
    /// The model gave a reply.
    Reply {
        /// The text, possibly with call marks that the server left unparsed.
        content: String,
        /// The calls that the server parsed out of the text.
        #[serde(default)]
        calls: Vec<ToolCall>,
        /// Whether the model or the token limit ended the reply.
        finish: Finish,
        /// Number of prompt tokens, as the server counts them.
        input_tokens: u64,
        /// Number of generated tokens, as the server counts them.
        output_tokens: u64,
        /// Duration of the request in milliseconds.
        milliseconds: u64,
    },
    /// The request failed after the driver's retries.
    Failed {
        /// Category of the error.
        kind: FailureKind,
        /// The error message, for people; it never becomes an answer.
        message: String,
        /// Duration of the request in milliseconds.
        milliseconds: u64,
    },
}

impl ModelOutcome {
    /// Creates a reply that consists of `content`, with no calls, tokens or time. For scripts and tests.
    #[must_use]
    pub fn text(content: impl Into<String>) -> Self {
        Self::Reply {
            content: content.into(),
            calls: Vec::new(),
            finish: Finish::Stop,
            input_tokens: 0,
            output_tokens: 0,
            milliseconds: 0,
        }
    }
}

/// The reason why a reply ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// The model ended the reply itself, or a stop string did.
    Stop,
    /// The reply reached the token limit and is cut off.
    Length,
}

/// Categories of model errors. They decide whether a batch counts a question or stops.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The API key is missing or wrong (status 401, 403).
    Auth,
    /// Too many requests or no credit left (status 429).
    Quota,
    /// The prompt is longer than the model's context.
    ContextLength,
    /// The server cannot be reached, or the connection broke.
    Network,
    /// The response does not follow the protocol.
    Malformed,
    /// The server refused the request as invalid.
    Rejected,
    /// The server failed while it worked on the request.
    Server,
}

/// The outcome of a tool call with its duration.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ToolOutcome {
    /// The tool's result or error.
    #[serde(rename = "return")]
    pub value: ActionReturn,
    /// Duration of the call in milliseconds.
    pub milliseconds: u64,
}
