//! Messages in OpenAI's form (`role`, `content`) or ShareGPT's (`from`, `value`), and answers.

use internlm_model::chat::openai::{ChatMessage, FunctionCall, MessageRole, ToolCall, read_messages};
use internlm_model::chat::{FunctionDefinition, Message, json_kind, offer_tools};
use serde_json::{Map, Value};

/// What a row lacks: (found, expected).
pub(super) type Problem = (String, String);

/// Keys that weigh single messages in other data; an answer counts as a whole here.
const WEIGHTS: [&str; 2] = ["loss", "weight"];

/// The messages of a list at `place`.
pub(super) fn messages(value: &Value, place: &str) -> Result<Vec<ChatMessage>, Problem> {
    let Value::Array(list) = value else {
        return Err((format!("{place}: {}", json_kind(value)), "a list of messages".to_owned()));
    };
    list.iter().enumerate().map(|(index, value)| message(value, &format!("{place}.{index}"))).collect()
}

/// An answer at `place`: its text, one message, or a list of messages.
pub(super) fn answer(value: &Value, place: &str) -> Result<Vec<ChatMessage>, Problem> {
    match value {
        Value::String(text) => Ok(vec![ChatMessage::assistant(text)]),
        Value::Object(_) => Ok(vec![message(value, place)?]),
        _ => messages(value, place),
    }
}

/// A prompt at `place`: the text of a user, one message, or a list of messages.
pub(super) fn question(value: &Value, place: &str) -> Result<Vec<ChatMessage>, Problem> {
    match value {
        Value::String(text) => Ok(vec![ChatMessage::user(text)]),
        other => answer(other, place),
    }
}

fn message(value: &Value, place: &str) -> Result<ChatMessage, Problem> {
    let Value::Object(map) = value else {
        let found = format!("{place}: {}", json_kind(value));
        return Err((found, r#"a message: {"role": .., "content": ..}"#.to_owned()));
    };
    if let Some(key) = WEIGHTS.into_iter().find(|key| map.get(*key).is_some_and(|value| !value.is_null())) {
        let found = format!("{place}.{key}: {}", map[key]);
        return Err((found, "no weights of messages: an answer is preferred as a whole".to_owned()));
    }
    if map.contains_key("from") && !map.contains_key("role") {
        return sharegpt(map, place);
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (inside, inner) = (error.path().to_string(), error.inner());
        let found = match inside.as_str() {
            "." | "?" => format!("{place}: {inner}"),
            inside => format!("{place}.{inside}: {inner}"),
        };
        (found, r#"a message: {"role": .., "content": ..}"#.to_owned())
    })
}

/// A message of ShareGPT's form.
fn sharegpt(map: &Map<String, Value>, place: &str) -> Result<ChatMessage, Problem> {
    let text = match map.get("value") {
        Some(Value::String(text)) => text.as_str(),
        other => {
            let found = other.map_or("nothing", json_kind);
            return Err((format!("{place}.value: {found}"), "the text of the message".to_owned()));
        }
    };
    let from = map.get("from").and_then(Value::as_str).unwrap_or_default();
    let role = match from {
        "human" | "user" => MessageRole::User,
        "gpt" | "assistant" | "chatgpt" => MessageRole::Assistant,
        "system" => MessageRole::System,
        "observation" | "tool" | "function_response" => MessageRole::Tool,
        "function_call" => return calls(text, place),
        other => {
            let expected = "human, gpt, system, function_call or observation";
            return Err((format!("{place}.from: \"{other}\""), expected.to_owned()));
        }
    };
    Ok(ChatMessage::new(role, text))
}

/// The calls of a `function_call`, which is one object or a list of them as text.
fn calls(text: &str, place: &str) -> Result<ChatMessage, Problem> {
    let read = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(list)) => serde_json::from_value::<Vec<FunctionCall>>(Value::Array(list)),
        Ok(one) => serde_json::from_value::<FunctionCall>(one).map(|call| vec![call]),
        Err(error) => Err(error),
    };
    let calls = read.map_err(|error| {
        let expected = r#"calls as text: {"name": .., "arguments": {..}}"#;
        (format!("{place}.value: {error}"), expected.to_owned())
    })?;
    let calls = calls.into_iter().map(|call| ToolCall::new("", call)).collect();
    Ok(ChatMessage { role: MessageRole::Assistant, tool_calls: Some(calls), ..ChatMessage::default() })
}

/// The prompt with its tools, and an answer to it, in the chat format.
pub(super) fn in_chat_format(
    prompt: &[ChatMessage],
    answer: &[ChatMessage],
    tools: &[FunctionDefinition],
) -> Result<(Vec<Message>, Vec<Message>), Problem> {
    let all = [prompt, answer].concat();
    // Results in the answer refer to calls of the prompt: both are read together.
    let mut read = read_messages(&all).map_err(|problem| {
        let found = format!("in the prompt with its answer, {}: {}", problem.place, problem.found);
        (found, problem.expected)
    })?;
    let answer = read.split_off(prompt.len());
    offer_tools(&mut read, tools);
    Ok((read, answer))
}
