//! Reader of OpenAI messages, one conversation per line of jsonl, or per element of one JSON list.
//!
//! `{"messages": [{"role", "content", "name"?, "tool_calls"?, "loss"?, "weight"?}, ..], "tools"?: [..]}`, or the list
//! of messages alone; `functions` is OpenAI's older name of `tools`, `dialogs` XTuner's other name of `messages`. Other
//! keys are kept, and `load_dataset` warns of those that the chat template leaves out. Messages and tools become the
//! chat format as `internlm-model` reads them for the server
//! ([`read_messages`](internlm_model::chat::openai::read_messages)): what is trained is what will be served. As in
//! XTuner's `openai` format, leading assistant messages are skipped. `"loss": false` and OpenAI's `"weight": 0` take a
//! message out of the loss, other weights say how much it counts; keys with which other programs say that are refused.

mod calls;
mod chat_row;
mod weight;

use std::path::Path;

use internlm_kit::file;
use internlm_model::chat::json_kind;
use serde_json::{Map, Value};

pub(in crate::dataset) use self::calls::calls_of;
pub(in crate::dataset) use self::chat_row::ChatRow;
pub(crate) use self::chat_row::chat_message;
pub(crate) use self::weight::FOREIGN_WEIGHTS;
use super::Conversation;
use super::format::{Problem, parse_value};
use crate::Result;
use crate::json_rows::json_rows;

/// What every row has.
pub(in crate::dataset) const SHAPE: &str = r#"with `messages`: [{"role": .., "content": ..}, ..]"#;

/// Reads every conversation of a jsonl file, or of a file that is one JSON list of them; blank lines are skipped.
///
/// # Errors
/// A file that cannot be read, and [`Error::Line`](crate::Error::Line) for the first line that is not a conversation.
pub fn read_openai(path: impl AsRef<Path>) -> Result<Vec<Conversation>> {
    let path = path.as_ref();
    let text = file::read_to_string(path)?;
    let rows = json_rows(&text, path)?;
    let read = rows
        .iter()
        .map(|row| parse_openai(row.text).map_err(|(found, expected)| row.error(path, &found, &expected)));
    read.collect()
}

/// Parses one line into a conversation.
///
/// # Errors
/// What was found and what was expected.
pub fn parse_openai(line: &str) -> Result<Conversation, Problem> {
    openai_row(parse_value(line, SHAPE)?)?.into_conversation()
}

/// The messages of a row that was parsed: an object with `messages`, or the list of messages alone.
///
/// # Errors
/// What was found and what was expected.
pub(in crate::dataset) fn openai_row(row: Value) -> Result<ChatRow, Problem> {
    let (messages, mut fields) = match row {
        Value::Array(messages) => (messages, Map::new()),
        Value::Object(mut fields) => (take_messages(&mut fields)?, fields),
        other => return Err((json_kind(&other).to_owned(), format!("an object {SHAPE}"))),
    };
    let mut read = ChatRow::default();
    for (index, message) in messages.into_iter().enumerate() {
        read.push_value("messages", index, message)?;
    }
    if fields.contains_key("tools") && fields.contains_key("functions") {
        return Err(("`tools` next to `functions`".to_owned(), "only one of the two".to_owned()));
    }
    for key in ["tools", "functions"] {
        if let Some(tools) = fields.shift_remove(key) {
            read = read.with_tools(key, tools)?;
        }
    }
    Ok(read.with_fields(fields))
}

/// The list under `messages`, which tables of other programs hold as text.
fn take_messages(fields: &mut Map<String, Value>) -> Result<Vec<Value>, Problem> {
    let expected = || format!("an object {SHAPE}");
    let (key, value) = match (fields.shift_remove("messages"), fields.shift_remove("dialogs")) {
        (Some(messages), None) => ("messages", messages),
        (None, Some(dialogs)) => ("dialogs", dialogs),
        (None, None) => return Err(("missing field `messages`".to_owned(), expected())),
        (Some(_), Some(_)) => {
            return Err(("`messages` next to `dialogs`".to_owned(), "only one of the two".to_owned()));
        }
    };
    let value = match value {
        Value::String(text) => parse_value(&text, SHAPE)
            .map_err(|(found, _)| (format!("{key}: text that is not JSON ({found})"), expected()))?,
        other => other,
    };
    match value {
        Value::Array(messages) => Ok(messages),
        other => Err((format!("{key}: {}", json_kind(&other)), expected())),
    }
}

#[cfg(test)]
mod tests;
