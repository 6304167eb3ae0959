//! From the chat format to OpenAI's messages.

use std::collections::VecDeque;

use super::super::{Channel, Message, PluginCall, Role, ToolCall};
use super::{ChatMessage, Content, FunctionCall, MessageRole, ToolCall as ApiCall};

/// The messages as a client sends them; [`read_messages`](super::read_messages) gives the same turns back.
///
/// Calls keep their ids; calls without one get `call_0`, `call_1`, .. by their place, so that the same conversation is
/// the same request. A result without `call_id` answers the next call of the reply before it.
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
    let mut count = 0;
    // Ids of the last reply's calls that have no result yet.
    let mut open: VecDeque<String> = VecDeque::new();
    let mut write = |message: &Message| {
        let mut written = ChatMessage {
            role: role(message.role),
            content: message.content.clone().map(Content::Text),
            name: message.channel.map(|channel| channel.name().to_owned()).or_else(|| message.name.clone()),
            fields: message.fields.clone(),
            ..ChatMessage::default()
        };
        match message.role {
            Role::Assistant => {
                let calls: Vec<ApiCall> = message
                    .calls
                    .iter()
                    .map(|call| ApiCall::new(id(call, &mut count), function(call)))
                    .collect();
                open = calls.iter().map(|call| call.id.clone()).collect();
                if !calls.is_empty() {
                    written.content =
                        written.content.filter(|content| *content != Content::Text(String::new()));
                    written.tool_calls = Some(calls);
                }
            }
            Role::Environment => {
                let next = open.pop_front();
                written.tool_call_id = message.call_id.clone().or(next);
                if written.tool_call_id.is_none() {
                    // A result of nothing: OpenAI's `tool` must name a call.
                    written.role = MessageRole::Environment;
                } else if message.channel == Some(Channel::Plugin) {
                    // The channel of every result that names none.
                    written.name = message.name.clone().filter(|name| Channel::of_name(name).is_none());
                }
            }
            Role::System | Role::User => {}
        }
        written
    };
    messages.iter().map(&mut write).collect()
}

fn role(role: Role) -> MessageRole {
    match role {
        Role::System => MessageRole::System,
        Role::User => MessageRole::User,
        Role::Assistant => MessageRole::Assistant,
        Role::Environment => MessageRole::Tool,
    }
}

fn id(call: &ToolCall, count: &mut usize) -> String {
    let place = *count;
    *count += 1;
    call.id.clone().unwrap_or_else(|| format!("call_{place}"))
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
mod tests {
    use super::super::read_messages;
    use super::*;

    #[test]
    fn a_conversation_comes_back_as_it_was() {
        let call = |channel, body: &str| ToolCall::new(channel, body);
        let history = [
            Message::system("[]").on(Channel::Plugin),
            Message::user("q"),
            Message::assistant("t").with_calls(vec![
                call(Channel::Plugin, "not json").with_id("a"),
                call(Channel::Plugin, r#"{"name": "T", "parameters": {"a": 1}}"#),
                call(Channel::Plugin, r#"{"name":"T","parameters":[1]}"#),
                call(Channel::Interpreter, "```python\n1\n```"),
            ]),
            Message::environment(Channel::Plugin, "error"),
            Message::environment(Channel::Plugin, "2"),
            Message::environment(Channel::Interpreter, "1").with_call_id("x"),
        ];
        let written = write_messages(&history);
        let json = serde_json::to_value(&written).expect("serializes");
        let function = |index: usize| json[2]["tool_calls"][index]["function"].to_string();
        assert_eq!(function(0), r#"{"name":"<|plugin|>","arguments":"not json"}"#);
        assert_eq!(function(1), r#"{"name":"T","arguments":"{\"a\":1}"}"#);
        assert_eq!(json[4].to_string(), r#"{"role":"tool","content":"2","tool_call_id":"call_1"}"#);
        assert_eq!(json[5]["name"], "<|interpreter|>");
        let parsed: Vec<ChatMessage> = serde_json::from_value(json).expect("parses");
        let back = read_messages(&parsed).expect("fits");
        for (before, after) in history.iter().zip(&back) {
            assert_eq!(
                (before.role, before.channel, before.text()),
                (after.role, after.channel, after.text())
            );
            let bodies = |message: &Message| -> Vec<(Channel, String)> {
                message.calls.iter().map(|call| (call.channel, call.body.clone())).collect()
            };
            assert_eq!(bodies(before), bodies(after));
        }
    }

    #[test]
    fn a_result_of_nothing_is_an_environment_turn() {
        let written = write_messages(&[Message::environment(Channel::Interpreter, "4")]);
        let json = serde_json::to_string(&written[0]).expect("serializes");
        assert_eq!(json, r#"{"role":"environment","content":"4","name":"<|interpreter|>"}"#);
    }
}
