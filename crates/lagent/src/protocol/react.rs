//! ReAct (Yao et al., "ReAct: Synergizing Reasoning and Acting in Language Models", 2022) with the prompts of
//! lagent 0.2.4 (`lagent/agents/react.py`): thought, action and action input are tagged lines of plain text.

mod input;
mod reply;

use internlm_model::chat::{Channel, Message, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::reply::{Reading, bare_name};
use super::{CallRequest, ErrorMode, Malformed, Parsed, lagent_tool, repr};
use crate::action::ToolSpec;

/// The system text in English (`CALL_PROTOCOL_EN`).
const CALL_PROTOCOL: &str = "You are a assistant who can utilize external tools.\n{tool_description}\nTo use a tool, please use the following format:\n```\n{thought}Think what you need to solve, do you need to use tools?\n{action}the tool name, should be one of [{action_names}]\n{action_input}the input to the action\n```\nThe response after utilizing tools should using the following format:\n```\n{response}the results after call the tool.\n```\nIf you already know the answer, or you do not need to use tools,\nplease using the following format to reply:\n```\n{thought}the thought process to get the final answer\n{finish}final answer\n```\nBegin!";
/// The system text before the last turn (`FORCE_STOP_PROMPT_EN`).
const FORCE_STOP: &str = "You should directly give results\n based on history information.";
/// Lagent's correction of a reply without an action.
const NO_ACTION: &str = "Please follow the format";

/// The tags in front of the parts of a reply. The defaults are lagent's English tags.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ReactTags {
    /// Tag of the reasoning. Default: `Thought:`.
    pub thought: String,
    /// Tag of the tool's name. Default: `Action:`.
    pub action: String,
    /// Tag of the tool's input. Default: `Action Input:`.
    pub action_input: String,
    /// Tag of a tool's result. Default: `Response:`.
    pub response: String,
    /// Tag of the final answer. Default: `Final Answer:`.
    pub finish: String,
}

impl Default for ReactTags {
    fn default() -> Self {
        Self {
            thought: "Thought:".to_owned(),
            action: "Action:".to_owned(),
            action_input: "Action Input:".to_owned(),
            response: "Response:".to_owned(),
            finish: "Final Answer:".to_owned(),
        }
    }
}

/// Settings of the ReAct protocol.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct React {
    /// System message. `{tool_description}`, `{action_names}` and the tags' names in braces are replaced.
    /// Default: lagent's English text.
    pub call_protocol: String,
    /// System message before the last turn. Default: lagent's English text.
    pub force_stop: String,
    /// How replies are read that do not keep to the format. Default: `fixed`, which cuts a reply at the response that
    /// the model made up, asks the server to stop there, and reads fences, Python's literals and marks around names;
    /// `compat` reads by the letter, as lagent does.
    pub errors: ErrorMode,
    /// Tags that mark the parts of a reply.
    pub tags: ReactTags,
}

impl Default for React {
    fn default() -> Self {
        Self {
            call_protocol: CALL_PROTOCOL.to_owned(),
            force_stop: FORCE_STOP.to_owned(),
            tags: ReactTags::default(),
            errors: ErrorMode::default(),
        }
    }
}

/// Whether this request is the last one that the limits allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    /// More requests may follow.
    Inner,
    /// This reply has to contain the answer.
    Last,
}

impl React {
    /// Returns the messages of the next request.
    pub(crate) fn prompt(&self, tools: &[ToolSpec], history: &[Message], turn: Turn) -> Vec<Message> {
        let descriptions: Vec<Value> = tools.iter().map(lagent_tool).collect();
        let mut names: Vec<Value> = Vec::new();
        for tool in tools {
            let toolkit = Value::from(tool.name.split('.').next().unwrap_or(&tool.name));
            if !names.contains(&toolkit) {
                names.push(toolkit);
            }
        }
        let system = self.fill(&repr(&Value::Array(descriptions)), &repr(&Value::Array(names)));
        let mut messages = vec![Message::system(system)];
        messages.extend_from_slice(history);
        if turn == Turn::Last {
            messages.push(Message::system(self.force_stop.clone()));
        }
        messages
    }

    /// Fills in the system message like Python's `str.format` with the names that the protocol knows. Doubled
    /// braces are literal.
    fn fill(&self, tools: &str, names: &str) -> String {
        let tags = &self.tags;
        let fields = [
            ("tool_description", tools),
            ("action_names", names),
            ("thought", tags.thought.as_str()),
            ("action", tags.action.as_str()),
            ("action_input", tags.action_input.as_str()),
            ("response", tags.response.as_str()),
            ("finish", tags.finish.as_str()),
        ];
        let mut text = String::new();
        let mut rest = self.call_protocol.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
                continue;
            }
            let field = fields.iter().find_map(|(name, value)| {
                let after = rest.strip_prefix(name)?.strip_prefix('}')?;
                (brace == "{").then_some((after, *value))
            });
            match field {
                Some((after, value)) => {
                    text.push_str(value);
                    rest = after;
                }
                None => text.push_str(brace),
            }
        }
        text.push_str(rest);
        text
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
            return (Message::assistant(content), self.meaning(content));
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

    /// The correction of a reply with neither an action nor an answer.
    fn format(&self) -> String {
        let ReactTags { action, action_input, finish, .. } = &self.tags;
        format!("{NO_ACTION}: `{action}` and `{action_input}` to use a tool, or `{finish}` to answer")
    }

    /// The meaning by the letter.
    fn meaning(&self, content: &str) -> Parsed {
        if let Some(at) = content.rfind(&self.tags.finish) {
            return Parsed::Answer(content[at + self.tags.finish.len()..].to_owned());
        }
        // Upstream's patterns: `Action:(.*?)\n` matches last, `Action Input:(.*)` matches from the first tag on.
        let action = last_after(content, &self.tags.action)
            .and_then(|rest| rest.split_once('\n'))
            .map(|(name, _)| name.trim().to_owned());
        let input = content.split_once(&self.tags.action_input).map(|(_, rest)| rest);
        let (Some(name), Some(input)) = (action, input) else {
            let problem = NO_ACTION.to_owned();
            return Parsed::Calls(vec![Err(Malformed { channel: Channel::Plugin, problem })]);
        };
        let input = input.trim().trim_matches(['"', '\'']);
        let arguments = serde_json::from_str(input).unwrap_or_else(|_| Value::from(input));
        Parsed::Calls(vec![Ok(CallRequest { channel: Channel::Plugin, name, arguments })])
    }

    /// Creates the message that carries a tool's result.
    pub(crate) fn response(&self, text: &str) -> Message {
        Message::new(Role::System, format!("{}{text}\n", self.tags.response))
    }
}

/// Returns the text after the last `tag`. `Action:` does not match inside `Action Input:`, because there the
/// colon follows another word.
fn last_after<'a>(content: &'a str, tag: &str) -> Option<&'a str> {
    content.rfind(tag).map(|at| &content[at + tag.len()..])
}
