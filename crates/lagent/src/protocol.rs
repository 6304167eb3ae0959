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

/// Lagent's error message for an unknown tool (`InvalidAction`).
const INVALID_ACTION: &str = "The action is invalid, please check the action name.";

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

    /// Returns the texts that end a reply, besides the model's own marks.
    pub(crate) fn stop(&self) -> Option<String> {
        match self {
            Self::InternLm2(_) => None,
            Self::React(protocol) => protocol.stop(),
        }
    }

    /// Finds the tool that a call names.
    pub(crate) fn tool<'t>(&self, tools: &'t [ToolSpec], name: &str) -> Option<&'t ToolSpec> {
        let exact = tools.iter().find(|tool| tool.name == name);
        if exact.is_some() || self.errors() == ErrorMode::Compat {
            return exact;
        }
        let mut similar = tools.iter().filter(|tool| tool.name.eq_ignore_ascii_case(name));
        similar.next().filter(|_| similar.next().is_none())
    }

    /// Returns the text that the model reads after a call of a tool that does not exist.
    pub(crate) fn unknown_tool(&self, tools: &[ToolSpec], request: &CallRequest) -> String {
        if self.errors() == ErrorMode::Compat {
            // Upstream answers with the input itself if it is a text.
            return request.arguments.as_str().unwrap_or(INVALID_ACTION).to_owned();
        }
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
        let expected = if names.is_empty() {
            "an answer: there are no tools".to_owned()
        } else {
            format!("one of {}", names.join(", "))
        };
        format!("{INVALID_ACTION} Found `{}`, expected {expected}.", request.name)
    }

    fn errors(&self) -> ErrorMode {
        match self {
            Self::InternLm2(protocol) => protocol.errors,
            Self::React(protocol) => protocol.errors,
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
