//! Reader of OpenAI messages, one conversation per line of jsonl.
//!
//! `{"messages": [{"role", "content", "name"?, "tool_calls"?, "loss"?, "weight"?}, ..], "tools"?: [..]}`; other keys of
//! a line are ignored. Messages and tools become the chat format as `internlm-model` reads them for the server
//! ([`read_messages`], [`read_tools`]): what is trained is what will be served. As in XTuner's `openai` format, leading
//! assistant messages are skipped. `"loss": false` and OpenAI's `"weight": 0` take a message out of the loss.

use std::path::Path;

use internlm_kit::file;
use internlm_model::chat::openai::{
    ChatMessage, FieldProblem, MessageRole, ToolDefinition, read_messages, read_tools,
};
use internlm_model::chat::{Loss, Message, Role};
use serde::Deserialize;
use serde_json::Value;

use super::conversation::{Conversation, Turn, default_loss};
use crate::{Error, Result};

/// What a line lacks: (found, expected).
type Problem = (String, String);

/// One line.
#[derive(Deserialize)]
struct Line {
    messages: Vec<ChatMessage>,
    tools: Option<Vec<ToolDefinition>>,
}

/// Reads every conversation of a jsonl file; blank lines are skipped.
///
/// # Errors
/// A file that cannot be read, and [`Error::Line`] for the first line that is not a conversation.
pub fn read_openai(path: &Path) -> Result<Vec<Conversation>> {
    let text = file::read_to_string(path)?;
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

/// Parses one line into a conversation.
///
/// # Errors
/// What was found and what was expected.
pub fn parse_openai(line: &str) -> Result<Conversation, Problem> {
    if line.trim_start().starts_with('[') {
        let expected =
            "one object with `messages` on each line: a file that is one list has to be cut into lines";
        return Err(("a JSON list".to_owned(), expected.to_owned()));
    }
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let parsed: Line = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let found = format!("{}: {}", error.path(), error.inner());
        (found, r#"an object with `messages`: [{"role": .., "content": ..}, ..]"#.to_owned())
    })?;
    deserializer
        .end()
        .map_err(|error| (format!("more behind the object ({error})"), "one object".to_owned()))?;
    let Line { mut messages, tools } = parsed;
    skip_leading_answers(&mut messages);
    let mut turns = Vec::new();
    let losses = messages.iter_mut().enumerate().map(take_loss).collect::<Result<Vec<_>, Problem>>()?;
    let read = read_messages(&messages).map_err(at_field)?;
    for (index, (message, loss)) in read.into_iter().zip(losses).enumerate() {
        if says_nothing(&message) {
            let found = format!("messages.{index}: an assistant message that says nothing");
            return Err((found, "`content` or `tool_calls`".to_owned()));
        }
        turns.push(Turn { loss: loss.unwrap_or(default_loss(&message)), message });
    }
    let mut conversation = Conversation { turns };
    conversation.offer(&read_tools(&tools.unwrap_or_default()).map_err(at_field)?);
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

fn at_field(problem: FieldProblem) -> Problem {
    (format!("{}: {}", problem.place, problem.found), problem.expected)
}

fn says_nothing(message: &Message) -> bool {
    message.role == Role::Assistant && message.text().is_empty() && message.calls.is_empty()
}

/// As long as nothing was asked, answers are not learned from; XTuner leaves them out too.
fn skip_leading_answers(messages: &mut Vec<ChatMessage>) {
    let mut asked = false;
    messages.retain(|message| match message.role {
        MessageRole::Assistant => asked,
        MessageRole::System | MessageRole::Developer => true,
        MessageRole::User | MessageRole::Tool | MessageRole::Environment => {
            asked = true;
            true
        }
    });
}

/// What `loss` or `weight` say about a message; both keys are for training and never reach a template.
fn take_loss((index, message): (usize, &mut ChatMessage)) -> Result<Option<Loss>, Problem> {
    let mut said = None;
    for key in ["loss", "weight"] {
        let Some(value) = message.fields.shift_remove(key).filter(|value| !value.is_null()) else { continue };
        let loss = loss_of(&value).ok_or_else(|| {
            let found = format!("messages.{index}.{key}: {value}");
            (found, "true or false, 1 or 0: parts of a weight are not supported".to_owned())
        })?;
        if loss == Loss::Keep && message.role != MessageRole::Assistant {
            let found = format!("messages.{index}.{key}: {value} on a message that is not the assistant's");
            return Err((found, "loss on assistant messages only".to_owned()));
        }
        if said.is_some_and(|said| said != loss) {
            let found = format!("messages.{index}: `loss` and `weight` that contradict each other");
            return Err((found, "one of them".to_owned()));
        }
        said = Some(loss);
    }
    Ok(said)
}

/// 0 and false mask, 1 and true do not, as numbers, booleans or text.
fn loss_of(value: &Value) -> Option<Loss> {
    let number = match value {
        Value::Bool(kept) => f64::from(u8::from(*kept)),
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "true" => 1.0,
            "false" => 0.0,
            text => text.parse().ok()?,
        },
        _ => return None,
    };
    match number {
        0.0 => Some(Loss::Skip),
        1.0 => Some(Loss::Keep),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
