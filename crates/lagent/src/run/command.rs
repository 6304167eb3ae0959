//! The commands that a run returns, and the reasons why it fails.

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FailureKind, Finish, Sampling};
use crate::action::ToolSpec;

/// Something that a driver has to do.
///
/// Ids start at 1 and are shared by requests and calls, so an id names one of them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Command {
    /// Ask the model and answer with [`Event::Model`](super::Event::Model).
    AskModel {
        /// Id to repeat in the answering event.
        id: u64,
        /// The whole prompt, system messages of the protocol included.
        messages: Vec<Message>,
        /// Tools for the `tools` field of the request; empty if the prompt itself describes them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tools: Vec<ToolSpec>,
        /// Sampling settings of this request.
        params: Sampling,
        /// What the reply has to look like: an object with the fields `response_format`, `tool_choice` or
        /// `parallel_tool_calls` of lmdeploy's chat requests. Absent if the agent does not constrain its calls.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grammar: Option<Value>,
    },
    /// Call a tool and answer with [`Event::Tool`](super::Event::Tool).
    CallTool {
        /// Id to repeat in the answering event.
        id: u64,
        /// Name of the tool.
        name: String,
        /// Arguments, already checked against the tool's definition.
        args: Value,
        /// Time limit of the call in milliseconds.
        deadline: u64,
    },
    /// Ask a person for approval and answer with [`Event::Approve`](super::Event::Approve) or
    /// [`Event::Deny`](super::Event::Deny).
    AskHuman {
        /// Id to repeat in the answering event.
        call: u64,
        /// Name of the tool.
        name: String,
        /// Arguments that the person should see.
        args: Value,
    },
    /// Show a message that was appended to the conversation. Needs no answer.
    Emit {
        /// A reply of the model, a tool's result or a correction.
        message: Message,
        /// Name of the team member whose conversation it is; absent for a single agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
    },
    /// The question is answered; the run waits for the next one.
    Finish {
        /// The final answer without any calls.
        message: Message,
        /// [`Finish::Length`] if the token limit cut the answer.
        finish: Finish,
    },
    /// The question ended without an answer.
    Fail {
        /// The limit, error or cancellation that ended it.
        reason: FailReason,
        /// Text of the last reply that contained any, as the best answer so far.
        best: Option<String>,
    },
}

impl Command {
    /// Creates the command that shows a message of a single agent.
    pub(crate) fn emit(message: Message) -> Self {
        Self::Emit { message, agent: None }
    }
}

/// The reason why a question ended without an answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailReason {
    /// A limit of the agent was reached.
    Limit {
        /// The limit's key in the config, such as `max-turn`.
        limit: String,
    },
    /// The model wrote unusable calls until the corrections were used up.
    Unparsable {
        /// The problem of the last call.
        problem: String,
    },
    /// A model request failed after the driver's retries.
    Model {
        /// Category of the error, for deciding whether to try again.
        kind: FailureKind,
        /// The error message, for people.
        message: String,
    },
    /// The members of a team answered, or failed, in a way that leaves the team without an answer.
    Team {
        /// What the team found and expected, such as an answer that is not the JSON which an edge carries.
        problem: String,
    },
    /// A hook refused the question before it was asked.
    Refused {
        /// The hook's reason, for people.
        message: String,
    },
    /// The caller cancelled the question with [`Event::Cancel`](super::Event::Cancel).
    Cancelled,
}

impl std::fmt::Display for FailReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Limit { limit } => write!(formatter, "limit {limit} reached"),
            Self::Unparsable { problem } => write!(formatter, "no usable call: {problem}"),
            Self::Model { message, .. } => write!(formatter, "the model request failed: {message}"),
            Self::Team { problem } => write!(formatter, "the team has no answer: {problem}"),
            Self::Refused { message } => write!(formatter, "refused: {message}"),
            Self::Cancelled => formatter.write_str("cancelled"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasons_of_earlier_and_present_transcripts_are_read() {
        let problem = "p".to_owned();
        for (json, reason, text) in [
            (
                json!({"reason": "unparsable", "problem": "p"}),
                FailReason::Unparsable { problem: problem.clone() },
                "no usable call: p",
            ),
            (
                json!({"reason": "team", "problem": "p"}),
                FailReason::Team { problem },
                "the team has no answer: p",
            ),
            (json!({"reason": "cancelled"}), FailReason::Cancelled, "cancelled"),
        ] {
            assert_eq!(serde_json::from_value::<FailReason>(json.clone()).expect("parses"), reason);
            assert_eq!(serde_json::to_value(&reason).expect("serializes"), json);
            assert_eq!(reason.to_string(), text);
        }
    }
}
