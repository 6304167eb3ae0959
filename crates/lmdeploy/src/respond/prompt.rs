//! Protocol messages and tools -> messages of the chat format.

use internlm_model::chat::{Channel, Message, Role, ToolCall, python_json, tools_message};
use serde_json::{Value, json};

use crate::protocol::{ChatMessage, ChatRequest, Content, ContentPart, MessageRole, ToolDefinition};
use crate::{Error, Result};

/// The conversation with the tools behind the leading system messages.
pub(super) fn messages(request: &ChatRequest) -> Result<Vec<Message>> {
    if request.messages.is_empty() {
        return Err(Error::field("messages", "found none, expected at least one"));
    }
    let mut messages = request
        .messages
        .iter()
        .enumerate()
        .map(|(index, message)| convert(index, message))
        .collect::<Result<Vec<_>>>()?;
    let tools = offered(request)?;
    if !tools.is_empty() {
        let leading = messages.iter().take_while(|message| message.role == Role::System).count();
        messages.insert(leading, tools_message(&tools));
    }
    Ok(messages)
}

/// The `function` objects of the tools the model may see.
fn offered(request: &ChatRequest) -> Result<Vec<Value>> {
    let hidden = match &request.tool_choice {
        None | Some(Value::Null) => false,
        Some(Value::String(choice)) if choice == "auto" => false,
        Some(Value::String(choice)) if choice == "none" => true,
        Some(other) => {
            return Err(Error::field("tool_choice", format!("found {other}, expected `auto` or `none`")));
        }
    };
    let tools: &[ToolDefinition] = match &request.tools {
        Some(tools) if !hidden => tools,
        _ => &[],
    };
    let described = tools.iter().enumerate().map(|(index, tool)| {
        if tool.kind != "function" {
            let found = format!("found `{}`, expected `function`", tool.kind);
            return Err(Error::field(format!("tools.{index}.type"), found));
        }
        let function = &tool.function;
        Ok(json!({
            "name": function.name,
            "description": function.description.clone().unwrap_or_default(),
            "parameters": function.parameters.clone().unwrap_or_else(|| json!({})),
        }))
    });
    described.collect()
}

fn convert(index: usize, message: &ChatMessage) -> Result<Message> {
    if let Some(Content::Parts(parts)) = &message.content {
        let strange = parts.iter().position(|part| *part == ContentPart::Unsupported);
        if let Some(part) = strange {
            let place = format!("messages.{index}.content.{part}.type");
            return Err(Error::field(place, "expected `text`: this model takes no other parts"));
        }
    }
    if message.role != MessageRole::Assistant && !message.calls().is_empty() {
        return Err(Error::field(format!("messages.{index}.tool_calls"), "only an assistant calls tools"));
    }
    let (role, channel) = match message.role {
        MessageRole::System | MessageRole::Developer => (Role::System, channel(message)),
        MessageRole::User => (Role::User, channel(message).filter(|channel| *channel == Channel::File)),
        MessageRole::Assistant => (Role::Assistant, None),
        MessageRole::Tool | MessageRole::Environment => {
            (Role::Environment, Some(channel(message).unwrap_or(Channel::Plugin)))
        }
    };
    let calls = message.calls().iter().enumerate().map(|(call, asked)| {
        let place = || format!("messages.{index}.tool_calls.{call}.function.arguments");
        let parameters: Value = match asked.function.arguments.trim() {
            "" => json!({}),
            text => serde_json::from_str(text)
                .map_err(|error| Error::field(place(), format!("expected a JSON object as text: {error}")))?,
        };
        if !parameters.is_object() {
            return Err(Error::field(place(), format!("found {parameters}, expected a JSON object as text")));
        }
        let body = python_json(&json!({"name": asked.function.name, "parameters": parameters}));
        Ok(ToolCall { channel: Channel::Plugin, body })
    });
    Ok(Message { role, channel, content: message.text(), calls: calls.collect::<Result<_>>()? })
}

/// The channel that a message's name stands for; other names say nothing to the model.
fn channel(message: &ChatMessage) -> Option<Channel> {
    let name = message.name.as_deref()?;
    [Channel::Plugin, Channel::Interpreter, Channel::File].into_iter().find(|channel| channel.name() == name)
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::{ChatTemplate, Prompt};

    use super::*;

    /// Parses a request and renders its conversation.
    fn render(body: Value) -> String {
        let request: ChatRequest = serde_json::from_value(body).expect("a request");
        let messages = messages(&request).expect("fits the format");
        ChatTemplate::InternLm2.render(&messages, Prompt::Generate).expect("renders")
    }

    #[test]
    fn tools_follow_the_system_message_and_calls_become_markup() {
        let text = render(json!({
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "2+2?"}]},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "c0", "type": "function",
                    "function": {"name": "add", "arguments": "{\"b\":2,\"a\":[2,3]}"}}]},
                {"role": "tool", "tool_call_id": "c0", "content": "4"},
            ],
            "tools": [{"type": "function", "function": {"name": "add", "description": "Adds.",
                "parameters": {"type": "object"}}}],
        }));
        let expected = "<s><|im_start|>system\nBe brief.<|im_end|>\n\
            <|im_start|>system name=<|plugin|>\n\
            [{\"name\": \"add\", \"description\": \"Adds.\", \"parameters\": {\"type\": \"object\"}}]<|im_end|>\n\
            <|im_start|>user\n2+2?<|im_end|>\n\
            <|im_start|>assistant\n<|action_start|><|plugin|>\n\
            {\"name\": \"add\", \"parameters\": {\"b\": 2, \"a\": [2, 3]}}<|action_end|><|im_end|>\n\
            <|im_start|>environment name=<|plugin|>\n4<|im_end|>\n\
            <|im_start|>assistant\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn tool_choice_none_hides_the_tools_and_names_choose_channels() {
        let text = render(json!({
            "messages": [
                {"role": "developer", "name": "<|interpreter|>", "content": "Python."},
                {"role": "user", "name": "alice", "content": "hi"},
                {"role": "environment", "name": "<|interpreter|>", "content": "4"},
            ],
            "tools": [{"type": "function", "function": {"name": "add"}}],
            "tool_choice": "none",
        }));
        let expected = "<s><|im_start|>system name=<|interpreter|>\nPython.<|im_end|>\n\
            <|im_start|>user\nhi<|im_end|>\n\
            <|im_start|>environment name=<|interpreter|>\n4<|im_end|>\n<|im_start|>assistant\n";
        assert_eq!(text, expected);
    }
}
