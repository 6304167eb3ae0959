//! [`write_row`]: documents as rows of a format. What a format has no place for is refused, not left out.

mod alternating;
mod messages;

use serde_json::{Value, json};

use self::alternating::{Round, rounds};
use super::name::Format;
use super::tokens::IGNORED;
use super::value::Problem;
use crate::dataset::{Conversation, Document, Sample};

/// Formats that rows can be written in.
pub const WRITTEN: [Format; 7] = [
    Format::OpenAi,
    Format::ShareGpt,
    Format::Alpaca,
    Format::Default,
    Format::Pretrain,
    Format::Tokenized,
    Format::InternEvo,
];

/// One row in `format`, which reads back as the same document.
///
/// # Errors
/// A format that is not written, and what `format` has no place for.
pub fn write_row(document: &Document, format: Format) -> Result<Value, (String, String)> {
    match (document, format) {
        (Document::Chat(conversation), Format::OpenAi) => messages::openai(conversation),
        (Document::Chat(conversation), Format::ShareGpt) => messages::sharegpt(conversation),
        (Document::Chat(conversation), Format::Alpaca) => alpaca(conversation),
        (Document::Chat(conversation), Format::Default) => default(conversation),
        (Document::Text(text), Format::Pretrain) => Ok(json!({"text": text})),
        (Document::Text(text), Format::Default) => {
            Ok(json!({"conversation": [{"input": "", "output": text, "need_eos_token": false}]}))
        }
        (Document::Tokens(sample), Format::Tokenized) => tokenized(sample),
        (Document::Tokens(sample), Format::InternEvo) => internevo(sample),
        (document, format) => Err(unwritten(document, format)),
    }
}

/// The problem of a document that `format` does not hold.
fn unwritten(document: &Document, format: Format) -> Problem {
    let kind = match document {
        Document::Chat(_) => "a conversation",
        Document::Text(_) => "text without a template",
        Document::Marked(_) => "text with marks of its own",
        Document::Tokens(_) => "ids",
    };
    let fitting = WRITTEN.iter().filter(|format| fits(document, **format));
    let names: Vec<&str> = fitting.map(|format| format.name()).collect();
    let expected = if names.is_empty() { "a set of another format".to_owned() } else { names.join(", ") };
    (format!("{kind} to write as `{format}`"), expected)
}

fn fits(document: &Document, format: Format) -> bool {
    match document {
        Document::Chat(_) => {
            matches!(format, Format::OpenAi | Format::ShareGpt | Format::Alpaca | Format::Default)
        }
        Document::Text(_) => matches!(format, Format::Pretrain | Format::Default),
        Document::Marked(_) => false,
        Document::Tokens(_) => matches!(format, Format::Tokenized | Format::InternEvo),
    }
}

/// The last round is the row's own, the ones before it are its history.
fn alpaca(conversation: &Conversation) -> Result<Value, Problem> {
    let (system, rounds) = rounds(conversation, "alpaca")?;
    if rounds.iter().any(|round| round.weight != 1.0) {
        let found = "an answer that does not count as 1".to_owned();
        return Err((found, "answers that are learned: alpaca has no place for weights".to_owned()));
    }
    let Some((last, history)) = rounds.split_last() else {
        return Err(("no answer".to_owned(), "a question and its answer".to_owned()));
    };
    let mut row = json!({"instruction": last.question, "input": "", "output": last.answer});
    if let Some(system) = system {
        row["system"] = system.into();
    }
    if !history.is_empty() {
        row["history"] = history.iter().map(|round| json!([round.question, round.answer])).collect();
    }
    Ok(with_fields(row, conversation))
}

fn default(conversation: &Conversation) -> Result<Value, Problem> {
    let (mut system, rounds) = rounds(conversation, "default")?;
    if rounds.iter().any(|round| round.question.is_empty()) {
        let found = "an empty question".to_owned();
        return Err((found, "a question: default reads answers without one as text".to_owned()));
    }
    let turn = |Round { question, answer, weight }: &Round<'_>| {
        let mut turn = json!({"input": question, "output": answer});
        if let Some(system) = system.take() {
            turn["system"] = system.into();
        }
        match *weight {
            1.0 => {}
            0.0 => turn["output_with_loss"] = false.into(),
            weight => {
                let found = format!("an answer that counts {weight}");
                return Err((found, "0 or 1: default has no place for other weights".to_owned()));
            }
        }
        Ok(turn)
    };
    let turns = rounds.iter().map(turn).collect::<Result<Vec<Value>, Problem>>()?;
    Ok(with_fields(json!({"conversation": turns}), conversation))
}

/// The row with the keys of the row that it was read from; its own keys win.
fn with_fields(mut row: Value, conversation: &Conversation) -> Value {
    if let Value::Object(row) = &mut row {
        for (key, value) in &conversation.fields {
            row.entry(key).or_insert_with(|| value.clone());
        }
    }
    row
}

fn tokenized(sample: &Sample) -> Result<Value, Problem> {
    let ids: Vec<u32> = sample.ids.iter().map(|id| id.0).collect();
    let labels = pairs(sample).map(|(id, weight)| match weight {
        1.0 => Ok(i64::from(id)),
        0.0 => Ok(IGNORED),
        weight => Err((format!("an id that counts {weight}"), "0 or 1".to_owned())),
    });
    let labels = labels.collect::<Result<Vec<i64>, Problem>>()?;
    Ok(json!({"input_ids": ids, "labels": labels}))
}

fn internevo(sample: &Sample) -> Result<Value, Problem> {
    let tokens = pairs(sample).enumerate().map(|(index, (id, weight))| match weight {
        1.0 => Ok(i64::from(id)),
        // The sign of 0 cannot be seen; the first id is not predicted in any case.
        0.0 if id > 0 || index == 0 => Ok(-i64::from(id)),
        weight => {
            Err((format!("the id {id} that counts {weight}"), "0 or 1, and the id 0 learned".to_owned()))
        }
    });
    let tokens = tokens.collect::<Result<Vec<i64>, Problem>>()?;
    Ok(json!({"tokens": tokens}))
}

fn pairs(sample: &Sample) -> impl Iterator<Item = (u32, f32)> {
    sample.ids.iter().map(|id| id.0).zip(sample.weights.iter().copied())
}
