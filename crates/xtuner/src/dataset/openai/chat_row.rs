//! [`ChatRow`]: a conversation in OpenAI's form, on its way from any format to [`Conversation`].

use internlm_model::chat::openai::{
    ChatMessage, FieldProblem, MessageRole, ToolDefinition, read_messages, read_tools,
};
use internlm_model::chat::{Message, Role, json_kind};
use serde_json::{Map, Value};

use super::calls::lift_calls;
use super::weight::take_weight;
use crate::dataset::format::{Problem, parse_value, typed};
use crate::dataset::{Conversation, Turn};

/// What a message is expected to be.
const MESSAGE: &str = r#"a message {"role": .., "content": ..}"#;

/// Messages as OpenAI writes them, each with its place in the row, so that errors name what the user wrote.
#[derive(Debug, Default)]
pub(in crate::dataset) struct ChatRow {
    messages: Vec<ChatMessage>,
    /// Place of each message: `messages.3`, or the name of a column.
    places: Vec<String>,
    tools: Vec<ToolDefinition>,
    /// Keys of the row that belong to no message.
    fields: Map<String, Value>,
}

impl ChatRow {
    /// Adds a message that is written at `place`.
    pub(in crate::dataset) fn push(&mut self, place: impl Into<String>, message: ChatMessage) {
        self.messages.push(message);
        self.places.push(place.into());
    }

    /// Adds the JSON of a message; `key` and `index` are its place in the row.
    ///
    /// # Errors
    /// What is not a message.
    pub(in crate::dataset) fn push_value(
        &mut self,
        key: &str,
        index: usize,
        value: Value,
    ) -> Result<(), Problem> {
        let place = format!("{key}.{index}");
        let message = parsed(value, &place, &format!("{key}[{index}]"))?;
        self.push(place, message);
        Ok(())
    }

    /// The same with the tools of the row's key `key`: a list, or the JSON text of one; null and empty offer nothing.
    ///
    /// # Errors
    /// What is not a list of tools.
    pub(in crate::dataset) fn with_tools(self, key: &str, tools: Value) -> Result<Self, Problem> {
        let shape = r#"tools: [{"name": .., "parameters": ..}, ..]"#;
        let tools = match tools {
            Value::Null => return Ok(self),
            Value::String(text) if text.trim().is_empty() => return Ok(self),
            Value::String(text) => parse_value(&text, "in a list of tools").map_err(|(found, _)| {
                (format!("{key}: text that is not JSON ({found})"), shape.to_owned())
            })?,
            tools => tools,
        };
        Ok(Self { tools: typed(tools, key, shape)?, ..self })
    }

    /// The same with the keys of the row that nothing reads.
    pub(in crate::dataset) fn with_fields(self, fields: Map<String, Value>) -> Self {
        Self { fields, ..self }
    }

    /// The conversation in the chat format. As long as nothing was asked, answers are left out, as XTuner does.
    ///
    /// # Errors
    /// Messages that cannot be used, and a conversation of which nothing is learned.
    pub(in crate::dataset) fn into_conversation(mut self) -> Result<Conversation, Problem> {
        self.skip_leading_answers();
        let Self { mut messages, places, tools, fields } = self;
        let numbered = messages.iter_mut().zip(&places);
        let weights = numbered.map(|(message, place)| take_weight(message, place));
        let weights = weights.collect::<Result<Vec<_>, Problem>>()?;
        let read = read_messages(&messages).map_err(|problem| at_field(in_row(problem, &places)))?;
        let mut turns = Vec::with_capacity(read.len());
        for (place, (message, weight)) in places.iter().zip(read.into_iter().zip(weights)) {
            if says_nothing(&message) {
                let found = format!("{place}: an assistant message that says nothing");
                return Err((found, "`content` or `tool_calls`".to_owned()));
            }
            let turn = Turn::new(message);
            turns.push(match weight {
                Some(weight) => Turn { weight, ..turn },
                None => turn,
            });
        }
        let mut conversation = Conversation { turns, fields };
        conversation.offer(&read_tools(&tools).map_err(at_field)?);
        if conversation.learned() == 0 {
            let roles: Vec<&str> = conversation.turns.iter().map(|turn| turn.message.role.name()).collect();
            let found = format!("no assistant message with loss (roles: {})", roles.join(", "));
            let expected = "at least one answer of the assistant to learn, after a user message".to_owned();
            return Err((found, expected));
        }
        Ok(conversation)
    }

    fn skip_leading_answers(&mut self) {
        let is_question = |message: &ChatMessage| {
            !matches!(message.role, MessageRole::Assistant | MessageRole::System | MessageRole::Developer)
        };
        let asked = self.messages.iter().position(is_question).unwrap_or(self.messages.len());
        let messages = std::mem::take(&mut self.messages).into_iter();
        let pairs = messages.zip(std::mem::take(&mut self.places)).enumerate();
        let kept =
            pairs.filter(|(index, (message, _))| *index > asked || message.role != MessageRole::Assistant);
        (self.messages, self.places) = kept.map(|(_, pair)| pair).unzip();
    }
}

/// The message that is written as JSON at `place`, with the calls among the parts of its content.
///
/// # Errors
/// What is not a message.
pub(crate) fn chat_message(value: Value, place: &str) -> Result<ChatMessage, Problem> {
    parsed(value, place, place)
}

/// A message of the JSON at `place`; places inside of it follow `start`.
fn parsed(mut value: Value, place: &str, start: &str) -> Result<ChatMessage, Problem> {
    if let Value::Object(message) = &mut value {
        lift_calls(message, place)?;
    } else {
        return Err((format!("{place}: {}", json_kind(&value)), MESSAGE.to_owned()));
    }
    typed(value, start, MESSAGE)
}

fn at_field(problem: FieldProblem) -> Problem {
    (format!("{}: {}", problem.place, problem.found), problem.expected)
}

/// A problem whose place is that of the row; [`read_messages`] counted the messages that it got.
fn in_row(problem: FieldProblem, places: &[String]) -> FieldProblem {
    let index = problem.place.split('.').nth(1).and_then(|index| index.parse::<usize>().ok());
    let Some((index, own)) = index.and_then(|index| Some((index, places.get(index)?))) else {
        return problem;
    };
    let place = problem.place.replacen(&format!("messages.{index}"), own, 1);
    FieldProblem::new(place, problem.found, problem.expected)
}

fn says_nothing(message: &Message) -> bool {
    message.role == Role::Assistant && message.text().is_empty() && message.calls.is_empty()
}
