//! [`Conversation`]: messages and tools as transformers passes them to jinja templates.

use serde_json::{Map, Value, json};

use super::{Message, PluginCall, Role, offered_tools, python_json};
use crate::tokenizer::Part;
use crate::{Error, Result, Tokenizer};

/// How a template sees what not every template can take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    content: Content,
    arguments: Arguments,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Content {
    /// Text that is null is not there, empty text is empty text.
    AsSent,
    /// Next to calls, text that is empty or not there is null.
    Null,
    /// Next to calls, text that is not there is empty.
    Empty,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Arguments {
    Object,
    Text,
}

impl Form {
    /// In the order of preference; the first is what transformers does.
    pub(super) const ALL: [Self; 6] = [
        Self { content: Content::AsSent, arguments: Arguments::Object },
        Self { content: Content::Null, arguments: Arguments::Object },
        Self { content: Content::Empty, arguments: Arguments::Object },
        Self { content: Content::AsSent, arguments: Arguments::Text },
        Self { content: Content::Null, arguments: Arguments::Text },
        Self { content: Content::Empty, arguments: Arguments::Text },
    ];
}

/// A conversation in OpenAI's shape.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    /// Arguments of calls are objects.
    messages: Vec<Value>,
    /// OpenAI's list, or null without tools.
    pub(super) tools: Value,
}

impl Conversation {
    pub(super) fn of(messages: &[Message]) -> Result<Self> {
        let mut tools = Vec::new();
        let mut shaped = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            if let Some(offered) = offered_tools(message)? {
                tools.extend(offered.into_iter().map(|tool| json!({"type": "function", "function": tool})));
                continue;
            }
            shaped.push(shape(index, message)?);
        }
        let tools = if tools.is_empty() { Value::Null } else { Value::Array(tools) };
        Ok(Self { messages: shaped, tools })
    }

    /// The messages in one form.
    pub(super) fn messages(&self, form: Form) -> Vec<Value> {
        let mut messages = self.messages.clone();
        for message in &mut messages {
            let Some(calls) = message.get_mut("tool_calls").and_then(Value::as_array_mut) else { continue };
            if form.arguments == Arguments::Text {
                for call in calls {
                    let arguments = &mut call["function"]["arguments"];
                    *arguments = Value::String(python_json(arguments));
                }
            }
            let text = message.get("content").map(|content| content.as_str().unwrap_or("text"));
            match (form.content, text) {
                (Content::Null, None | Some("")) => message["content"] = Value::Null,
                (Content::Empty, None) => message["content"] = Value::String(String::new()),
                _ => {}
            }
        }
        messages
    }

    /// Whether any message calls a function.
    pub(super) fn has_calls(&self) -> bool {
        self.messages.iter().any(|message| message.get("tool_calls").is_some())
    }

    /// The same conversation with a mark of its own in the name of every called function, and the marks: a template
    /// shows the calls if its text has them all.
    pub(super) fn with_marked_calls(&self) -> (Self, Vec<String>) {
        let mut marked = self.clone();
        let mut marks = Vec::new();
        let border = self.unwritten();
        let calls =
            marked.messages.iter_mut().filter_map(|message| message.get_mut("tool_calls")?.as_array_mut());
        for call in calls.flatten() {
            if let Some(Value::String(name)) = call.pointer_mut("/function/name") {
                let mark = format!("{border}{}{border}", marks.len());
                name.push_str(&mark);
                marks.push(mark);
            }
        }
        (marked, marks)
    }

    /// A noncharacter that nobody wrote.
    pub(super) fn unwritten(&self) -> char {
        unwritten(&(Value::Array(self.messages.clone()).to_string() + &self.tools.to_string()))
    }

    /// Puts a mark inside of every special token's name that somebody wrote, so that only the template's own are found
    /// in the rendered text. Returns the mark: a noncharacter that nobody wrote.
    pub(super) fn hide_specials(&mut self, tokenizer: &Tokenizer) -> char {
        let mark = self.unwritten();
        self.hide_specials_with(tokenizer, mark);
        mark
    }

    /// [`Self::hide_specials`] with a mark that a longer conversation has chosen.
    pub(super) fn hide_specials_with(&mut self, tokenizer: &Tokenizer, mark: char) {
        let hide = |text: &str| hide(text, tokenizer, mark);
        self.messages.iter_mut().chain([&mut self.tools]).for_each(|value| map_texts(value, &hide));
    }
}

/// A message as transformers passes it to templates: since 5.24, keys whose value is null are not there.
fn shape(index: usize, message: &Message) -> Result<Value> {
    let role = match message.role {
        Role::Environment => "tool",
        role => role.name(),
    };
    let mut object =
        Map::from_iter([("role".to_owned(), json!(role)), ("content".to_owned(), json!(message.content))]);
    let mut calls = Vec::new();
    for call in &message.calls {
        let place = |problem: &dyn std::fmt::Display| {
            Error::Chat(format!("message {index}: a call on {}: {problem}", call.channel.name()))
        };
        if call.channel != super::Channel::Plugin {
            return Err(place(&"this template has no place for it, expected a function"));
        }
        let function = PluginCall::parse(&call.body).map_err(|problem| place(&problem))?;
        let function = json!({"name": function.name, "arguments": function.arguments});
        calls.push(match &call.id {
            Some(id) => json!({"id": id, "type": "function", "function": function}),
            None => json!({"type": "function", "function": function}),
        });
    }
    let mut add = |key: &str, value: Value| object.insert(key.to_owned(), value);
    if !calls.is_empty() {
        add("tool_calls", Value::Array(calls));
    }
    if let Some(id) = &message.call_id {
        add("tool_call_id", json!(id));
    }
    if let Some(name) = &message.name {
        add("name", json!(name));
    }
    for (key, value) in &message.fields {
        add(key, value.clone());
    }
    object.retain(|_, value| !value.is_null());
    Ok(Value::Object(object))
}

/// Changes all texts and keys inside of a value.
fn map_texts(value: &mut Value, change: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| map_texts(item, change)),
        Value::Object(map) => {
            *map = std::mem::take(map)
                .into_iter()
                .map(|(key, mut value)| {
                    map_texts(&mut value, change);
                    (change(&key), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A noncharacter that is not in `written`.
pub(super) fn unwritten(written: &str) -> char {
    ('\u{fdd0}'..='\u{fdef}').find(|mark| !written.contains(*mark)).unwrap_or('\u{fdd0}')
}

/// `text` with `mark` inside of every special token's name.
pub(super) fn hide(text: &str, tokenizer: &Tokenizer, mark: char) -> String {
    let parts = tokenizer.cut_special(text).into_iter();
    parts
        .map(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Id(id) => {
                let name = tokenizer.token(id).unwrap_or_default();
                let first = name.chars().next().map_or(0, char::len_utf8);
                format!("{}{mark}{}", &name[..first], &name[first..])
            }
        })
        .collect()
}
