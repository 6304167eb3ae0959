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
    /// Upstream drops the reply without a word and asks the same question again.
    Dropped,
}

/// Whether a call gave a result or an error.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallOutcome {
    /// The tool ran and returned its result.
    #[default]
    Result,
    /// The tool failed, or the call was refused or never made.
    Error,
}

impl CallOutcome {
    /// Returns whether the call gave a result, which is what saved states leave out.
    pub(crate) fn is_result(&self) -> bool {
        *self == Self::Result
    }
}

/// The end of a call as the protocols tell it to the model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended<'a> {
    /// The channel of the message that carries it.
    pub(crate) channel: Channel,
    /// Name of the tool; empty if the call could not be understood.
    pub(crate) name: &'a str,
    /// The result or the error message.
    pub(crate) text: &'a str,
    /// Which of the two the text is.
    pub(crate) outcome: CallOutcome,
}
