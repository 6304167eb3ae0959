//! [`ChatMessage`]: a message as OpenAI writes it.

use std::fmt;

use internlm_kit::by_name;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FunctionCall, ToolCall};

/// Author of a message, as OpenAI's API names it. Default `user`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageRole {
    /// Whoever gives the instructions.
    System,
    /// OpenAI's newer name of `system`.
    Developer,
    /// The person who asks.
    #[default]
    User,
    /// The model that answers.
    Assistant,
    /// The tool that gives the result of a call.
    Tool,
    /// InternLM2's own name of `tool`.
    Environment,
    /// OpenAI's older name of `tool`; such a result names its function instead of a call.
    Function,
}

/// Text, or a list of parts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string, null or a list of content parts")]
pub enum Content {
    /// Plain text, written as a JSON string.
    Text(String),
    /// Parts, whose texts are joined by line ends.
    Parts(Vec<ContentPart>),
}

/// One part of a content list: an object, or a string, which is a text.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(into = "RawPart")]
pub enum ContentPart {
    /// A piece of text.
    Text {
        /// The text; never parsed for special tokens.
        text: String,
    },
    /// What the model thought, in one of its own messages.
    Thinking {
        /// The thoughts; templates read those of all parts as `reasoning_content`.
        text: String,
    },
    /// An image, a sound, a file: no model of this workspace takes one yet.
    Unsupported {
        /// The part's `type`, for instance `image_url`; `nothing` when it is missing.
        kind: String,
    },
}

/// `{"type": "text", "text": ..}`; XTuner's training sets say `value`, and some leave the type out. OpenAI's Responses API
/// has other names of `text`, and its chats answer `refusal` where a model does not want to answer. Thoughts are
/// `{"type": "thinking", "thinking": ..}`, or the same with `reasoning`.
#[derive(Default, Deserialize, Serialize)]
struct RawPart {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(alias = "value", default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing)]
    refusal: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thinking: Option<Value>,
    #[serde(default, skip_serializing)]
    reasoning: Option<Value>,
}

impl From<RawPart> for ContentPart {
    fn from(part: RawPart) -> Self {
        let RawPart { kind, text, refusal, thinking, reasoning } = part;
        let read = match kind.as_deref() {
            None => text.map(|text| Self::Text { text }),
            // Text that is null or absent says nothing, as content that is.
            Some("text" | "input_text" | "output_text") => {
                Some(Self::Text { text: text.unwrap_or_default() })
            }
            Some("refusal") => string(refusal).map(|text| Self::Text { text }),
            Some("thinking" | "reasoning") => {
                let thoughts = string(thinking).or_else(|| string(reasoning)).or(text);
                thoughts.map(|text| Self::Thinking { text })
            }
            Some(_) => None,
        };
        read.unwrap_or_else(|| Self::Unsupported { kind: kind.unwrap_or_else(|| "nothing".to_owned()) })
    }
}

/// A value that is text.
fn string(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

impl From<ContentPart> for RawPart {
    fn from(part: ContentPart) -> Self {
        match part {
            ContentPart::Text { text } => {
                Self { kind: Some("text".to_owned()), text: Some(text), ..Self::default() }
            }
            ContentPart::Thinking { text } => Self {
                kind: Some("thinking".to_owned()),
                thinking: Some(Value::String(text)),
                ..Self::default()
            },
            ContentPart::Unsupported { kind } => Self { kind: Some(kind), ..Self::default() },
        }
    }
}

impl<'de> Deserialize<'de> for ContentPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyPart)
    }
}

/// Reads a part in either form. A list of the values in order is not one.
struct AnyPart;

impl<'de> Visitor<'de> for AnyPart {
    type Value = ContentPart;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string or a JSON object")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ContentPart, E> {
        Ok(ContentPart::Text { text: text.to_owned() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ContentPart, A::Error> {
        RawPart::deserialize(MapAccessDeserializer::new(map)).map(ContentPart::from)
    }
}

/// One message of a conversation.
///
/// ```
/// use internlm_model::chat::openai::ChatMessage;
///
/// let message = ChatMessage::user("2+2?");
/// assert_eq!(serde_json::to_string(&message)?, r#"{"role":"user","content":"2+2?"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatMessage {
    /// Author of the message. Default `user` in code; required in JSON.
    pub role: MessageRole,
    /// What is said; null when the message only calls tools.
    #[serde(default)]
    pub content: Option<Content>,
    /// InternLM2's channel (`<|plugin|>`, `<|interpreter|>`, `file`), or the name of a person or a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Calls of an assistant message.
    #[serde(default, deserialize_with = "by_name::optional_list", skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The one call of an assistant message in OpenAI's older form.
    #[serde(default, deserialize_with = "by_name::optional", skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCall>,
    /// Which call a tool message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Every other key as it was sent, such as `reasoning_content`. Jinja templates see them; InternLM2's format has no
    /// place for them and leaves them out.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl ChatMessage {
    /// A message of `role` with plain text.
    #[must_use]
    pub fn new(role: MessageRole, text: impl Into<String>) -> Self {
        Self { role, content: Some(Content::Text(text.into())), ..Self::default() }
    }

    /// A message of role `system` with plain text.
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(MessageRole::System, text)
    }

    /// A message of role `user` with plain text.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(MessageRole::User, text)
    }

    /// A message of role `assistant` with plain text and without calls.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(MessageRole::Assistant, text)
    }

    /// The result of the call `call_id`.
    #[must_use]
    pub fn tool(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tool_call_id: Some(call_id.into()), ..Self::new(MessageRole::Tool, text) }
    }

    /// The text: parts joined by line ends, parts that are not text left out, null as the empty string.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                let texts = parts.iter().filter_map(|part| match part {
                    ContentPart::Text { text } => Some(text.as_str()),
                    ContentPart::Thinking { .. } | ContentPart::Unsupported { .. } => None,
                });
                texts.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// The calls of `tool_calls`; absent ones are an empty slice.
    #[must_use]
    pub fn calls(&self) -> &[ToolCall] {
        self.tool_calls.as_deref().unwrap_or_default()
    }
}
