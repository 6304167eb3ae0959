//! Reader of OpenAI messages, one conversation per line of jsonl.
//!
//! `{"messages": [{"role", "content", "name"?, "tool_calls"?, "loss"?}, ..], "tools"?: [..]}`; other keys are
//! ignored. Roles are system (developer), user, assistant, tool and environment. Content is a text, null, or a
//! list of `{"type": "text", "text" or "value"}`. As in xtuner's `openai` format leading assistant messages are
//! skipped and `"loss": false` masks a message; tools, calls and results become InternLM2's plugin turns, with
//! JSON written as Python's `json.dumps(.., ensure_ascii=False)`, which is what the deployed template writes.

use std::fs;
use std::path::Path;

use internlm_model::chat::{Channel, Loss, Message, Role, ToolCall, python_json, tools_message};
use serde_json::{Value, json};

use super::conversation::{Conversation, Turn, default_loss};
use crate::{Error, Result};

/// What a line lacks: (found, expected).
type Problem = (String, String);

/// Reads every conversation of a jsonl file; blank lines are skipped.
///
/// # Errors
/// A file that cannot be read, and [`Error::Line`] for the first line that is not a conversation.
pub fn read_openai(path: &Path) -> Result<Vec<Conversation>> {
    let text = fs::read_to_string(path).map_err(Error::io(path, "read"))?;
    let mut conversations = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let conversation = parse_openai(line).map_err(|(found, expected)| Error::Line {
            path: path.to_path_buf(),
            line: index + 1,
            found,
            expected,
        })?;
        conversations.push(conversation);
    }
    Ok(conversations)
}

/// Parses one conversation.
///
/// # Errors
/// What was found and what was expected.
pub fn parse_openai(line: &str) -> Result<Conversation, Problem> {
    let value: Value = serde_json::from_str(line)
        .map_err(|error| (format!("malformed JSON ({error})"), "an object with `messages`".to_owned()))?;
    let messages = value
        .get("messages")
        .and_then(Value::as_array)
        .ok_or_else(|| (key_kind(&value, "messages"), "`messages`: a list".to_owned()))?;
    let mut turns = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let turn = parse_turn(message)
            .map_err(|(found, expected)| (format!("messages[{index}]: {found}"), expected))?;
        // Nothing was asked yet: as upstream, an answer to nothing is not learned from.
        if turn.message.role == Role::Assistant && turns.iter().all(is_system) {
            continue;
        }
        turns.push(turn);
    }
    if let Some(tools) = offered_tools(&value)? {
        let message = tools_message(&tools);
        let place = turns.iter().take_while(|turn| is_system(turn)).count();
        turns.insert(place, Turn { loss: default_loss(&message), message });
    }
    let conversation = Conversation { turns };
    if conversation.learned() == 0 {
        let roles: Vec<&str> = conversation.turns.iter().map(|turn| turn.message.role.name()).collect();
        let found = format!("no assistant message with loss (roles: {})", roles.join(", "));
        return Err((
            found,
            "at least one answer of the assistant to learn, after a user message".to_owned(),
        ));
    }
    Ok(conversation)
}

fn is_system(turn: &Turn) -> bool {
    turn.message.role == Role::System
}

/// The `function` objects of `tools`, when any are offered.
fn offered_tools(conversation: &Value) -> Result<Option<Vec<Value>>, Problem> {
    let tools = match conversation.get("tools") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(tools)) if tools.is_empty() => return Ok(None),
        Some(Value::Array(tools)) => tools,
        Some(other) => return Err((format!("`tools`: {}", kind(other)), "a list of tools".to_owned())),
    };
    let functions = tools.iter().enumerate().map(|(index, tool)| {
        let function = tool.get("function").unwrap_or(tool);
        match function.get("name").and_then(Value::as_str) {
            Some(_) => Ok(function.clone()),
            None => {
                let found = format!("tools[{index}] without a `name`");
                Err((found, r#"{"type": "function", "function": {"name": ..}}"#.to_owned()))
            }
        }
    });
    functions.collect::<Result<Vec<Value>, Problem>>().map(Some)
}

fn parse_turn(value: &Value) -> Result<Turn, Problem> {
    let role = value
        .get("role")
        .and_then(Value::as_str)
        .ok_or_else(|| (key_kind(value, "role"), "`role`: a string".to_owned()))?;
    let (role, channel) = match role {
        "system" | "developer" => (Role::System, None),
        "user" => (Role::User, None),
        "assistant" => (Role::Assistant, None),
        "tool" | "environment" => (Role::Environment, Some(Channel::Plugin)),
        other => {
            let expected = "role system, developer, user, assistant, tool or environment";
            return Err((format!("role `{other}`"), expected.to_owned()));
        }
    };
    let channel = match value.get("name").and_then(Value::as_str) {
        Some(name) => channel_of(name).or(channel),
        None => channel,
    };
    let calls = parse_calls(value)?;
    let content = parse_content(value.get("content"))?;
    if role == Role::Assistant && content.is_empty() && calls.is_empty() {
        let expected = "`content` or `tool_calls`".to_owned();
        return Err(("an assistant message that says nothing".to_owned(), expected));
    }
    if role != Role::Assistant && !calls.is_empty() {
        let found = format!("`tool_calls` in a message of role {}", role.name());
        return Err((found, "calls by the assistant only".to_owned()));
    }
    let message = Message { role, channel, content, calls };
    let masked = value.get("loss").and_then(Value::as_bool) == Some(false);
    Ok(Turn { loss: if masked { Loss::Skip } else { default_loss(&message) }, message })
}

/// The turn's channel when its `name` is one; a person's name is none.
fn channel_of(name: &str) -> Option<Channel> {
    [Channel::Plugin, Channel::Interpreter, Channel::File].into_iter().find(|channel| channel.name() == name)
}

fn parse_content(content: Option<&Value>) -> Result<String, Problem> {
    match content {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) => parts.iter().map(parse_part).collect(),
        Some(other) => {
            Err((format!("`content`: {}", kind(other)), "a string, null or a list of text parts".to_owned()))
        }
    }
}

