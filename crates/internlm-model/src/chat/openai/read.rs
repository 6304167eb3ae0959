//! From OpenAI's messages to the chat format.

use serde_json::{Map, Value};

use super::super::plugin::kind;
use super::super::{Channel, FunctionDefinition, Message, PluginCall, Role, ToolCall};
use super::called::Called;
use super::{
    ChatMessage, Content, ContentPart, FieldProblem, FunctionCall, MessageRole, ToolCall as ApiCall,
    ToolDefinition,
};

/// The names under which clients send what a model thought; the first one is the usual one.
const REASONING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// The messages in the chat format, one for one.
///
/// - `developer` is system; `tool` and the older `function` are environment.
/// - A `name` that is a channel is the turn's channel, but not of the assistant, whose turns have none. Names of people
///   and tools reach jinja templates.
/// - A result is on the channel of the call that it answers, or on the plugin channel when it names no call. A `name`
///   that is a mark (`<|interpreter|>`) says otherwise; the name of a function never does, even if it is `file`.
/// - Null, absent and empty content all say nothing; null stays null for templates that tell it from empty text.
/// - Calls are those of `tool_calls`, or the one of the older `function_call`. Their arguments must be a JSON object, as
///   text or as it is.
/// - Thoughts in the content of an assistant are its `reasoning_content`.
/// - Every other key is kept in [`Message::fields`], which only jinja templates see.
///
/// # Errors
/// The first [`FieldProblem`]: a part that is not text, a call outside of an assistant's message, calls in both forms,
/// arguments that are not an object, thoughts of anybody but an assistant or in two places.
///
/// ```
/// use internlm_model::chat::{ChatTemplate, Prompt};
/// use internlm_model::chat::openai::{ChatMessage, read_messages};
///
/// let json = r#"[{"role": "user", "content": "1+1?"},
///     {"role": "assistant", "content": null, "tool_calls":
///         [{"id": "c0", "function": {"name": "add", "arguments": "{\"a\":1,\"b\":1}"}}]},
///     {"role": "tool", "tool_call_id": "c0", "content": "2"}]"#;
/// let messages: Vec<ChatMessage> = serde_json::from_str(json)?;
/// let text = ChatTemplate::InternLm2.render(&read_messages(&messages)?, Prompt::None)?;
/// assert!(text.contains("<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"a\": 1, \"b\": 1}}"));
/// assert!(text.ends_with("<|im_start|>environment name=<|plugin|>\n2<|im_end|>\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_messages(messages: &[ChatMessage]) -> Result<Vec<Message>, FieldProblem> {
    let mut called = Called::default();
    let mut read = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let message = read_message(message, &called, &format!("messages.{index}"))?;
        for call in &message.calls {
            if let Some(id) = &call.id {
                called.insert(id, call);
            }
        }
        read.push(message);
    }
    Ok(read)
}

/// The functions of OpenAI's list of tools, as they were written.
///
/// # Errors
/// A tool that is not a function.
pub fn read_tools(tools: &[ToolDefinition]) -> Result<Vec<FunctionDefinition>, FieldProblem> {
    let read = |(index, tool): (usize, &ToolDefinition)| match tool.kind.as_str() {
        "function" => Ok(tool.function.clone()),
        other => Err(FieldProblem::new(format!("tools.{index}.type"), format!("`{other}`"), "`function`")),
    };
    tools.iter().enumerate().map(read).collect()
}

fn read_message(message: &ChatMessage, called: &Called, place: &str) -> Result<Message, FieldProblem> {
    let name = message.name.as_deref();
    let channel = name.and_then(Channel::of_name);
    let (role, channel) = match message.role {
        MessageRole::System | MessageRole::Developer => (Role::System, channel),
        MessageRole::User => (Role::User, channel),
        MessageRole::Assistant => (Role::Assistant, None),
        MessageRole::Tool | MessageRole::Environment | MessageRole::Function => {
            let channel = called.channel(message.role, name, message.tool_call_id.as_deref());
            (Role::Environment, Some(channel))
        }
    };
    let calls = read_calls(message, role, place)?;
    // Clients send back what they got, nulls included: they say nothing.
    let mut fields: Map<_, _> =
        message.fields.iter().filter(|(_, value)| !value.is_null()).map(own).collect();
    if let Some(thoughts) = read_thoughts(message, role, place)? {
        fields.insert(REASONING[0].to_owned(), Value::String(thoughts));
    }
    Ok(Message {
        role,
        channel,
        content: read_content(message, &calls, place)?,
        calls,
        call_id: message.tool_call_id.clone(),
        name: message.name.clone(),
        fields,
    })
}

