//! [`Conversation`]: the items of an input -> messages of a chat request.
//!
//! What the model says in one turn is several items (reasoning, text, calls) and one message: items of the model that
//! follow each other are joined again, as far as the model can have said them in this order.

use serde_json::{Map, Value};

use super::super::raw_object::RawObject;
use super::ResponseStore;
use super::options::PLAIN;
use crate::protocol::responses::ResponseInput;
use crate::protocol::{ChatMessage, Content, ContentPart, FunctionCall, MessageRole, ToolCall};
use crate::{Error, Result};

/// The key by which chat templates know what the model thought.
const REASONING: &str = "reasoning_content";
/// Place of a list of items.
const INPUT: &str = "input";

/// Messages, each with the place in the body that it comes from.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversation {
    pub(super) messages: Vec<ChatMessage>,
    pub(super) places: Vec<String>,
    /// Number of messages that nothing is joined to.
    closed: usize,
}

impl Conversation {
    /// A conversation that begins with that of an earlier response.
    pub(super) fn resume(messages: Vec<ChatMessage>, place: &str) -> Self {
        Self { places: vec![place.to_owned(); messages.len()], closed: messages.len(), messages }
    }

    /// Puts a message in front.
    pub(super) fn begin_with(&mut self, message: ChatMessage, place: &str) {
        self.messages.insert(0, message);
        self.places.insert(0, place.to_owned());
        self.closed += 1;
    }