fn parse_part(part: &Value) -> Result<String, Problem> {
    let text = part.get("text").or_else(|| part.get("value")).and_then(Value::as_str);
    let text = text.filter(|_| part.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "text"));
    text.map(str::to_owned).ok_or_else(|| {
        let found = format!("content part {part}");
        (found, r#"{"type": "text", "text": ..}: this model reads text only"#.to_owned())
    })
}

fn parse_calls(message: &Value) -> Result<Vec<ToolCall>, Problem> {
    let calls = match message.get("tool_calls") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(calls)) => calls,
        Some(other) => {
            return Err((format!("`tool_calls`: {}", kind(other)), "a list of calls".to_owned()));
        }
    };
    let parse = |(index, call): (usize, &Value)| {
        parse_call(call).map_err(|found| {
            let expected = r#"{"function": {"name": .., "arguments": "{..}"}} with arguments in JSON"#;
            (format!("tool_calls[{index}] {found}"), expected.to_owned())
        })
    };
    calls.iter().enumerate().map(parse).collect()
}

fn parse_call(call: &Value) -> Result<ToolCall, String> {
    let function = call.get("function").ok_or("without `function`")?;
    let name = function.get("name").and_then(Value::as_str).ok_or("without `function.name`")?;
    let parameters = match function.get("arguments") {
        None => json!({}),
        Some(Value::String(text)) if text.trim().is_empty() => json!({}),
        Some(Value::String(text)) => serde_json::from_str(text)
            .map_err(|error| format!("with arguments `{text}` that are not JSON ({error})"))?,
        Some(other) => other.clone(),
    };
    let body = python_json(&json!({"name": name, "parameters": parameters}));
    Ok(ToolCall { channel: Channel::Plugin, body })
}

/// `nothing`, or the kind of what stands under `key`.
fn key_kind(value: &Value, key: &str) -> String {
    match value.get(key) {
        None if value.is_object() => format!("an object without `{key}`"),
        None => kind(value).to_owned(),
        Some(other) => format!("`{key}`: {}", kind(other)),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_results_and_tools_become_plugin_turns() {
        let line = r#"{"tools": [{"type": "function", "function": {"name": "Calculator"}}], "messages": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "1+1?"}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function",
             "function": {"name": "Calculator", "arguments": "{\"expression\":\"1+1\"}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "2"}, {"role": "assistant", "content": "2."}]}"#;
        let conversation = parse_openai(&line.replace('\n', " ")).expect("parses");
        let messages = conversation.messages();
        let roles: Vec<&str> = messages.iter().map(|message| message.role.name()).collect();
        assert_eq!(roles, ["system", "system", "user", "assistant", "environment", "assistant"]);
        assert_eq!(
            (messages[1].channel, messages[4].channel),
            (Some(Channel::Plugin), Some(Channel::Plugin))
        );
        let body = r#"{"name": "Calculator", "parameters": {"expression": "1+1"}}"#;
        assert_eq!(messages[3].calls[0].body, body);
        assert_eq!(conversation.learned(), 2);
    }

    #[test]
    fn leading_answers_are_skipped_and_loss_false_masks() {
        let line = r#"{"messages": [{"role": "assistant", "content": "Hi"}, {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b", "loss": false}, {"role": "user", "content": "c"},
            {"role": "assistant", "content": "d"}]}"#;
        let conversation = parse_openai(&line.replace('\n', " ")).expect("parses");
        assert_eq!((conversation.turns.len(), conversation.learned()), (4, 1));
    }

    #[test]
    fn problems_say_what_was_found_and_expected() {
        let cases = [
            ("{", "malformed JSON"),
            ("[]", "a list"),
            (r#"{"messages": 3}"#, "`messages`: a number"),
            (r#"{"messages": [{"role": "robot", "content": "x"}]}"#, "messages[0]: role `robot`"),
            (r#"{"messages": [{"content": "x"}]}"#, "without `role`"),
            (r#"{"messages": [{"role": "user", "content": "x"}]}"#, "no assistant message"),
            (r#"{"messages": [{"role": "user", "content": 1}]}"#, "`content`: a number"),
            (
                r#"{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls":
                [{"function": {"name": "f", "arguments": "{"}}]}]}"#,
                "tool_calls[0] with arguments `{`",
            ),
        ];
        for (line, expected) in cases {
            let (found, _) = parse_openai(&line.replace('\n', " ")).expect_err(line);
            assert!(found.contains(expected), "{line}: {found}");
        }
    }
}
