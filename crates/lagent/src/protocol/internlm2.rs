//! InternLM2's plugin and interpreter protocol (`AgentForInternLM`).
//!
//! ```text
//! text<|action_start|><|plugin|>\n{"name": .., "parameters": {..}}<|action_end|>
//! text<|action_start|><|interpreter|>\n```python\n..\n```\n<|action_end|>
//! ```
//!
//! Results come back as turns `environment name=<|plugin|>` or `name=<|interpreter|>`. The marks are special
//! ids; here they are already parsed into [`ToolCall`]s, or sit in the text when a server left them there.

mod grammar;

use internlm_model::chat::marks::{ACTION_END, ACTION_START, IM_END};
use internlm_model::chat::{Channel, Message, PluginCall, Role, ToolCall, parse_reply_text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::lagent_prompt::{ListedParameters, plugin_message};
use super::{CallRequest, ErrorMode, Layout, Malformed, NonAscii, Parsed, Scene, input, json_dumps};
use crate::action::ToolSpec;
use crate::templates::{INTERNLM2_INTERPRETER, INTERNLM2_META};

/// Upstream's name of the tool that ends a question.
const FINISH_ACTION: &str = "FinishAction";

/// How tools reach the model.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presentation {
    /// In the request's `tools`; the server writes them as its model was trained.
    #[default]
    Api,
    /// As lagent's own system messages.
    Prompt,
}

/// Settings of the protocol.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct InternLm2 {
    /// System text before everything. Default: none with `api`, lagent's with `prompt`.
    pub system: Option<String>,
    /// How tools reach the model. Default: `api`.
    pub presentation: Presentation,
    /// What happens to calls that cannot be understood. Default: `fixed`.
    pub errors: ErrorMode,
    /// Name of the tool behind `<|interpreter|>` calls, which takes `command`. Default: none.
    pub interpreter: Option<String>,
    /// Parameters that the presentation `prompt` lists: `required` as lagent 0.2.4, or `all`. Default: `required`.
    pub parameters: ListedParameters,
    /// Messages of worked examples before the conversation. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Message>,
}

impl InternLm2 {
    /// The messages of the next request, and the tools to send with them.
    pub(crate) fn prompt(&self, scene: &Scene<'_>) -> (Vec<Message>, Vec<ToolSpec>) {
        let plugins = self.plugins(scene.tools);
        let mut messages = Vec::new();
        let system = match self.presentation {
            Presentation::Api => self.system.as_deref(),
            Presentation::Prompt => Some(self.system.as_deref().unwrap_or(INTERNLM2_META)),
        };
        messages.extend(system.map(Message::system));
        if self.presentation == Presentation::Prompt {
            if self.interpreter.is_some() {
                messages.push(Message::system(INTERNLM2_INTERPRETER).on(Channel::Interpreter));
            }
            if !plugins.is_empty() {
                messages.push(plugin_message(&plugins, self.parameters));
            }
        }
        messages.extend_from_slice(&self.examples);
        messages.extend_from_slice(scene.history);
        let sent = match self.presentation {
            Presentation::Api => plugins.into_iter().cloned().collect(),
            Presentation::Prompt => Vec::new(),
        };
        (messages, sent)
    }

    /// The request fields of a reply that follows a grammar; `None` if there is no call that can be malformed.
    pub(crate) fn grammar(&self, scene: &Scene<'_>) -> Option<Value> {
        grammar::grammar(self, scene)
    }

    /// The tools that are called on the plugin channel.
    pub(super) fn plugins<'t>(&self, tools: &'t [ToolSpec]) -> Vec<&'t ToolSpec> {
        tools.iter().filter(|tool| Some(&tool.name) != self.interpreter.as_ref()).collect()
    }

    /// What a reply means; `calls` are those that the server parsed.
    pub(crate) fn parse(&self, content: &str, calls: &[ToolCall]) -> (Message, Parsed) {
        let (text, mut found) = self.split(content);
        found.extend_from_slice(calls);
        if self.errors == ErrorMode::Compat {
            return self.letter(text, found);
        }
        let mut parsed: Vec<_> = found.iter().map(|call| self.understand(call)).collect();
        if text.contains(ACTION_START) {
            let problem = "the call was cut off before its end".to_owned();
            parsed.push(Err(Malformed { channel: Channel::Plugin, problem }));
        }
        let message = Message::assistant(text.clone()).with_calls(found);
        let parsed = if parsed.is_empty() { Parsed::Answer(text) } else { Parsed::Calls(parsed) };
        (message, parsed)
    }

    /// What a reply means for upstream: the first plugin call, or else the first code, is all of it; a call that cannot
    /// be read is dropped; the finish tool ends the question with the text.
    fn letter(&self, text: String, found: Vec<ToolCall>) -> (Message, Parsed) {
        let plugin = found.iter().position(|call| call.channel == Channel::Plugin);
        let Some(call) = found.into_iter().nth(plugin.unwrap_or(0)) else {
            let text = text.split(ACTION_START).next().unwrap_or_default().to_owned();
            return (Message::assistant(text.clone()), Parsed::Answer(text));
        };
        match self.understand(&call) {
            Ok(request) if request.name == FINISH_ACTION => {
                (Message::assistant(text.clone()), Parsed::Answer(text))
            }
            Ok(request) => {
                (Message::assistant(text).with_calls(vec![call]), Parsed::Calls(vec![Ok(request)]))
            }
            Err(_) => (Message::assistant(text), Parsed::Dropped),
        }
    }

    /// Text and calls of a reply. A last call without its end mark counts by the letter, and otherwise if its JSON is
    /// complete: some servers take the end mark for the end of the reply and remove it.
    fn split(&self, content: &str) -> (String, Vec<ToolCall>) {
        let (text, calls) = split_marks(content);
        if !text.contains(ACTION_START) {
            return (text, calls);
        }
        let (closed_text, closed) = split_marks(&format!("{content}{ACTION_END}"));
        let is_whole = closed
            .last()
            .is_some_and(|call| call.channel == Channel::Plugin && PluginCall::parse(&call.body).is_ok());
        if self.errors == ErrorMode::Compat || is_whole { (closed_text, closed) } else { (text, calls) }
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
        let read = PluginCall::parse(&call.body);
        let read = read.or_else(|problem| self.almost_json(&call.body).ok_or(problem));
        match read {
            Ok(PluginCall { name, arguments }) => {
                Ok(CallRequest { channel, name, arguments: Value::Object(arguments) })
            }
            Err(problem) => Err(Malformed { channel, problem: problem.to_string() }),
        }
    }

    /// A call in a fence or in Python's form.
    fn almost_json(&self, body: &str) -> Option<PluginCall> {
        if self.errors == ErrorMode::Compat {
            return None;
        }
        let call = input::arguments(body).ok().filter(Value::is_object)?;
        PluginCall::parse(&call.to_string()).ok()
    }
}

/// Text and calls of a reply whose marks are still text. Upstream also takes `<|interpreter|>` and
/// `<|plugin|>` without the start mark. What follows the last call is made up and not kept.
fn split_marks(content: &str) -> (String, Vec<ToolCall>) {
    let content = content.split_once(IM_END).map_or(content, |(before, _)| before);
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
    if let Some(end) = marked.rfind(ACTION_END).map(|at| at + ACTION_END.len())
        && !marked[end..].contains(ACTION_START)
    {
        marked.truncate(end);
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
