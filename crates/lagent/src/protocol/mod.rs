//! How an agent and a model talk about tools: prompts, and what a reply means.

mod internlm2;
mod lagent_prompt;
mod parsed;
mod python_text;
mod react;

use internlm_model::chat::{Channel, Message, ToolCall};
use serde::{Deserialize, Serialize};

use crate::action::ToolSpec;

pub use internlm2::{ErrorMode, InternLm2, Presentation, lagent_message};
pub use lagent_prompt::lagent_tool;
pub use parsed::{CallRequest, Malformed, Parsed};
pub(crate) use python_text::python_set;
pub use python_text::{Layout, NonAscii, json_dumps, repr};
pub(crate) use react::Turn;
pub use react::{React, ReactTags};

/// The protocols, by the names of lagent's agents.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Protocol {
    /// Plugin and interpreter markup: `AgentForInternLM` (`Internlm2Agent`).
    InternLm2(InternLm2),
    /// Thought, action, action input: `ReAct`.
    React(React),
}

impl Protocol {
    /// The messages of the next request, and the tools to send beside them.
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

    /// The reply as it joins the conversation, and what it means.
    pub(crate) fn parse(&self, content: &str, calls: &[ToolCall]) -> (Message, Parsed) {
        match self {
            Self::InternLm2(protocol) => protocol.parse(content, calls),
            Self::React(protocol) => protocol.parse(content),
        }
    }

    /// The message that carries the result of a call.
    pub(crate) fn result(&self, channel: Channel, text: &str) -> Message {
        match self {
            Self::InternLm2(_) => Message::environment(channel, text),
            Self::React(protocol) => protocol.response(text),
        }
    }

    /// What the model reads after a call that was not understood.
    pub(crate) fn correction(&self, problem: &str) -> String {
        match self {
            Self::InternLm2(_) => format!("error: {problem}"),
            Self::React(_) => problem.to_owned(),
        }
    }
}
