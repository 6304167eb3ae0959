//! Messages in OpenAI's form (`role`, `content`) or ShareGPT's (`from`, `value`), and answers.

use internlm_model::chat::openai::{ChatMessage, read_messages};
use internlm_model::chat::{FunctionDefinition, Message, json_kind, offer_tools};
use serde_json::Value;

use crate::dataset::format::{Problem, as_openai};
use crate::dataset::{FOREIGN_WEIGHTS, chat_message};

/// Keys that weigh single messages in other data; an answer counts as a whole here.
const WEIGHTS: [&str; 2] = ["loss", "weight"];

/// The messages of a list at `place`.
pub(super) fn messages(value: &Value, place: &str) -> Result<Vec<ChatMessage>, Problem> {
    let Value::Array(list) = value else {
        return Err((format!("{place}: {}", json_kind(value)), "a list of messages".to_owned()));
    };
    list.iter().enumerate().map(|(index, value)| message(value, &format!("{place}.{index}"))).collect()
}

/// An answer at `place`: its text, one message, or a list of messages.
pub(super) fn answer(value: &Value, place: &str) -> Result<Vec<ChatMessage>, Problem> {
    match value {
        Value::String(text) => Ok(vec![ChatMessage::assistant(text)]),
        Value::Object(_) => Ok(vec![message(value, place)?]),
        _ => messages(value, place),
    }
}

/// A prompt at `place`: the text of a user, one message, or a list of messages.
pub(super) fn question(value: &Value, place: &str) -> Result<Vec<ChatMessage>, Problem> {
    match value {
        Value::String(text) => Ok(vec![ChatMessage::user(text)]),
        other => answer(other, place),
    }
}

fn message(value: &Value, place: &str) -> Result<ChatMessage, Problem> {
    let Value::Object(map) = value else {
        let found = format!("{place}: {}", json_kind(value));
        return Err((found, r#"a message: {"role": .., "content": ..}"#.to_owned()));
    };
    let mut weights = WEIGHTS.into_iter().chain(FOREIGN_WEIGHTS);
    if let Some(key) = weights.find(|key| map.get(*key).is_some_and(|value| !value.is_null())) {
        let found = format!("{place}.{key}: {}", map[key]);
        return Err((found, "no weights of messages: an answer is preferred as a whole".to_owned()));
    }
    let is_turn = map.contains_key("from") && !map.contains_key("role");
    let message = if is_turn { as_openai(value.clone(), place)? } else { value.clone() };
    chat_message(message, place)
}

/// The prompt with its tools, and an answer to it, in the chat format.
pub(super) fn in_chat_format(
    prompt: &[ChatMessage],
    answer: &[ChatMessage],
    tools: &[FunctionDefinition],
) -> Result<(Vec<Message>, Vec<Message>), Problem> {
    let all = [prompt, answer].concat();
    // Results in the answer refer to calls of the prompt: both are read together.
    let mut read = read_messages(&all).map_err(|problem| {
        let found = format!("in the prompt with its answer, {}: {}", problem.place, problem.found);
        (found, problem.expected)
    })?;
    let answer = read.split_off(prompt.len());
    offer_tools(&mut read, tools);
    Ok((read, answer))
}
