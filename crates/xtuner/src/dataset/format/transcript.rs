//! Transcripts in one text: `### Human: .. ### Assistant: ..`, as Open Assistant's sets have them.
//!
//! XTuner cuts at every `###` and loses answers with headings; here only the two marks cut.

use internlm_model::chat::openai::ChatMessage;

use super::row::{Parsed, RowFields};
use super::value::Problem;
use crate::dataset::openai::ChatRow;

/// Begins what the person says.
pub(super) const HUMAN: &str = "### Human:";
/// Begins what the model says.
const ASSISTANT: &str = "### Assistant:";

/// The conversation of a row with `text`.
///
/// # Errors
/// A text without a mark.
pub(super) fn parse(row: &mut RowFields) -> Result<Parsed, Problem> {
    let text = row.text("text")?;
    let mut turns = turns(&text);
    let is_question = |(mark, _): &(&str, &str)| *mark == HUMAN;
    while turns.last().is_some_and(is_question) {
        turns.pop();
    }
    if turns.is_empty() && text.contains(HUMAN) {
        return Ok(Parsed::Left("no question is answered"));
    }
    if turns.is_empty() {
        return Err((format!("text: no `{HUMAN}`"), format!("`{HUMAN} ..` and `{ASSISTANT} ..`")));
    }
    let mut chat = ChatRow::default();
    for (mark, said) in turns {
        let message = if mark == HUMAN { ChatMessage::user(said) } else { ChatMessage::assistant(said) };
        chat.push("text", message);
    }
    Ok(Parsed::Chat(chat))
}

/// Every mark with what follows it.
fn turns(text: &str) -> Vec<(&str, &str)> {
    let mut turns: Vec<(&str, &str)> = Vec::new();
    let mut rest = text;
    while let Some((place, mark)) = next_mark(rest) {
        if let Some((_, said)) = turns.last_mut() {
            *said = rest[..place].trim();
        }
        rest = &rest[place + mark.len()..];
        turns.push((mark, rest.trim()));
    }
    turns
}

fn next_mark(text: &str) -> Option<(usize, &'static str)> {
    let places = [HUMAN, ASSISTANT].into_iter().filter_map(|mark| Some((text.find(mark)?, mark)));
    places.min_by_key(|(place, _)| *place)
}
