//! MS-Agent's dialogues with tools, rewritten to the words of ReAct: Thought, Action, Action Input, Response, Final
//! Answer.
//!
//! Follows `msagent_react_map_fn` of xtuner/dataset/map_fns/dataset_map_fns/msagent_map_fn.py to the letter of the
//! texts.
//! XTuner leaves out the answer after a result that it cannot read; here the whole row is left out, and counted.

mod calls;
mod tools;

use internlm_model::chat::json_kind;
use internlm_model::chat::openai::ChatMessage;
use serde_json::Value;

use self::calls::{EXEC_BEGIN, executed, thoughts};
use self::tools::tools_text;
use super::literal::parse_literal;
use super::row::{Parsed, RowFields};
use super::sharegpt::speaker;
use super::value::{Problem, parse_value};
use crate::dataset::openai::ChatRow;

/// Begins what the model thinks and calls.
pub(super) const THINK_BEGIN: &str = "<|startofthink|>";

/// What a turn is expected to be.
const TURN: &str = r#"a turn {"from": "system", "user" or "assistant", "value": ..}"#;

/// The conversation of a row; rows with calls that are not JSON are left out.
///
/// # Errors
/// What is not a turn.
pub(super) fn parse(row: &mut RowFields) -> Result<Parsed, Problem> {
    let turns = turns(row)?;
    if turns.len() < 2 {
        return Ok(Parsed::Left("fewer than two turns"));
    }
    let mut writer = Writer::default();
    for (index, turn) in turns.iter().enumerate() {
        let place = format!("conversations.{index}");
        let Some(Value::String(said)) = turn.get("value").or_else(|| turn.get("content")) else {
            return Err((format!("{place}: no text `value`"), TURN.to_owned()));
        };
        let read = match speaker(turn) {
            Some("system") => {
                writer.system.push_str(&tools_text(said));
                Some(())
            }
            Some("user") => {
                writer.question.push_str(said);
                writer.question.push('\n');
                Some(())
            }
            Some("assistant") => writer.answer(&place, said),
            _ => return Err((format!("{place}: {}", named(turn)), TURN.to_owned())),
        };
        if read.is_none() {
            return Ok(Parsed::Left("a call or a result that cannot be read"));
        }
    }
    Ok(if writer.answers == 0 { Parsed::Left("no question is answered") } else { Parsed::Chat(writer.chat) })
}

fn named(turn: &Value) -> String {
    match turn.get("from") {
        Some(from) => format!("from {from}"),
        None if turn.is_object() => "no `from`".to_owned(),
        None => json_kind(turn).to_owned(),
    }
}

/// The turns of a row: a list, or its text in JSON or as Python prints it.
fn turns(row: &mut RowFields) -> Result<Vec<Value>, Problem> {
    let value = match row.take("conversations") {
        Some(Value::String(text)) => match parse_value(&text, TURN) {
            Ok(value) => value,
            Err(_) => parse_literal(&text).map_err(|found| {
                (format!("conversations: {found}"), format!("a list of {TURN}, or its text"))
            })?,
        },
        Some(value) => value,
        None => return Err(row.missing("conversations")),
    };
    match value {
        Value::Array(turns) => Ok(turns),
        other => Err((format!("conversations: {}", json_kind(&other)), format!("a list of {TURN}"))),
    }
}

/// Collects what was said until the model answers.
#[derive(Default)]
struct Writer {
    chat: ChatRow,
    system: String,
    question: String,
    answers: usize,
}

impl Writer {
    /// Adds what the model said; `None` when a call or a result is not JSON.
    fn answer(&mut self, place: &str, said: &str) -> Option<()> {
        let mut parts = said.split(EXEC_BEGIN);
        let (said, result) = (parts.next()?, parts.next());
        if parts.next().is_some() {
            return None;
        }
        let (text, calls) = thoughts(said)?;
        let answer = if calls == 0 { format!("Final Answer:{text}\n") } else { format!("{text}\n") };
        let result = result.map(executed);
        self.push(place, answer);
        if let Some(result) = result {
            let (response, last) = result?;
            // XTuner puts the result where the next turn has its system text.
            if let Some(last) = last {
                self.system = response;
                self.push(place, last);
            }
        }
        Some(())
    }

    fn push(&mut self, place: &str, answer: String) {
        let system = std::mem::take(&mut self.system);
        let question = std::mem::take(&mut self.question);
        if !system.is_empty() {
            self.chat.push(place, ChatMessage::system(system));
        }
        if !question.is_empty() {
            self.chat.push(place, ChatMessage::user(question));
        }
        self.chat.push(place, ChatMessage::assistant(answer));
        self.answers += 1;
    }
}

#[cfg(test)]
mod tests;
