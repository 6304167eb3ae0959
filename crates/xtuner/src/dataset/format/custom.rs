//! XTuner's own form: `{"conversation": [{"system"?, "input", "output", "output_with_loss"?}, ..]}`.
//!
//! A conversation of one turn whose input is empty is how XTuner's documents write text to continue training on.

use internlm_model::chat::json_kind;
use internlm_model::chat::openai::ChatMessage;
use serde_json::Value;

use super::name::Format;
use super::row::{Parsed, RowFields};
use super::value::Problem;
use crate::dataset::openai::ChatRow;

/// The conversation of a row with `conversation`.
///
/// # Errors
/// Turns that are not such objects, and settings of a turn that belong to the template.
pub(super) fn parse(row: &mut RowFields) -> Result<Parsed, Problem> {
    let turns = row.list("conversation")?;
    if turns.is_empty() {
        return Ok(Parsed::Left("the conversation is empty"));
    }
    let only = turns.len() == 1;
    let mut chat = ChatRow::default();
    for (index, value) in turns.into_iter().enumerate() {
        let place = format!("conversation.{index}");
        let Turn { system, input, output, loss } = turn(value, &place)?;
        if only && system.is_empty() && input.is_empty() {
            let text = output.trim();
            return Ok(if text.is_empty() {
                Parsed::Left("the text is empty")
            } else {
                Parsed::Text(text.to_owned())
            });
        }
        if !system.is_empty() {
            chat.push(format!("{place}.system"), ChatMessage::system(system));
        }
        // A turn without a question follows the one before it at once.
        if !input.is_empty() {
            chat.push(format!("{place}.input"), ChatMessage::user(input));
        }
        let mut answer = ChatMessage::assistant(output);
        answer.fields.extend(loss.map(|loss| ("loss".to_owned(), loss)));
        chat.push(format!("{place}.output"), answer);
    }
    Ok(Parsed::Chat(chat))
}

/// One turn as it is written.
struct Turn {
    system: String,
    input: String,
    output: String,
    loss: Option<Value>,
}

fn turn(value: Value, place: &str) -> Result<Turn, Problem> {
    let inside = |(found, expected): Problem| (format!("{place}.{found}"), expected);
    if !value.is_object() {
        return Err((
            format!("{place}: {}", json_kind(&value)),
            "a turn with `input` and `output`".to_owned(),
        ));
    }
    let mut fields = RowFields::new(value, Format::Default)?;
    let system = fields.optional("system").map_err(inside)?.unwrap_or_default();
    let input = fields.optional("input").map_err(inside)?.unwrap_or_default();
    let output = fields
        .text("output")
        .map_err(|(found, _)| (format!("{place}: {found}"), "a turn with the text `output`".to_owned()))?;
    let loss = fields.take("output_with_loss");
    let end = fields.take("need_eos_token");
    let sep = fields.take("sep").filter(|sep| sep.as_str() != Some(""));
    // A text without a template has no end in any case.
    let is_text = system.is_empty() && input.is_empty();
    if let Some(end) = end.filter(|end| *end != Value::Bool(true) && !is_text) {
        let found = format!("{place}.need_eos_token: {end}");
        return Err((found, "true, or nothing: the template writes the end of a turn".to_owned()));
    }
    if let Some(sep) = sep {
        return Err((format!("{place}.sep: {sep}"), "nothing: the template separates turns".to_owned()));
    }
    match fields.rest().into_iter().find(|(_, value)| !value.is_null()) {
        Some((key, _)) => {
            let expected = "system, input, output and output_with_loss".to_owned();
            Err((format!("{place}: the key `{key}`"), expected))
        }
        None => Ok(Turn { system, input, output, loss }),
    }
}
