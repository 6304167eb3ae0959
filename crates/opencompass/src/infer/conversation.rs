//! From a row to the conversation whose turns are asked (`ChatInferencer.get_chat_list` upstream).
//!
//! A row holds a conversation in one of four ways: as one question with its answer, as lists of questions and answers,
//! as a list of messages, or as a list of messages in the column `dialogue`, whose answers are not compared with
//! anything.

use internlm_model::chat::openai::{ChatMessage, MessageRole};
use serde_json::{Map, Value};

use crate::dataset::Dataset;
use crate::prompt::{Part, PromptList, Template, python_str, raw_messages};

/// Column of conversations that are judged as a whole.
const DIALOGUE: &str = "dialogue";

/// A conversation with the expected answers in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Conversation {
    /// All messages. Those of the model are the expected answers, possibly empty.
    pub(super) messages: Vec<ChatMessage>,
    /// What the answers are for.
    pub(super) use_of_answers: UseOfAnswers,
}

/// What the answers of a conversation are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum UseOfAnswers {
    /// Each is compared with an expected one.
    Compared,
    /// All of them together are judged.
    Judged,
}

impl Conversation {
    /// Returns the places of the model's messages.
    pub(super) fn turns(&self) -> Vec<usize> {
        let is_answer = |(_, message): &(usize, &ChatMessage)| message.role == MessageRole::Assistant;
        self.messages.iter().enumerate().filter(is_answer).map(|(place, _)| place).collect()
    }
}

/// Builds the conversation of row `index`.
pub(super) fn conversation(dataset: &Dataset, index: usize) -> Result<Conversation, String> {
    let reader = &dataset.config.reader;
    let row = &dataset.test[index];
    let compared = |messages| Conversation { messages, use_of_answers: UseOfAnswers::Compared };
    let chat = if !dataset.config.prompt.messages.is_empty() {
        let prompt = &dataset.config.prompt;
        let messages = raw_messages(&prompt.messages, &row.visible, prompt.ice_token.as_deref(), &[])?;
        compared(with_answer(messages, answer_of(dataset, &row.visible)))
    } else if row.visible.values().all(is_scalar) {
        compared(one_question(dataset, &row.visible)?)
    } else if row.visible.values().all(is_list_of_scalars) {
        let mut messages = Vec::new();
        for entry in entries(&row.visible) {
            messages.extend(one_question(dataset, &entry)?);
        }
        compared(messages)
    } else if reader.input.iter().any(|column| column == DIALOGUE) {
        let messages = read(&row.visible[DIALOGUE], DIALOGUE)?;
        Conversation { messages, use_of_answers: UseOfAnswers::Judged }
    } else if let [column] = &reader.input[..] {
        compared(read(&row.visible[column], column)?)
    } else {
        return Err("reader.input: found columns of different forms, expected texts, lists of texts, \
                    or one list of messages"
            .to_owned());
    };
    if chat.turns().is_empty() {
        return Err("conversation: found no message of the model, expected one per question".to_owned());
    }
    Ok(chat)
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn is_list_of_scalars(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(is_scalar))
}

/// One map of columns per question, as many as the shortest list has, like Python's `zip`.
fn entries(columns: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let lists = || columns.iter().filter_map(|(name, value)| Some((name, value.as_array()?)));
    let count = lists().map(|(_, list)| list.len()).min().unwrap_or(0);
    let entry = |place: usize| lists().map(|(name, list)| (name.clone(), list[place].clone())).collect();
    (0..count).map(entry).collect()
}

/// The messages of one question and its expected answer.
fn one_question(dataset: &Dataset, entry: &Map<String, Value>) -> Result<Vec<ChatMessage>, String> {
    let answer = answer_of(dataset, entry);
    let template = match dataset.config.prompt.template() {
        Ok(template) => template,
        // Without a template a single column is the question.
        Err(error) => match &dataset.config.reader.input[..] {
            [column] => {
                let question = entry.get(column).map(python_str).unwrap_or_default();
                return Ok(vec![ChatMessage::user(question), ChatMessage::assistant(answer)]);
            }
            _ => return Err(error.to_string()),
        },
    };
    Ok(with_answer(asked(&template, dataset, entry)?, answer))
}

/// The expected answer of an entry as text.
fn answer_of(dataset: &Dataset, entry: &Map<String, Value>) -> String {
    let column = dataset.config.reader.output.as_ref();
    column.and_then(|column| entry.get(column)).map(python_str).unwrap_or_default()
}

/// The messages of a template; examples are not part of conversations.
fn asked(
    template: &Template,
    dataset: &Dataset,
    entry: &Map<String, Value>,
) -> Result<Vec<ChatMessage>, String> {
    let token = dataset.config.prompt.ice_token.as_deref();
    let list = template.question(entry, None, token, &PromptList::Text(String::new()))?;
    let parts = match list {
        PromptList::Text(text) => return Ok(vec![ChatMessage::user(text)]),
        PromptList::Parts(parts) => parts,
    };
    let message = |part| match part {
        Part::Text(text) if !text.is_empty() => Some(ChatMessage::user(text)),
        Part::Turn(turn) => {
            let text = turn.prompt.unwrap_or_default();
            match turn.role.as_str() {
                "SYSTEM" => Some(ChatMessage::system(text)),
                "HUMAN" => Some(ChatMessage::user(text)),
                "BOT" => Some(ChatMessage::assistant(text)),
                _ => None,
            }
        }
        _ => None,
    };
    Ok(parts.into_iter().filter_map(message).collect())
}

/// Closes a conversation with the expected answer, unless its last message is one already.
fn with_answer(mut messages: Vec<ChatMessage>, answer: String) -> Vec<ChatMessage> {
    match messages.last_mut() {
        Some(last) if last.role == MessageRole::Assistant => {
            if last.text().is_empty() {
                *last = ChatMessage::assistant(answer);
            }
        }
        _ => messages.push(ChatMessage::assistant(answer)),
    }
    messages
}

/// Reads a list of messages.
fn read(value: &Value, column: &str) -> Result<Vec<ChatMessage>, String> {
    let items = value.as_array().ok_or_else(|| {
        format!("column {column}: found {value}, expected a list of messages with `role` and `content`")
    })?;
    let message = |item: &Value| {
        serde_json::from_value::<ChatMessage>(item.clone())
            .map_err(|error| format!("column {column}: found {item}, expected a message ({error})"))
    };
    items.iter().map(message).collect()
}
