//! Protocols: how tools are described to a model and how its replies are read.

mod internlm2;
mod lagent_prompt;
mod parsed;
mod react;

use internlm_model::chat::{Channel, Message, ToolCall};
use serde::{Deserialize, Serialize};

use crate::action::ToolSpec;
use crate::python_text::{Layout, NonAscii, json_dumps, repr};

pub use internlm2::{ErrorMode, InternLm2, Presentation, lagent_message};
pub use lagent_prompt::lagent_tool;
pub use parsed::{CallRequest, Malformed, Parsed};
pub(crate) use react::Turn;
pub use react::{React, ReactTags};

/// The protocol of an agent, named after lagent's agents. The key `kind` of the agent file selects it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Protocol {
    /// InternLM2's plugin and interpreter markup, `AgentForInternLM` (`Internlm2Agent`) in lagent.
    InternLm2(InternLm2),
    /// Thought, action and action input as plain text, `ReAct` in lagent.
    React(React),
}

impl Protocol {
    /// Returns the messages of the next request and the tools for its `tools` field.
    pub(crate) fn prompt(
        &self,
        tools: &[ToolSpec],
        history: &[Message],
        turn: Turn,
    ) -> (Vec<Message>, Vec<ToolSpec>) {
        match self {
            Self::InternLm2(protocol) => protocol.prompt(tools, history),
            Self::React(protocol) => (protocol.prompt(tools, history, turn), Vec::new()),
        }
    }

    /// Returns the reply as it is appended to the conversation, and its meaning.
    pub(crate) fn parse(&self, content: &str, calls: &[ToolCall]) -> (Message, Parsed) {
        match self {
            Self::InternLm2(protocol) => protocol.parse(content, calls),
            Self::React(protocol) => protocol.parse(content),
        }
    }

    /// Creates the message that carries the result of a call.
    pub(crate) fn result(&self, channel: Channel, text: &str) -> Message {
        match self {
            Self::InternLm2(_) => Message::environment(channel, text),
            Self::React(protocol) => protocol.response(text),
        }
    }

    /// Returns the text that the model reads after a call that could not be understood.
    pub(crate) fn correction(&self, problem: &str) -> String {
        match self {
            Self::InternLm2(_) => format!("error: {problem}"),
            Self::React(_) => problem.to_owned(),
        }
    }
}
