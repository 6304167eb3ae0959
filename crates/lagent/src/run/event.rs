//! What happened outside of a run.

use internlm_model::chat::{Message, ToolCall};
use serde::{Deserialize, Serialize};

use crate::action::ActionReturn;

/// Something that the outside world tells a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// Begin, or go on after an answer, with these messages.
    Start {
        /// Usually one message of the user.
        messages: Vec<Message>,
    },
    /// A model request ended.
    Model {
        /// The request's id.
        request: u64,
        /// How it ended.
        outcome: ModelOutcome,
    },
    /// A piece of a reply that is still coming; for watchers, changes nothing.
    ModelDelta {
        /// The request's id.
        request: u64,
        /// The next characters.
        text: String,
    },
    /// A tool call ended.
    Tool {
        /// The call's id.
        call: u64,
        /// What came back.
        outcome: ToolOutcome,
    },
    /// A person allows a call.
    Approve {
        /// The call's id.
        call: u64,
    },
    /// A person refuses a call.
    Deny {
        /// The call's id.
        call: u64,
        /// Why, for the model.
        reason: String,
    },
    /// Stop now.
    Cancel,
}

/// How a model request ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum ModelOutcome {
    /// With a reply.
    Reply {
        /// The text; may still hold call marks that the server did not parse.
        content: String,
        /// The calls that the server parsed.
        #[serde(default)]
        calls: Vec<ToolCall>,
        /// Why it ended.
        finish: Finish,
        /// Tokens of the prompt.
        input_tokens: u64,
        /// Tokens generated.
        output_tokens: u64,
        /// Time it took.
        milliseconds: u64,
    },
    /// With an error, after the driver's retries.
    Failed {
        /// Which kind.
        kind: FailureKind,
        /// The message, for people; never an answer.
        message: String,
        /// Time it took.
        milliseconds: u64,
    },
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// The model ended it.
    Stop,
    /// The token limit cut it.
    Length,
}

/// Kinds of model errors.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The key is missing or wrong.
    Auth,
    /// Too many requests, or no credit.
    Quota,
    /// The prompt is longer than the model's context.
    ContextLength,
    /// The server cannot be reached, or the connection broke.
    Network,
    /// The answer is not what the protocol says.
    Malformed,
    /// The server refused the request.
    Rejected,
    /// The server failed.
    Server,
}

/// What came back from a tool call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ToolOutcome {
    /// The tool's result or error.
    #[serde(rename = "return")]
    pub value: ActionReturn,
    /// Time it took.
    pub milliseconds: u64,
}
