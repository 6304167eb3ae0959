//! Formats whose rows are one question and one answer in columns.

use internlm_model::chat::json_kind;
use internlm_model::chat::openai::ChatMessage;
use serde_json::Value;

use super::compat::Compat;
use super::name::Format;
use super::row::{Parsed, RowFields};
use super::task;
use super::value::Problem;
use crate::dataset::openai::ChatRow;

/// The answer of Alpaca rows that have none.
const NO_OUTPUT: &str = "<nooutput>";

/// Where the parts of a conversation are.
#[derive(Clone, Copy)]
struct Columns {
    system: System,
    question: &'static [Column],
    answer: &'static str,
}

/// What the model is told at the start.
#[derive(Clone, Copy)]
enum System {
    None,
    Text(&'static str),
    /// A column, which may be absent or empty.
    Column(&'static str),
}

/// One part of a question.
#[derive(Clone, Copy)]
enum Column {
    Required(&'static str),
    /// May be absent, null or empty.
    Optional(&'static str),
    /// What follows the first colon.
    BehindColon(&'static str),
}

/// The columns of `format`; `None` when it has a reader of its own.
fn columns(format: Format) -> Option<Columns> {
    use Column::{BehindColon, Optional, Required};
    let of = |system: System, question: &'static [Column], answer: &'static str| {
        Some(Columns { system, question, answer })
    };
    let said = System::Column("system");
    match format {
        Format::Default => of(said, &[Required("input")], "output"),
        Format::Alpaca => of(said, &[Required("instruction"), Optional("input")], "output"),
        Format::AlpacaZh => of(said, &[Required("instruction_zh"), Optional("input_zh")], "output_zh"),
        Format::OpenOrca => of(System::Column("system_prompt"), &[Required("question")], "response"),
        Format::CodeAlpaca => of(System::Text(task::CODER), &[Required("prompt")], "completion"),
        Format::TinyCodes => of(System::Text(task::CODER), &[Required("prompt")], "response"),
        Format::Sql => of(System::Text(task::SQL), &[Required("context"), Required("question")], "answer"),
        Format::Medical => {
            of(System::Text(task::MEDICAL), &[Required("instruction"), Optional("input")], "output")
        }
        Format::LawReference => of(System::Text(task::LAWYER), &[Required("question")], "answer"),
        Format::CrimeKgAssitan => of(System::Text(task::LAWYER), &[Required("input")], "output"),
        Format::Colors => of(System::Text(task::COLORIST), &[BehindColon("description")], "color"),
        Format::Arxiv => of(System::Text(task::ARXIV), &[Required("abstract")], "title"),
        Format::StackExchange => of(System::None, &[Required("question")], "response"),
        _ => None,
    }
}

/// The conversation of a row in columns.
///
/// # Errors
/// Columns that are absent or not text.
///
/// # Panics
/// When `format` has a reader of its own.
pub(super) fn parse(row: &mut RowFields, format: Format, compat: Compat) -> Result<Parsed, Problem> {
    let Columns { system, question, answer } = columns(format).expect("other formats have their own readers");
    let output = row.text(answer)?;
    let mut parts = Vec::with_capacity(question.len());
    for column in question {
        parts.push(match *column {
            Column::Required(key) => row.text(key)?,
            Column::Optional(key) => row.optional(key)?.unwrap_or_default(),
            Column::BehindColon(key) => behind_colon(&row.text(key)?),
        });
    }
    if output == NO_OUTPUT {
        return Ok(Parsed::Left("the answer is <nooutput>"));
    }
    if output.is_empty() {
        return Ok(Parsed::Left("the answer is empty"));
    }
    let mut chat = ChatRow::default();
    let (place, system) = match system {
        System::None => ("system", String::new()),
        System::Text(text) => ("system", text.to_owned()),
        System::Column(key) => (key, row.optional(key)?.unwrap_or_default()),
    };
    if !system.is_empty() {
        chat.push(place, ChatMessage::system(system));
    }
    if matches!(format, Format::Alpaca | Format::AlpacaZh) {
        push_history(&mut chat, row)?;
    }
    chat.push("question", ChatMessage::user(joined(&parts, compat)));
    chat.push(answer, ChatMessage::assistant(output));
    Ok(Parsed::Chat(chat))
}

/// The parts of a question as lines; XTuner writes the line end of an empty part too.
fn joined(parts: &[String], compat: Compat) -> String {
    match compat {
        Compat::Xtuner => parts.join("\n"),
        Compat::None => {
            let filled: Vec<&str> =
                parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
            filled.join("\n")
        }
    }
}

fn behind_colon(text: &str) -> String {
    text.split_once(':').map_or(text, |(_, rest)| rest).trim().to_owned()
}

/// The turns before the question, `[[question, answer], ..]`, as LLaMA-Factory has them.
fn push_history(chat: &mut ChatRow, row: &mut RowFields) -> Result<(), Problem> {
    let Some(history) = row.take("history") else { return Ok(()) };
    let problem = |place: &str, value: &Value| {
        (format!("{place}: {}", json_kind(value)), "history: [[question, answer], ..]".to_owned())
    };
    let Value::Array(rounds) = history else { return Err(problem("history", &history)) };
    for (index, round) in rounds.iter().enumerate() {
        let place = format!("history.{index}");
        let pair = round.as_array().map(Vec::as_slice);
        let Some([Value::String(question), Value::String(answer)]) = pair else {
            return Err(problem(&place, round));
        };
        chat.push(format!("{place}.0"), ChatMessage::user(question));
        chat.push(format!("{place}.1"), ChatMessage::assistant(answer));
    }
    Ok(())
}
