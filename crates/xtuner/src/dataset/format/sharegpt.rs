//! ShareGPT's conversations: `{"conversations": [{"from": "human", "value": ..}, {"from": "gpt", "value": ..}, ..]}`,
//! with LLaMA-Factory's calls and observations; and WizardLM's, in which the two strictly take turns.

use internlm_model::chat::json_kind;
use internlm_model::chat::openai::ChatMessage;
use serde_json::{Map, Value};

use super::row::{Parsed, RowFields};
use super::value::{Problem, parse_value};
use crate::dataset::openai::{ChatRow, calls_of};

/// What a turn is expected to be.
const TURN: &str = r#"a turn {"from": .., "value": ..}"#;

/// Speakers by the role that they have in OpenAI's form.
const SPEAKERS: [(&str, &[&str]); 5] = [
    ("system", &["system"]),
    ("user", &["human", "user"]),
    ("assistant", &["gpt", "assistant", "chatgpt", "bing", "bard"]),
    (CALLS, &["function_call", "tool_call"]),
    ("tool", &["observation", "tool", "function_response", "function"]),
];

/// Stands for the role of a turn that is calls alone.
const CALLS: &str = "calls";

/// The conversation of a row, with its keys `system` and `tools`.
///
/// # Errors
/// What is not a turn, an unknown speaker, and calls or tools that cannot be read.
pub(super) fn parse(row: &mut RowFields) -> Result<Parsed, Problem> {
    let mut chat = ChatRow::default();
    let turns = turns(row)?;
    let system = row.optional("system")?.filter(|text| !text.is_empty());
    if let Some(text) = system {
        if turns.first().and_then(speaker) == Some("system") {
            return Err(("`system` next to a first turn of it".to_owned(), "only one of the two".to_owned()));
        }
        chat.push("system", ChatMessage::system(text));
    }
    for (index, turn) in turns.into_iter().enumerate() {
        let message = as_openai(turn, &format!("conversations.{index}"))?;
        chat.push_value("conversations", index, message)?;
    }
    match row.take("tools") {
        Some(tools) => Ok(Parsed::Chat(chat.with_tools("tools", tools)?)),
        None => Ok(Parsed::Chat(chat)),
    }
}

/// The conversation of a row of WizardLM: what comes before the first `human` and a last question are left out.
///
/// # Errors
/// What is not a turn, and two turns in a row of one speaker.
pub(super) fn wizardlm(row: &mut RowFields) -> Result<Parsed, Problem> {
    let turns = turns(row)?;
    let first = turns.iter().position(|turn| speaker(turn) == Some("human")).unwrap_or(turns.len());
    let length = (turns.len() - first) / 2 * 2;
    if length == 0 {
        return Ok(Parsed::Left("no question is answered"));
    }
    let mut chat = ChatRow::default();
    for (index, turn) in turns.into_iter().enumerate().skip(first).take(length) {
        let expected = if (index - first).is_multiple_of(2) { "human" } else { "gpt" };
        let place = format!("conversations.{index}");
        if speaker(&turn) != Some(expected) {
            let found = turn.get("from").map_or("no `from`".to_owned(), |from| format!("from {from}"));
            return Err((format!("{place}: {found}"), format!("from \"{expected}\"")));
        }
        chat.push_value("conversations", index, as_openai(turn, &place)?)?;
    }
    Ok(Parsed::Chat(chat))
}

/// The turns of a row, which tables of other programs hold as text.
fn turns(row: &mut RowFields) -> Result<Vec<Value>, Problem> {
    match row.take("conversations") {
        Some(Value::Array(turns)) => Ok(turns),
        Some(Value::String(text)) => match parse_value(&text, TURN) {
            Ok(Value::Array(turns)) => Ok(turns),
            Ok(other) => Err((format!("conversations: {}", json_kind(&other)), format!("a list of {TURN}"))),
            Err((found, _)) => {
                Err((format!("conversations: text that is not JSON ({found})"), format!("a list of {TURN}")))
            }
        },
        Some(other) => Err((format!("conversations: {}", json_kind(&other)), format!("a list of {TURN}"))),
        None => Err(row.missing("conversations")),
    }
}

/// Who speaks, as it is written.
pub(super) fn speaker(turn: &Value) -> Option<&str> {
    turn.get("from").or_else(|| turn.get("role"))?.as_str()
}

/// A turn as a message of OpenAI's form; other keys of it stay.
///
/// # Errors
/// What is not a turn of a known speaker, and calls that cannot be read.
pub(crate) fn as_openai(turn: Value, place: &str) -> Result<Value, Problem> {
    let Value::Object(mut turn) = turn else {
        return Err((format!("{place}: {}", json_kind(&turn)), TURN.to_owned()));
    };
    let from = take_either(&mut turn, ["from", "role"], place)?;
    let value = take_either(&mut turn, ["value", "content"], place)?;
    let role = from.as_str().and_then(role).ok_or_else(|| {
        let known: Vec<&str> = SPEAKERS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        (format!("{place}.from: {from}"), format!("one of {}", known.join(", ")))
    })?;
    if role == CALLS {
        turn.insert("role".to_owned(), "assistant".into());
        turn.insert("content".to_owned(), Value::Null);
        turn.insert("tool_calls".to_owned(), calls_of(&value, &format!("{place}.value"))?);
    } else {
        turn.insert("role".to_owned(), role.into());
        turn.insert("content".to_owned(), value);
    }
    Ok(Value::Object(turn))
}

fn role(speaker: &str) -> Option<&'static str> {
    SPEAKERS.iter().find(|(_, names)| names.contains(&speaker)).map(|(role, _)| *role)
}

/// The value under one of two names of a key.
fn take_either(turn: &mut Map<String, Value>, names: [&str; 2], place: &str) -> Result<Value, Problem> {
    let [first, second] = names.map(|name| turn.shift_remove(name));
    match (first, second) {
        (Some(value), None) | (None, Some(value)) => Ok(value),
        (Some(_), Some(_)) => {
            let found = format!("{place}: `{}` next to `{}`", names[0], names[1]);
            Err((found, "only one of the two".to_owned()))
        }
        (None, None) => Err((format!("{place}: missing field `{}`", names[0]), TURN.to_owned())),
    }
}
