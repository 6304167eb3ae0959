//! [`Conversation`]: the blocks of messages -> messages of a chat request.
//!
//! A message of the user may hold results of tools, which are messages of their own in a chat request. What the model said
//! in one turn stays one message.

use serde_json::{Map, Value};

use super::super::raw_object::RawObject;
use crate::protocol::anthropic::{AnthropicContent, AnthropicMessage, MessagesRequest};
use crate::protocol::{ChatMessage, Content, ContentPart, FunctionCall, MessageRole, ToolCall};
use crate::{Error, Result};

/// The key by which chat templates know what the model thought.
const REASONING: &str = "reasoning_content";
/// What is put in front of a result that is an error: chat templates have no other place for it.
const ERROR: &str = "Error: ";

/// Messages, each with the place in the body that it comes from.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversation {
    pub(super) messages: Vec<ChatMessage>,
    pub(super) places: Vec<String>,
}

impl Conversation {
    /// The system message and the messages of a request.
    pub(super) fn read(request: &MessagesRequest) -> Result<Self> {
        if request.messages.is_empty() {
            return Self::of_ids(request);
        }
        let mut conversation = Self::default();
        if let Some(system) = &request.system {
            conversation.system(system, "system")?;
        }
        for (index, message) in request.messages.iter().enumerate() {
            let place = format!("messages.{index}");
            match message.role.as_str() {
                "user" => conversation.user(message, &place)?,
                "assistant" => conversation.assistant(message, &place)?,
                "system" => conversation.system(&message.content, &format!("{place}.content"))?,
                other => {
                    let message = format!("found `{other}`, expected `user`, `assistant` or `system`");
                    return Err(Error::field(format!("{place}.role"), message));
                }
            }
        }
        match conversation.messages.last() {
            Some(last) if !last.calls().is_empty() => {
                let place = conversation.places.pop().unwrap_or_default();
                let message = "found calls at the end, expected a `tool_result` for each of them behind it";
                Err(Error::field(format!("{place}.content"), message))
            }
            _ => Ok(conversation),
        }
    }

    /// No messages, because the prompt is in the request as ids.
    fn of_ids(request: &MessagesRequest) -> Result<Self> {
        if request.input_ids.is_none() {
            return Err(Error::field("messages", "found none, expected at least one"));
        }
        if request.system.is_some() {
            let message = "expected the field to be absent: `input_ids` are the whole prompt";
            return Err(Error::field("system", message));
        }
        Ok(Self::default())
    }

    /// Whether the conversation ends with text of the model, which the answer continues.
    pub(super) fn is_begun_answer(&self) -> bool {
        let last = self.messages.last();
        last.is_some_and(|last| last.role == MessageRole::Assistant && !last.text().is_empty())
    }

    fn system(&mut self, content: &AnthropicContent, place: &str) -> Result<()> {
        let content = match content {
            AnthropicContent::Text(text) => Content::Text(text.clone()),
            AnthropicContent::Blocks(blocks) => {
                let read = blocks.iter().enumerate().map(|(index, block)| {
                    let block = RawObject::new(block, format!("{place}.{index}"));
                    match block.kind() {
                        "text" => block.text("text"),
                        _ => Err(block.wrong("type", "`text`")),
                    }
                });
                parts(&read.collect::<Result<Vec<_>>>()?)
            }
        };
        let message =
            ChatMessage { role: MessageRole::System, content: Some(content), ..ChatMessage::default() };
        // An empty system message is the same as none.
        if !message.text().is_empty() {
            self.push(message, place);
        }
        Ok(())
    }

    fn user(&mut self, message: &AnthropicMessage, place: &str) -> Result<()> {
        let blocks = match &message.content {
            AnthropicContent::Text(text) => {
                self.push(ChatMessage::user(text), place);
                return Ok(());
            }
            AnthropicContent::Blocks(blocks) => blocks,
        };
        let mut texts = Vec::new();
        for block in raw_blocks(blocks, place) {
            match block.kind() {
                "text" => texts.push(block.text("text")?),
                "tool_result" => {
                    self.user_text(&mut texts, place);
                    self.push(tool_result(&block)?, place);
                }
                _ => {
                    let expected = "`text` or `tool_result`: this model takes no other blocks of the user";
                    return Err(block.wrong("type", expected));
                }
            }
        }
        if blocks.is_empty() {
            return Err(Error::field(format!("{place}.content"), "found no blocks, expected at least one"));
        }
        self.user_text(&mut texts, place);
        Ok(())
    }