fn own((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

/// The thoughts in the parts of a message, joined by line ends as its texts are.
fn read_thoughts(message: &ChatMessage, role: Role, place: &str) -> Result<Option<String>, FieldProblem> {
    let Some(Content::Parts(parts)) = &message.content else { return Ok(None) };
    let thoughts = parts.iter().enumerate().filter_map(|(index, part)| match part {
        ContentPart::Thinking { text } => Some((index, text.as_str())),
        ContentPart::Text { .. } | ContentPart::Unsupported { .. } => None,
    });
    let (places, texts): (Vec<usize>, Vec<&str>) = thoughts.unzip();
    let Some(first) = places.first() else { return Ok(None) };
    if role != Role::Assistant {
        let found = format!("thoughts in a message of {}", role.name());
        let place = format!("{place}.content.{first}.type");
        return Err(FieldProblem::new(place, found, "thoughts only of an assistant"));
    }
    let is_said = |name: &&str| message.fields.get(*name).is_some_and(|value| !value.is_null());
    if let Some(name) = REASONING.into_iter().find(is_said) {
        let found = "thoughts next to those in `content`".to_owned();
        return Err(FieldProblem::new(format!("{place}.{name}"), found, "only one of the two"));
    }
    Ok(Some(texts.join("\n")))
}

fn read_content(
    message: &ChatMessage,
    calls: &[ToolCall],
    place: &str,
) -> Result<Option<String>, FieldProblem> {
    match &message.content {
        None if calls.is_empty() => Ok(Some(String::new())),
        None => Ok(None),
        Some(Content::Text(text)) => Ok(Some(text.clone())),
        Some(Content::Parts(parts)) => {
            for (index, part) in parts.iter().enumerate() {
                if let ContentPart::Unsupported { kind } = part {
                    let place = format!("{place}.content.{index}.type");
                    return Err(FieldProblem::new(
                        place,
                        format!("`{kind}`"),
                        "`text`: this model takes no other parts",
                    ));
                }
            }
            Ok(Some(message.text()))
        }
    }
}

/// The calls of either form.
fn read_calls(message: &ChatMessage, role: Role, place: &str) -> Result<Vec<ToolCall>, FieldProblem> {
    let calls = message.calls();
    let key = if calls.is_empty() { "function_call" } else { "tool_calls" };
    let problem =
        |found: String, expected: &str| FieldProblem::new(format!("{place}.{key}"), found, expected);
    if role != Role::Assistant && !(calls.is_empty() && message.function_call.is_none()) {
        let found = format!("calls in a message of {}", role.name());
        return Err(problem(found, "calls only of an assistant"));
    }
    let read = |(index, call)| read_call(call, &format!("{place}.tool_calls.{index}"));
    match &message.function_call {
        Some(_) if !calls.is_empty() => {
            Err(problem("calls next to `function_call`".to_owned(), "only one of the two"))
        }
        Some(function) => Ok(vec![read_function(function, &format!("{place}.function_call"))?]),
        None => calls.iter().enumerate().map(read).collect(),
    }
}

fn read_call(call: &ApiCall, place: &str) -> Result<ToolCall, FieldProblem> {
    if call.kind != "function" {
        return Err(FieldProblem::new(format!("{place}.type"), format!("`{}`", call.kind), "`function`"));
    }
    let read = read_function(&call.function, &format!("{place}.function"))?;
    Ok(if call.id.is_empty() { read } else { read.with_id(&call.id) })
}

fn read_function(function: &FunctionCall, place: &str) -> Result<ToolCall, FieldProblem> {
    if let Some(channel) = Channel::of_mark(&function.name) {
        return Ok(ToolCall::new(channel, &function.arguments));
    }
    let arguments = read_arguments(&function.arguments)
        .map_err(|found| FieldProblem::new(format!("{place}.arguments"), found, "a JSON object as text"))?;
    Ok(PluginCall::new(&function.name, arguments).into())
}

/// A call out of a model's reply. It may be wrong in every way: what is not a call of a function with an object keeps
/// its text, so that [`PluginCall::parse`] can tell the model what is wrong with it.
#[must_use]
pub fn read_reply_call(call: &ApiCall) -> ToolCall {
    read_call(call, "").unwrap_or_else(|_problem| {
        let name = Value::from(call.function.name.as_str());
        let body = format!(r#"{{"name": {name}, "parameters": {}}}"#, call.function.arguments);
        ToolCall {
            id: (!call.id.is_empty()).then(|| call.id.clone()),
            ..ToolCall::new(Channel::Plugin, body)
        }
    })
}

/// The object, or what was found instead.
fn read_arguments(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(Value::String(inner)) if inner.trim_start().starts_with('{') => {
            Err("an object that was encoded as text twice".to_owned())
        }
        Ok(other) => Err(kind(&other).to_owned()),
        Err(_) => Err(format!("`{text}`, which is not JSON")),
    }
}

#[cfg(test)]
mod tests;
