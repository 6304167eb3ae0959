//! ReAct (Yao et al., "ReAct: Synergizing Reasoning and Acting in Language Models", 2022) with the prompts of
//! lagent 0.2.4 (`lagent/agents/react.py`): thought, action and action input are tagged lines of plain text.

mod grammar;
mod letter;
mod live;
mod reply;
mod settings;

use internlm_model::chat::{Channel, Message, Role};
use serde_json::Value;

use self::reply::Reading;
use super::lagent_prompt::{printed_names, printed_tools};
use super::{CallRequest, Certain, ErrorMode, Malformed, Parsed, Scene, Turn, format_fields, input};

pub(super) use reply::bare_name;
pub use settings::{React, ReactTags, ReactTemplate};

/// Lagent's correction of a reply without an action.
const NO_ACTION: &str = "Please follow the format";

impl React {
    /// Returns the messages of the next request.
    pub(crate) fn prompt(&self, scene: &Scene<'_>) -> Vec<Message> {
        let tags = &self.tags;
        let system = format_fields(
            &self.call_protocol,
            &[
                ("tool_description", &printed_tools(scene.tools)),
                ("action_names", &printed_names(scene.tools)),
                ("thought", &tags.thought),
                ("action", &tags.action),
                ("action_input", &tags.action_input),
                ("response", &tags.response),
                ("finish", &tags.finish),
            ],
        );
        let mut messages = vec![Message::system(system)];
        messages.extend_from_slice(&self.examples);
        messages.extend_from_slice(scene.history);
        if scene.turn == Turn::Last {
            messages.push(Message::system(self.force_stop.clone()));
        }
        messages
    }

    /// Returns the grammar of a reply in Lark's notation.
    pub(crate) fn grammar(&self, scene: &Scene<'_>) -> Option<Value> {
        Some(grammar::grammar(&self.tags, scene))
    }

    /// Returns the text that ends a reply: the response comes from a tool and not from the model.
    pub(crate) fn stop(&self) -> Option<String> {
        let tag = self.tags.response.trim();
        // Inside a line it may belong to an answer.
        (self.errors == ErrorMode::Fixed && !tag.is_empty()).then(|| format!("\n{tag}"))
    }

    /// Returns the reply as a message, and its meaning.
    pub(crate) fn parse(&self, content: &str) -> (Message, Parsed) {
        if self.errors == ErrorMode::Compat {
            return (Message::assistant(content), letter::meaning(content, &self.tags));
        }
        let malformed = |problem| {
            let call = Malformed { channel: Channel::Plugin, problem };
            Parsed::Calls(vec![Err(call)])
        };
        match reply::read(content, &self.tags) {
            Reading::Call { name, input, used } => {
                let name = bare_name(name).to_owned();
                let parsed = match input::arguments(input) {
                    Ok(arguments) => {
                        Parsed::Calls(vec![Ok(CallRequest { channel: Channel::Plugin, name, arguments })])
                    }
                    Err(problem) => malformed(problem),
                };
                (Message::assistant(&content[..used]), parsed)
            }
            Reading::Answer { text, used } => {
                (Message::assistant(&content[..used]), Parsed::Answer(text.to_owned()))
            }
            Reading::Nothing => (Message::assistant(content), malformed(self.format())),
        }
    }

    /// Returns what is certain of a reply of which `reply` is the beginning. By the letter the last tag of an answer
    /// counts, wherever it is, so nothing is certain before the end.
    pub(crate) fn certain(&self, reply: &str) -> Certain {
        match self.errors {
            ErrorMode::Compat => Certain::open(reply.len()),
            ErrorMode::Fixed => live::certain(reply, &self.tags),
        }
    }

    /// The correction of a reply with neither an action nor an answer.
    fn format(&self) -> String {
        let ReactTags { action, action_input, finish, .. } = &self.tags;
        format!("{NO_ACTION}: `{action}` and `{action_input}` to use a tool, or `{finish}` to answer")
    }

    /// Creates the message that carries a tool's result.
    pub(crate) fn response(&self, text: &str) -> Message {
        Message::new(Role::System, format!("{}{text}\n", self.tags.response))
    }
}
