//! Prompts that are lists of OpenAI messages (`RawPromptTemplate` upstream). No meta template changes them.

use internlm_model::chat::openai::{ChatMessage, MessageRole};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Part, PromptList, Section, Turn, format_fields};

/// One entry of a list of messages in a dataset file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a mark, a table with `role` and `content`, or one with `expand_column`"
)]
pub enum RawMessage {
    /// The mark of the examples, usually `</E>`.
    Mark(String),
    /// A column of the row that holds a list of messages, which take this place.
    Column {
        /// Name of the column.
        expand_column: String,
    },
    /// A message with `{field}` marks.
    Message {
        /// Author of the message.
        role: RawRole,
        /// Text with `{field}` marks.
        content: String,
    },
}

/// Author of a message in a dataset file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RawRole {
    /// Instructions for the whole conversation.
    System,
    /// The person who asks.
    User,
    /// The model that answers.
    Assistant,
}

/// Renders messages for a row, with the messages of the examples `shots` in place of `mark`. Other marks are left
/// out, as upstream leaves them out.
///
/// # Errors
/// A message, when a column does not hold a list of messages.
pub fn raw_messages(
    list: &[RawMessage],
    row: &Map<String, Value>,
    mark: Option<&str>,
    shots: &[ChatMessage],
) -> Result<Vec<ChatMessage>, String> {
    let mut messages = Vec::with_capacity(list.len());
    for entry in list {
        match entry {
            RawMessage::Mark(found) if Some(found.as_str()) == mark => messages.extend(shots.iter().cloned()),
            RawMessage::Mark(_) => {}
            RawMessage::Column { expand_column } => {
                messages.extend(expanded(row.get(expand_column), expand_column)?);
            }
            RawMessage::Message { role, content } => {
                messages.push(ChatMessage::new(author(*role), format_fields(content, row)));
            }
        }
    }
    Ok(messages)
}

/// Renders the messages of one example; marks are left out.
///
/// # Errors
/// The same as [`raw_messages`].
pub fn raw_examples(list: &[RawMessage], row: &Map<String, Value>) -> Result<Vec<ChatMessage>, String> {
    raw_messages(list, row, None, &[])
}

/// The messages of a column.
fn expanded(value: Option<&Value>, column: &str) -> Result<Vec<ChatMessage>, String> {
    match value {
        Some(Value::Array(items)) => {
            let message = |item: &Value| {
                serde_json::from_value::<ChatMessage>(item.clone())
                    .map_err(|error| format!("column {column}: found {item}, expected a message ({error})"))
            };
            items.iter().map(message).collect()
        }
        Some(Value::Null) => Ok(Vec::new()),
        Some(other) => Err(format!("column {column}: found {other}, expected a list of messages")),
        None => Err(format!("prompt.messages: found no column {column}, expected a list of messages")),
    }
}

fn author(role: RawRole) -> MessageRole {
    match role {
        RawRole::System => MessageRole::System,
        RawRole::User => MessageRole::User,
        RawRole::Assistant => MessageRole::Assistant,
    }
}

/// Turns messages into the turns of a dialogue, for models that take text. Leading messages of the system come before
/// the dialogue, as templates put them there.
#[must_use]
pub fn turns_of(messages: &[ChatMessage]) -> PromptList {
    let turn = |message: &ChatMessage| {
        let (role, fallback) = match message.role {
            MessageRole::System | MessageRole::Developer => ("SYSTEM", Some("HUMAN".to_owned())),
            MessageRole::Assistant => ("BOT", None),
            _ => ("HUMAN", None),
        };
        Part::Turn(Turn { role: role.to_owned(), fallback_role: fallback, prompt: Some(message.text()) })
    };
    let system = |message: &&ChatMessage| message.role == MessageRole::System;
    let leading = messages.iter().take_while(system).count();
    let mut parts = Vec::with_capacity(messages.len() + 4);
    if leading > 0 {
        parts.push(Part::Open(Section::Begin));
        parts.extend(messages[..leading].iter().map(turn));
        parts.push(Part::Close(Section::Begin));
    }
    parts.push(Part::Open(Section::Round));
    parts.extend(messages[leading..].iter().map(turn));
    parts.push(Part::Close(Section::Round));
    PromptList::Parts(parts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_expand_and_marks_hold_examples() {
        let list: Vec<RawMessage> = serde_json::from_value(json!([
            { "role": "system", "content": "Be {manner}." },
            "</E>",
            { "expand_column": "history" },
            { "role": "user", "content": "{q} {unknown}" }
        ]))
        .expect("a list of messages");
        let row = json!({
            "manner": "brief",
            "history": [{ "role": "user", "content": "{q}" }, { "role": "assistant", "content": "b" }],
            "q": "why?"
        });
        let row = row.as_object().expect("an object");
        let shots = [ChatMessage::user("1+1"), ChatMessage::assistant("2")];
        let found = raw_messages(&list, row, Some("</E>"), &shots).expect("renders");
        let texts: Vec<String> = found.iter().map(ChatMessage::text).collect();
        // What a column holds is taken as it is.
        assert_eq!(texts, ["Be brief.", "1+1", "2", "{q}", "b", "why? {unknown}"]);
        assert_eq!(raw_examples(&list, row).expect("renders").len(), 4);
        let error = raw_messages(&list, &Map::new(), None, &[]).expect_err("no column");
        assert!(error.contains("found no column history"), "{error}");
    }
}
