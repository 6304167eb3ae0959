//! The meaning of a reply, in the same form for all protocols.

use internlm_model::chat::Channel;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A tool call that could be parsed. The tool may still be unknown and the arguments may be wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CallRequest {
    /// The channel of the message that will carry the result.
    pub channel: Channel,
    /// The name as the model wrote it.
    pub name: String,
    /// The arguments, an object or a bare text.
    pub arguments: Value,
}

/// A tool call that could not be parsed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Malformed {
    /// The channel of the message that will carry the correction.
    pub channel: Channel,
    /// The problem, phrased for the model.
    pub problem: String,
}

/// The meaning of a reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// The reply contains no call, so this text is the answer.
    Answer(String),
    /// The reply's calls in order; those that could not be parsed carry their problem.
    Calls(Vec<Result<CallRequest, Malformed>>),
}
