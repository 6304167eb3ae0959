//! Text to continue training on: `{"text": ..}`, `{"content": ..}`, or one message of role `pretrain`.

use internlm_model::chat::json_kind;
use serde_json::Value;

use super::name::Format;
use super::row::{Parsed, RowFields};
use super::value::Problem;

/// Role of a message that is text.
pub(super) const ROLE: &str = "pretrain";

/// The text of a row, without white space around it.
///
/// # Errors
/// A row without a text, and messages of another role.
pub(super) fn parse(row: Value) -> Result<Parsed, Problem> {
    let text = match row {
        Value::Array(messages) => message(messages)?,
        row => {
            let mut fields = RowFields::new(row, Format::Pretrain)?;
            if fields.has("messages") {
                message(fields.list("messages")?)?
            } else if fields.has("content") && !fields.has("text") {
                fields.text("content")?
            } else {
                fields.text("text")?
            }
        }
    };
    let text = text.trim();
    Ok(if text.is_empty() { Parsed::Left("the text is empty") } else { Parsed::Text(text.to_owned()) })
}

/// The text of the only message.
fn message(messages: Vec<Value>) -> Result<String, Problem> {
    let expected = || format!(r#"one message {{"role": "{ROLE}", "content": ..}}"#);
    let count = messages.len();
    let mut messages = messages.into_iter();
    let (Some(message), None) = (messages.next(), messages.next()) else {
        return Err((format!("{count} messages"), expected()));
    };
    if message.get("role").and_then(Value::as_str) != Some(ROLE) {
        let role = message.get("role").map_or("no role".to_owned(), |role| format!("the role {role}"));
        return Err((format!("messages.0: {role}"), expected()));
    }
    match message.get("content") {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err((format!("messages.0.content: {}", json_kind(other)), expected())),
        None => Err(("messages.0: no content".to_owned(), expected())),
    }
}
