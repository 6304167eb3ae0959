//! What a run wants done.

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FailureKind, Finish, Sampling};
use crate::action::ToolSpec;

/// Something that a driver has to do. Ids count up from 1 over requests and calls together.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Command {
    /// Ask the model; answer with [`Event::Model`](super::Event::Model).
    AskModel {
        /// The request's id.
        id: u64,
        /// The whole prompt.
        messages: Vec<Message>,
        /// Tools for the request's `tools`; empty when the prompt itself describes them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tools: Vec<ToolSpec>,
        /// Settings.
        params: Sampling,
    },
    /// Call a tool; answer with [`Event::Tool`](super::Event::Tool).
    CallTool {
        /// The call's id.
        id: u64,
        /// The tool.
        name: String,
        /// Its arguments, checked against the tool's definition.
        args: Value,
        /// Milliseconds it may take.
        deadline: u64,
    },
    /// Ask a person; answer with [`Event::Approve`](super::Event::Approve) or
    /// [`Event::Deny`](super::Event::Deny).
    AskHuman {
        /// The call's id.
        call: u64,
        /// The tool.
        name: String,
        /// Its arguments.
        args: Value,
    },
    /// Show this message: it joined the conversation.
    Emit {
        /// A reply, a tool's result or a correction.
        message: Message,
    },
    /// The end, with an answer.
    Finish {
        /// The answer.
        message: Message,
        /// `length` when the token limit cut the answer.
        finish: Finish,
    },
    /// The end, without one.
    Fail {
        /// Why.
        reason: FailReason,
        /// The text of the last reply that had one.
        best: Option<String>,
    },
}

/// Why a run ended without an answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailReason {
    /// A limit was reached.
    Limit {
        /// Its key in the config.
        limit: String,
    },
    /// Calls could not be understood, again and again.
    Unparsable {
        /// What is wrong with the last one.
        problem: String,
    },
    /// The model request failed.
    Model {
        /// Which kind.
        kind: FailureKind,
        /// The message.
        message: String,
    },
    /// Cancelled.
    Cancelled,
}

impl std::fmt::Display for FailReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Limit { limit } => write!(formatter, "limit {limit} reached"),
            Self::Unparsable { problem } => write!(formatter, "no usable call: {problem}"),
            Self::Model { message, .. } => write!(formatter, "the model request failed: {message}"),
            Self::Cancelled => formatter.write_str("cancelled"),
        }
    }
}