    /// Adds an input; `store` is where references to items are looked up.
    pub(super) fn read(&mut self, input: &ResponseInput, store: &ResponseStore) -> Result<()> {
        match input {
            ResponseInput::Text(text) => self.push(ChatMessage::user(text), INPUT),
            ResponseInput::Items(items) => {
                for (index, fields) in items.iter().enumerate() {
                    let place = format!("{INPUT}.{index}");
                    match referred(&RawObject::new(fields, place.as_str()), store)? {
                        Some(fields) => self.item(&RawObject::new(&fields, place))?,
                        None => self.item(&RawObject::new(fields, place))?,
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds an item as it is on the wire.
    pub(super) fn item(&mut self, item: &RawObject<'_>) -> Result<()> {
        match item.optional_text("type")? {
            None | Some("message") => self.message(item),
            Some("function_call") => self.call(item),
            Some("function_call_output") => self.call_output(item),
            Some("reasoning") => self.reasoning(item),
            _ => Err(item.wrong(
                "type",
                "`message`, `function_call`, `function_call_output`, `reasoning` or `item_reference`",
            )),
        }
    }

    fn message(&mut self, item: &RawObject<'_>) -> Result<()> {
        let role = match item.text("role")? {
            "user" => MessageRole::User,
            "system" => MessageRole::System,
            "developer" => MessageRole::Developer,
            "assistant" => return self.assistant_text(item),
            _ => return Err(item.wrong("role", "`user`, `assistant`, `system` or `developer`")),
        };
        let content = match texts(item, "content")? {
            Texts::One(text) => Content::Text(text.to_owned()),
            Texts::Parts(texts) => parts(&texts),
        };
        self.push(ChatMessage { role, content: Some(content), ..ChatMessage::default() }, item.place());
        Ok(())
    }

    fn assistant_text(&mut self, item: &RawObject<'_>) -> Result<()> {
        let text = match texts(item, "content")? {
            Texts::One(text) => text.to_owned(),
            Texts::Parts(texts) => texts.concat(),
        };
        let message = self.turn(item.place(), has_no_text);
        match &mut message.content {
            Some(Content::Text(content)) => content.push_str(&text),
            content => *content = Some(Content::Text(text)),
        }
        Ok(())
    }

    fn call(&mut self, item: &RawObject<'_>) -> Result<()> {
        let function = FunctionCall {
            name: item.text("name")?.to_owned(),
            arguments: item.text("arguments")?.to_owned(),
        };
        let call = ToolCall::new(item.text("call_id")?, function);
        self.turn(item.place(), |_| true).tool_calls.get_or_insert_default().push(call);
        Ok(())
    }

    fn call_output(&mut self, item: &RawObject<'_>) -> Result<()> {
        let mut message = ChatMessage::tool(item.text("call_id")?, "");
        message.content = Some(match texts(item, "output")? {
            Texts::One(text) => Content::Text(text.to_owned()),
            Texts::Parts(texts) => parts(&texts),
        });
        self.push(message, item.place());
        Ok(())
    }

    fn reasoning(&mut self, item: &RawObject<'_>) -> Result<()> {
        let text = reasoning_text(item)?;
        if text.is_empty() {
            return Ok(());
        }
        let message = self.turn(item.place(), has_no_text);
        match message.fields.get_mut(REASONING) {
            Some(Value::String(thought)) => thought.push_str(&text),
            _ => {
                message.fields.insert(REASONING.to_owned(), Value::String(text));
            }
        }
        Ok(())
    }

    /// The message of the model's turn that an item belongs to, which is a new one unless the last one is `open`.
    fn turn(&mut self, place: &str, open: impl Fn(&ChatMessage) -> bool) -> &mut ChatMessage {
        let last = self.messages.last().filter(|_| self.messages.len() > self.closed);
        if !last.is_some_and(|last| last.role == MessageRole::Assistant && open(last)) {
            self.push(ChatMessage { role: MessageRole::Assistant, ..ChatMessage::default() }, place);
        }
        self.messages.last_mut().expect("there is one now")
    }

    fn push(&mut self, message: ChatMessage, place: &str) {
        self.messages.push(message);
        self.places.push(place.to_owned());
    }
}

/// Whether more text of the same turn can follow: text behind calls, or the first text.
fn has_no_text(message: &ChatMessage) -> bool {
    message.content.is_none() || !message.calls().is_empty()
}

/// The item that a reference means; none when the item is not a reference.
pub(super) fn referred(item: &RawObject<'_>, store: &ResponseStore) -> Result<Option<Map<String, Value>>> {
    let is_reference = match item.optional_text("type")? {
        Some("item_reference") => true,
        // Its type may be left out.
        None => item.get("role").is_none() && item.get("id").is_some(),
        Some(_) => false,
    };
    if !is_reference {
        return Ok(None);
    }
    let id = item.text("id")?;
    store.item(id).map(Some).ok_or_else(|| Error::Refused {
        status: 404,
        message: format!("Item with id '{id}' not found."),
        param: Some(item.inside("id")),
    })
}

/// Text as a client writes it.
enum Texts<'a> {
    One(&'a str),
    Parts(Vec<&'a str>),
}

fn parts(texts: &[&str]) -> Content {
    let part = |text: &&str| ContentPart::Text { text: (*text).to_owned() };
    Content::Parts(texts.iter().map(part).collect())
}

/// The text of a field that is a string or a list of parts.
fn texts<'a>(item: &RawObject<'a>, name: &str) -> Result<Texts<'a>> {
    match item.get(name) {
        Some(Value::String(text)) => Ok(Texts::One(text)),
        Some(Value::Array(list)) => {
            let read = |part: RawObject<'a>| match part.kind() {
                "input_text" | "output_text" | "text" => part.text("text"),
                "refusal" => part.text("refusal"),
                _ => {
                    Err(part.wrong("type", "`input_text` or `output_text`: this model takes no other parts"))
                }
            };
            Ok(Texts::Parts(item.objects(name, list)?.into_iter().map(read).collect::<Result<_>>()?))
        }
        _ => Err(item.wrong(name, "a string or a list of parts")),
    }
}

/// What the model thought: the content, what stands for it, or else its summary.
fn reasoning_text(item: &RawObject<'_>) -> Result<String> {
    let list = |name: &str| -> Result<String> {
        match item.get(name) {
            None => Ok(String::new()),
            Some(Value::Array(parts)) => {
                let parts = item.objects(name, parts)?;
                parts.iter().map(|part| part.text("text")).collect::<Result<String>>()
            }
            Some(_) => Err(item.wrong(name, "a list of parts")),
        }
    };
    let content = list("content")?;
    if !content.is_empty() {
        return Ok(content);
    }
    match item.optional_text("encrypted_content")? {
        Some(text) => {
            let plain = text.strip_prefix(PLAIN).map(str::to_owned);
            plain.ok_or_else(|| {
                item.wrong("encrypted_content", "reasoning of this server: no other can be read")
            })
        }
        None => list("summary"),
    }
}

#[cfg(test)]
mod tests;