    /// Adds a message with the texts so far, if there are any.
    fn user_text(&mut self, texts: &mut Vec<&str>, place: &str) {
        if !texts.is_empty() {
            let content = Some(parts(texts));
            self.push(ChatMessage { role: MessageRole::User, content, ..ChatMessage::default() }, place);
            texts.clear();
        }
    }

    fn assistant(&mut self, message: &AnthropicMessage, place: &str) -> Result<()> {
        let blocks = match &message.content {
            AnthropicContent::Text(text) => {
                self.push(ChatMessage::assistant(text), place);
                return Ok(());
            }
            AnthropicContent::Blocks(blocks) => blocks,
        };
        let (mut text, mut thoughts, mut calls) = (String::new(), String::new(), Vec::new());
        for block in raw_blocks(blocks, place) {
            match block.kind() {
                "text" => text += block.text("text")?,
                "thinking" => thoughts += block.text("thinking")?,
                // Only the server that has written it can read it.
                "redacted_thinking" => {}
                "tool_use" => calls.push(tool_use(&block)?),
                _ => {
                    let expected = "`text`, `thinking`, `redacted_thinking` or `tool_use`";
                    return Err(block.wrong("type", expected));
                }
            }
        }
        let mut read = ChatMessage::assistant(text);
        if !thoughts.is_empty() {
            read.fields.insert(REASONING.to_owned(), Value::String(thoughts));
        }
        if !calls.is_empty() {
            read.content = read.content.filter(|content| *content != Content::Text(String::new()));
            read.tool_calls = Some(calls);
        }
        self.push(read, place);
        Ok(())
    }

    fn push(&mut self, message: ChatMessage, place: &str) {
        self.messages.push(message);
        self.places.push(place.to_owned());
    }
}

fn raw_blocks<'a>(blocks: &'a [Map<String, Value>], place: &'a str) -> impl Iterator<Item = RawObject<'a>> {
    let placed = blocks.iter().enumerate();
    placed.map(move |(index, fields)| RawObject::new(fields, format!("{place}.content.{index}")))
}

fn parts(texts: &[&str]) -> Content {
    let part = |text: &&str| ContentPart::Text { text: (*text).to_owned() };
    Content::Parts(texts.iter().map(part).collect())
}

fn tool_use(block: &RawObject<'_>) -> Result<ToolCall> {
    let arguments = Value::Object(block.object("input")?.clone()).to_string();
    let function = FunctionCall { name: block.text("name")?.to_owned(), arguments };
    Ok(ToolCall::new(block.text("id")?, function))
}

/// A result as a message of its own.
fn tool_result(block: &RawObject<'_>) -> Result<ChatMessage> {
    let mut texts = result_texts(block)?;
    if block.is_true("is_error")? {
        match texts.first_mut() {
            Some(first) => first.insert_str(0, ERROR),
            None => texts.push(ERROR.trim_end().to_owned()),
        }
    }
    let mut message = ChatMessage::tool(block.text("tool_use_id")?, "");
    if let [text] = texts.as_slice() {
        message.content = Some(Content::Text(text.clone()));
    } else if !texts.is_empty() {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        message.content = Some(parts(&texts));
    }
    Ok(message)
}

/// The content of a result: a string, text blocks, or nothing.
fn result_texts(block: &RawObject<'_>) -> Result<Vec<String>> {
    match block.get("content") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(list)) => {
            let read = |part: RawObject<'_>| match part.kind() {
                "text" => part.text("text").map(str::to_owned),
                _ => Err(part.wrong("type", "`text`: this model takes no other blocks")),
            };
            block.objects("content", list)?.into_iter().map(read).collect()
        }
        Some(_) => Err(block.wrong("content", "a string or a list of blocks")),
    }
}

#[cfg(test)]
mod tests;
