//! InternLM2's plugin and interpreter protocol (`AgentForInternLM`).
//!
//! ```text
//! text<|action_start|><|plugin|>\n{"name": .., "parameters": {..}}<|action_end|>
//! text<|action_start|><|interpreter|>\n```python\n..\n```\n<|action_end|>
//! ```
//!
//! Results come back as turns `environment name=<|plugin|>` or `name=<|interpreter|>`. The marks are special
//! ids; here they are already parsed into [`ToolCall`]s, or sit in the text when a server left them there.

use internlm_model::chat::marks::{ACTION_END, ACTION_START};
use internlm_model::chat::{Channel, Message, PluginCall, Role, ToolCall, parse_reply_text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::lagent_prompt::{INTERPRETER, META, plugin_message};
use super::{CallRequest, Layout, Malformed, NonAscii, Parsed, json_dumps};
use crate::action::ToolSpec;

/// How tools reach the model.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presentation {
    /// In the request's `tools`; the server writes them as its model was trained.
    #[default]
    Api,
    /// As lagent 0.2.4's own system messages.
    Prompt,
}

/// What happens to a call that cannot be understood.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorMode {
    /// The model is told what is wrong and asked again, at most twice in a row.
    #[default]
    Fixed,
    /// Skipped without a word, as upstream does: the text before it is the answer.
    Compat,
}

/// Settings of the protocol.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct InternLm2 {
    /// System text before everything; default none (`api`) or lagent's (`prompt`).
    pub system: Option<String>,
    /// How tools reach the model; default `api`.
    pub presentation: Presentation,
    /// What happens to calls that cannot be understood; default `fixed`.
    pub errors: ErrorMode,
    /// The tool behind `<|interpreter|>` calls, taking `command`; default none.
    pub interpreter: Option<String>,
}

impl InternLm2 {
    /// The messages of the next request, and the tools to send with them.
    pub(crate) fn prompt(&self, tools: &[ToolSpec], history: &[Message]) -> (Vec<Message>, Vec<ToolSpec>) {
        let plugins = tools.iter().filter(|tool| Some(&tool.name) != self.interpreter.as_ref());
        let mut messages = Vec::new();
        let system = match self.presentation {
            Presentation::Api => self.system.as_deref(),
            Presentation::Prompt => Some(self.system.as_deref().unwrap_or(META)),
        };
        messages.extend(system.map(Message::system));
        if self.presentation == Presentation::Api {
            messages.extend_from_slice(history);
            return (messages, plugins.cloned().collect());
        }
        if self.interpreter.is_some() {
            let channel = Some(Channel::Interpreter);
            messages.push(Message { channel, ..Message::system(INTERPRETER) });
        }
        let plugins: Vec<&ToolSpec> = plugins.collect();
        if !plugins.is_empty() {
            messages.push(plugin_message(&plugins));
        }
        messages.extend_from_slice(history);
        (messages, Vec::new())
    }

    /// What a reply means; `calls` are those that the server parsed.
    pub(crate) fn parse(&self, content: &str, calls: &[ToolCall]) -> (Message, Parsed) {
        let (text, mut found) = split_marks(content);
        found.extend_from_slice(calls);
        let message = Message::assistant(text.clone()).with_calls(found.clone());
        let mut parsed: Vec<_> = found.iter().map(|call| self.understand(call)).collect();
        if text.contains(ACTION_START) {
            let problem = "the call was cut off before its end".to_owned();
            parsed.push(Err(Malformed { channel: Channel::Plugin, problem }));
        }
        if self.errors == ErrorMode::Compat {
            parsed.retain(Result::is_ok);
        }
        if parsed.is_empty() {
            return (message, Parsed::Answer(text));
        }
        (message, Parsed::Calls(parsed))
    }

    fn understand(&self, call: &ToolCall) -> Result<CallRequest, Malformed> {
        let channel = call.channel;
        if channel == Channel::Interpreter {
            let name = self.interpreter.clone().ok_or_else(|| Malformed {
                channel,
                problem: "there is no interpreter: use the plugin tools or answer".to_owned(),
            })?;
            return Ok(CallRequest { channel, name, arguments: json!({"command": call.body.trim()}) });
        }
        match PluginCall::parse(&call.body) {
            Ok(PluginCall { name, arguments }) => {
                Ok(CallRequest { channel, name, arguments: Value::Object(arguments) })
            }
            Err(problem) => Err(Malformed { channel, problem: problem.to_string() }),
        }
    }
}

/// Text and calls of a reply whose marks are still text. Upstream also takes `<|interpreter|>` and
/// `<|plugin|>` without the start mark.
fn split_marks(content: &str) -> (String, Vec<ToolCall>) {
    let channels = Channel::CALLS;
    if !content.contains(ACTION_START) && !channels.iter().any(|channel| content.contains(channel.name())) {
        return (content.to_owned(), Vec::new());
    }
    let mut marked = content.to_owned();
    if !content.contains(ACTION_START) {
        for channel in channels {
            marked = marked.replace(channel.name(), &format!("{ACTION_START}{}", channel.name()));
        }
    }
    // In lagent's form the mark's line ends belong to the call, not to the text around it.
    let reply = parse_reply_text(&marked.replace(&format!("{ACTION_END}\n"), ACTION_END));
    (reply.content, reply.calls)
}

/// One message as lagent 0.2.4 keeps it: role, content with the marks inside, name.
#[must_use]
pub fn lagent_message(message: &Message) -> Value {
    let mut content = message.text().to_owned();
    for call in &message.calls {
        let body = call.body.trim();
        // Upstream parses the call and prints it again with Python's defaults.
        let body = match serde_json::from_str::<Value>(body) {
            Ok(value) if call.channel == Channel::Plugin => {
                json_dumps(&value, NonAscii::Escape, Layout::Line)
            }
            _ => body.to_owned(),
        };
        content.push_str(&format!("{ACTION_START}{}\n{body}{ACTION_END}\n", call.channel.name()));
    }
    let mut value = json!({"role": message.role.name(), "content": content});
    let name = match message.channel {
        Some(Channel::Plugin) => Some("plugin"),
        Some(Channel::Interpreter) => Some("interpreter"),
        _ => None,
    };
    if let (Some(name), true) = (name, message.role != Role::Assistant) {
        value["name"] = Value::from(name);
    }
    value
}

#[cfg(test)]
mod tests;
