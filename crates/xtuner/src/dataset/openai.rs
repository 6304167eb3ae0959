//! Reader of OpenAI messages, one conversation per line of jsonl, or per element of one JSON list.
//!
//! `{"messages": [{"role", "content", "name"?, "tool_calls"?, "loss"?, "weight"?}, ..], "tools"?: [..]}`; `functions` is
//! OpenAI's older name of `tools`. Other keys are kept, and `load_dataset` warns of those that
//! the chat template leaves out. Messages and tools become the chat format as `internlm-model` reads them for the server
//! ([`read_messages`], [`read_tools`]): what is trained is what will be served. As in XTuner's `openai` format, leading
//! assistant messages are skipped. `"loss": false` and OpenAI's `"weight": 0` take a message out of the loss; keys with
//! which other programs say that are refused.

use std::path::Path;

use internlm_kit::file;
use internlm_model::chat::openai::{
    ChatMessage, FieldProblem, MessageRole, ToolDefinition, read_messages, read_tools,
};
use internlm_model::chat::{Loss, Message, Role};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::conversation::{Conversation, Turn, default_loss};
use crate::Result;
use crate::json_rows::json_rows;

/// Keys that say in other programs what is learned (axolotl, LLaMA-Factory and others).
const FOREIGN: [&str; 8] =
    ["train", "training", "train_on_turn", "trainable", "mask", "masked", "loss_mask", "loss_weight"];

/// What a line lacks: (found, expected).
type Problem = (String, String);

/// One line.
#[derive(Deserialize)]
struct Line {
    messages: Vec<ChatMessage>,
    #[serde(alias = "functions")]
    tools: Option<Vec<ToolDefinition>>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

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
    if line.trim_start().starts_with('[') {
        return Err(("a JSON list".to_owned(), "one object with `messages`".to_owned()));
    }
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let parsed: Line = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (place, inner) = (error.path().to_string(), error.inner());
        let found = match place.as_str() {
            _ if inner.is_eof() => "an object that does not end on its line".to_owned(),
            // The line as a whole.
            "." | "?" => inner.to_string(),
            place => format!("{place}: {inner}"),
        };
        let whole = if inner.is_eof() { "a whole object on one line," } else { "an object" };
        (found, format!(r#"{whole} with `messages`: [{{"role": .., "content": ..}}, ..]"#))
    })?;
    deserializer
        .end()
        .map_err(|error| (format!("more after the object ({error})"), "one object".to_owned()))?;
    let Line { mut messages, tools, fields } = parsed;
    let kept = skip_leading_answers(&mut messages);
    let mut turns = Vec::new();
    let numbered = kept.iter().copied().zip(messages.iter_mut());
    let losses = numbered.map(take_loss).collect::<Result<Vec<_>, Problem>>()?;
    let read = read_messages(&messages).map_err(|problem| at_field(in_file(problem, &kept)))?;
    for (index, (message, loss)) in kept.into_iter().zip(read.into_iter().zip(losses)) {
        if says_nothing(&message) {
            let found = format!("messages.{index}: an assistant message that says nothing");
            return Err((found, "`content` or `tool_calls`".to_owned()));
        }
        turns.push(Turn { loss: loss.unwrap_or(default_loss(&message)), message });
    }
    let mut conversation = Conversation { turns, fields };
    conversation.offer(&read_tools(&tools.unwrap_or_default()).map_err(at_field)?);
    if conversation.learned() == 0 {
        let roles: Vec<&str> = conversation.turns.iter().map(|turn| turn.message.role.name()).collect();
        let found = format!("no assistant message with loss (roles: {})", roles.join(", "));
        return Err((
            found,
            "at least one answer of the assistant to learn, after a user message".to_owned(),
        ));
    }
    Ok(conversation)
}

fn at_field(problem: FieldProblem) -> Problem {
    (format!("{}: {}", problem.place, problem.found), problem.expected)
}

/// A problem whose place counts the messages of the file; [`read_messages`] counted those in `kept`.
fn in_file(problem: FieldProblem, kept: &[usize]) -> FieldProblem {
    let index = problem.place.split('.').nth(1).and_then(|index| index.parse::<usize>().ok());
    let Some((index, file)) = index.and_then(|index| Some((index, kept.get(index)?))) else { return problem };
    let place = problem.place.replacen(&format!("messages.{index}"), &format!("messages.{file}"), 1);
    FieldProblem::new(place, problem.found, problem.expected)
}

fn says_nothing(message: &Message) -> bool {
    message.role == Role::Assistant && message.text().is_empty() && message.calls.is_empty()
}

/// As long as nothing was asked, answers are not learned from; XTuner leaves them out too. Gives the index in the file
/// of every message that stays.
fn skip_leading_answers(messages: &mut Vec<ChatMessage>) -> Vec<usize> {
    let (mut asked, mut index, mut kept) = (false, 0, Vec::new());
    messages.retain(|message| {
        let keep = match message.role {
            MessageRole::Assistant => asked,
            MessageRole::System | MessageRole::Developer => true,
            MessageRole::User | MessageRole::Tool | MessageRole::Environment | MessageRole::Function => {
                asked = true;
                true
            }
        };
        kept.extend(keep.then_some(index));
        index += 1;
        keep
    });
    kept
}

/// What `loss` or `weight` say about a message; both keys are for training and never reach a template.
fn take_loss((index, message): (usize, &mut ChatMessage)) -> Result<Option<Loss>, Problem> {
    let foreign = FOREIGN.into_iter().find_map(|key| {
        let value = message.fields.get(key).filter(|value| !value.is_null())?;
        Some(format!("messages.{index}.{key}: {value}"))
    });
    if let Some(found) = foreign {
        return Err((found, "`loss` or `weight` to say what is learned".to_owned()));
    }
    let mut said = None;
    for key in ["loss", "weight"] {
        let Some(value) = message.fields.shift_remove(key).filter(|value| !value.is_null()) else { continue };
        let loss = loss_of(&value).ok_or_else(|| {
            let found = format!("messages.{index}.{key}: {value}");
            (found, "true or false, 1 or 0: parts of a weight are not supported".to_owned())
        })?;
        if loss == Loss::Keep && message.role != MessageRole::Assistant {
            let found = format!("messages.{index}.{key}: {value} on a message that is not the assistant's");
            return Err((found, "loss on assistant messages only".to_owned()));
        }
        if said.is_some_and(|said| said != loss) {
            let found = format!("messages.{index}: `loss` and `weight` that contradict each other");
            return Err((found, "one of them".to_owned()));
        }
        said = Some(loss);
    }
    Ok(said)
}

/// 0 and false mask, 1 and true do not, as numbers, booleans or text.
fn loss_of(value: &Value) -> Option<Loss> {
    let number = match value {
        Value::Bool(kept) => f64::from(u8::from(*kept)),
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "true" => 1.0,
            "false" => 0.0,
            text => text.parse().ok()?,
        },
        _ => return None,
    };
    match number {
        0.0 => Some(Loss::Skip),
        1.0 => Some(Loss::Keep),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
