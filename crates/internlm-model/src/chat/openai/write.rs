//! From the chat format to OpenAI's messages.

use std::collections::{BTreeSet, VecDeque};

use super::super::{Channel, Message, PluginCall, Role, ToolCall};
use super::called::Called;
use super::{ChatMessage, Content, FunctionCall, MessageRole, ToolCall as ApiCall};

/// The messages as a client sends them; [`read_messages`](super::read_messages) gives the same messages back.
///
/// What only code can make is filled in, and then is the same again each time:
///
/// - Calls without an id get a free one of `call_0`, `call_1`, .. by their place, so that the same conversation is the
///   same request. A result without `call_id` answers the next open call of the reply before it.
/// - A message gets the name of its channel when nothing else says it.
/// - An empty text next to calls is null.
///
/// ```
/// use internlm_model::chat::openai::write_messages;
/// use internlm_model::chat::{Channel, Message, ToolCall};
///
/// let call = ToolCall::new(Channel::Plugin, r#"{"name": "now", "parameters": {}}"#);
/// let history = [Message::assistant("").with_calls(vec![call]), Message::environment(Channel::Plugin, "12:00")];
/// let written = write_messages(&history);
/// assert_eq!(written[0].calls()[0].function.name, "now");
/// assert_eq!(written[1].tool_call_id.as_deref(), Some("call_0"));
/// ```
#[must_use]
pub fn write_messages(messages: &[Message]) -> Vec<ChatMessage> {
    let given = messages.iter().flat_map(|message| &message.calls).filter_map(|call| call.id.clone());
    let mut writer = Writer { taken: given.collect(), ..Writer::default() };
    messages.iter().map(|message| writer.message(message)).collect()
}

/// What the messages so far mean for the next one.
#[derive(Debug, Default)]
struct Writer {
    /// Ids that a new call cannot get.
    taken: BTreeSet<String>,
    /// Number of calls so far.
    count: usize,
    /// Ids of the last reply's calls that have no result yet.
    open: VecDeque<String>,
    called: Called,
}

impl Writer {
    fn message(&mut self, message: &Message) -> ChatMessage {
        let mut written = ChatMessage {
            role: role(message.role),
            content: message.content.clone().map(Content::Text),
            name: name(message),
            fields: message.fields.clone(),
            ..ChatMessage::default()
        };
        match message.role {
            Role::Assistant => self.calls(message, &mut written),
            Role::Environment => self.result(message, &mut written),
            Role::System | Role::User => {}
        }
        written
    }

    fn calls(&mut self, message: &Message, written: &mut ChatMessage) {
        self.open.clear();
        let mut calls = Vec::with_capacity(message.calls.len());
        for call in &message.calls {
            let id = self.id(call);
            self.called.insert(&id, call);
            self.open.push_back(id.clone());
            calls.push(ApiCall::new(id, function(call)));
        }
        if !calls.is_empty() {
            written.content =
                written.content.take().filter(|content| *content != Content::Text(String::new()));
            written.tool_calls = Some(calls);
        }
    }

    /// The id of the next call.
    fn id(&mut self, call: &ToolCall) -> String {
        let place = self.count;
        self.count += 1;
        if let Some(id) = &call.id {
            return id.clone();
        }
        let mut names = (place..).map(|number| format!("call_{number}"));
        let id = names.find(|id| !self.taken.contains(id)).expect("there are more numbers than calls");
        self.taken.insert(id.clone());
        id
    }

    fn result(&mut self, message: &Message, written: &mut ChatMessage) {
        written.tool_call_id = match &message.call_id {
            Some(id) => {
                self.open.retain(|open| open != id);
                Some(id.clone())
            }
            None => self.open.pop_front(),
        };
        let channel = message.channel.unwrap_or(Channel::Plugin);
        if written.tool_call_id.is_none() || channel == Channel::File {
            // A result of nothing: OpenAI's `tool` must name a call, and its names are not channels.
            written.role = MessageRole::Environment;
        }
        let names = [message.name.as_deref(), None, Some(channel.name())];
        let id = written.tool_call_id.as_deref();
        let says = |name: &Option<&str>| self.called.channel(written.role, *name, id) == channel;
        let name = names.into_iter().find(says).flatten();
        written.name = name.map(str::to_owned);
    }
}

fn role(role: Role) -> MessageRole {
    match role {
        Role::System => MessageRole::System,
        Role::User => MessageRole::User,
        Role::Assistant => MessageRole::Assistant,
        Role::Environment => MessageRole::Tool,
    }
}

/// The name as it was sent, unless it does not say the channel.
fn name(message: &Message) -> Option<String> {
    let said = message.name.as_deref().and_then(Channel::of_name);
    match message.channel {
        Some(channel) if said != Some(channel) => Some(channel.name().to_owned()),
        _ => message.name.clone(),
    }
}

/// A call that is not a plugin call goes as it is, under the mark of its channel.
fn function(call: &ToolCall) -> FunctionCall {
    let plugin = (call.channel == Channel::Plugin).then(|| PluginCall::parse(&call.body));
    match plugin {
        // Only what encodes to the same text again loses nothing.
        Some(Ok(plugin)) if plugin.body() == call.body => FunctionCall {
            arguments: serde_json::Value::Object(plugin.arguments).to_string(),
            name: plugin.name,
        },
        _ => FunctionCall { name: call.channel.name().to_owned(), arguments: call.body.clone() },
    }
}

#[cfg(test)]
mod tests;
