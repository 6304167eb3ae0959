//! What a reply means, the same for all protocols.

use internlm_model::chat::Channel;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A tool call that was understood.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CallRequest {
    /// Where its result goes.
    pub channel: Channel,
    /// The tool.
    pub name: String,
    /// Its arguments.
    pub arguments: Value,
}

/// A call that was not understood.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Malformed {
    /// Where the correction goes.
    pub channel: Channel,
    /// What is wrong, for the model.
    pub problem: String,
}

/// What a reply asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// The end: this is the answer.
    Answer(String),
    /// Calls, in order; each understood or not.
    Calls(Vec<Result<CallRequest, Malformed>>),
}
