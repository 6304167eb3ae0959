//! MOSS's dialogues: `{"meta_instruction", "num_turns", "chat": {"turn_1": {"Human", "Inner Thoughts", "Commands",
//! "Tool Responses", "MOSS"}, ..}}`.
//!
//! Every part of a turn has its own marks, such as `<|Human|>: ..<eoh>`, so no chat template is put around it. Follows
//! `MOSSSFTDataset` of xtuner/dataset/moss_sft.py: the whole dialogue is learned but for the instruction and for what
//! tools gave, whose marks are learned. XTuner leaves out turns that do not fit into the maximum length, and in silence
//! every row that it cannot read; here samples are cut as those of other formats, and such rows are refused.

use internlm_model::chat::json_kind;
use serde_json::{Map, Value};

use super::row::{Parsed, RowFields};
use super::value::Problem;
use crate::dataset::{Learned, MarkedPart};

/// Key, marks and role in learning of each part of a turn.
struct Part {
    key: &'static str,
    begin: &'static str,
    end: &'static str,
    learned: Learned,
}

const fn part(key: &'static str, begin: &'static str, end: &'static str, learned: Learned) -> Part {
    Part { key, begin, end, learned }
}

/// The parts that a turn may have; their order is that of the row.
static PARTS: [Part; 5] = [
    part("Human", "<|Human|>:", "<eoh>", Learned::All),
    part("Inner Thoughts", "<|Inner Thoughts|>:", "<eot>", Learned::All),
    part("Commands", "<|Commands|>:", "<eoc>", Learned::All),
    part("Tool Responses", "<|Results|>:", "<eor>", Learned::Marks),
    part("MOSS", "<|MOSS|>:", "<eom>", Learned::All),
];

/// The dialogue of a row, its instruction first.
///
/// # Errors
/// Turns that are missing or more than `num_turns` says, and parts without the marks of their key.
pub(super) fn parse(row: &mut RowFields) -> Result<Parsed, Problem> {
    let instruction = row.optional("meta_instruction")?.unwrap_or_default();
    let turns = turns(row)?;
    if turns.is_empty() {
        return Ok(Parsed::Left("the conversation is empty"));
    }
    let (begin, end) = (String::new(), String::new());
    let mut parts = vec![MarkedPart { begin, words: instruction, end, learned: Learned::Nothing }];
    for (number, turn) in (1..).zip(turns) {
        let place = format!("chat.turn_{number}");
        let before = parts.len();
        for (key, value) in turn.into_iter().filter(|(_, value)| !value.is_null()) {
            parts.push(marked(&key, &value, &place)?);
        }
        if parts.len() == before {
            return Err((format!("{place}: no part"), format!("parts of a turn: {}", keys())));
        }
    }
    Ok(Parsed::Marked(parts))
}

/// The turns that `num_turns` counts.
fn turns(row: &mut RowFields) -> Result<Vec<Map<String, Value>>, Problem> {
    let count = row.take("num_turns").ok_or_else(|| row.missing("num_turns"))?;
    let number = match &count {
        Value::String(text) => text.trim().parse::<usize>().ok(),
        other => other.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0).map(|n| n as usize),
    };
    let number = number.ok_or_else(|| (format!("num_turns: {count}"), "the number of turns".to_owned()))?;
    let mut chat = match row.take("chat") {
        Some(Value::Object(chat)) => chat,
        Some(other) => {
            return Err((
                format!("chat: {}", json_kind(&other)),
                "an object of turns: turn_1, ..".to_owned(),
            ));
        }
        None => return Err(row.missing("chat")),
    };
    let mut turns = Vec::new();
    for turn in 1..=number {
        match chat.shift_remove(&format!("turn_{turn}")) {
            Some(Value::Object(parts)) => turns.push(parts),
            Some(other) if !other.is_null() => {
                let expected = format!("an object with {}", keys());
                return Err((format!("chat.turn_{turn}: {}", json_kind(&other)), expected));
            }
            _ => {
                return Err((
                    format!("chat: no `turn_{turn}`"),
                    format!("{number} turns, as num_turns says"),
                ));
            }
        }
    }
    match chat.into_iter().find(|(_, value)| !value.is_null()) {
        Some((key, _)) => Err((format!("chat.{key}"), format!("{number} turns, as num_turns says"))),
        None => Ok(turns),
    }
}

/// The part under `key` of the turn at `place`, divided into its marks and its words.
fn marked(key: &str, value: &Value, place: &str) -> Result<MarkedPart, Problem> {
    let Some(Part { begin, end, learned, .. }) = PARTS.iter().find(|part| part.key == key) else {
        return Err((format!("{place}: the key `{key}`"), keys()));
    };
    let expected = || format!("a text `{begin} ..{end}`");
    let Value::String(text) = value else {
        return Err((format!("{place}.{key}: {}", json_kind(value)), expected()));
    };
    // A line end follows the last mark.
    let inside = text.strip_prefix(*begin).and_then(|rest| Some((rest, rest.trim_end().strip_suffix(*end)?)));
    let Some((rest, words)) = inside else {
        return Err((format!("{place}.{key}: a text without its marks"), expected()));
    };
    let (words, end) = rest.split_at(words.len());
    let (begin, words, end) = ((*begin).to_owned(), words.to_owned(), end.to_owned());
    Ok(MarkedPart { begin, words, end, learned: *learned })
}

/// Names of the parts.
fn keys() -> String {
    let keys: Vec<&str> = PARTS.iter().map(|part| part.key).collect();
    keys.join(", ")
}
