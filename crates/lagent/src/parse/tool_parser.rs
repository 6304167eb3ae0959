//! `ToolParser`: calls between a begin and an end mark (`tool_parser.py`), with lagent's two instances: for plugins and for the
//! code interpreter.

use serde_json::Value;

use super::python_format::fill;
use super::{Instruction, ParseError, ParsedTool, ToolFormat, ToolStatus};
use crate::python_text::{Layout, NonAscii, json_dumps};

/// How the text between the marks is read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Validation {
    /// As it is, which suits code.
    #[default]
    Text,
    /// As a JSON object; everything else is a parsing error.
    JsonObject,
}

/// Reads the first call between two marks.
///
/// ```
/// use lagent::parse::{ToolFormat, ToolParser, ToolStatus};
///
/// let parser = ToolParser::interpreter();
/// let parsed = parser.parse_response("Look:<|action_start|><|interpreter|>\nprint(1)<|action_end|>\n");
/// assert_eq!((parsed.thought.as_str(), parsed.status), ("Look:", Some(ToolStatus::ValidTool)));
/// assert_eq!(parsed.action, Some("print(1)".into()));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToolParser {
    tool_type: String,
    instruction: String,
    begin: String,
    end: String,
    validation: Validation,
}

impl ToolParser {
    /// Creates a parser without an instruction that takes the text between the marks as it is. Upstream's
    /// default marks are `"<tool>\n"` and `"</tool>\n"`.
    #[must_use]
    pub fn new(tool_type: impl Into<String>, begin: impl Into<String>, end: impl Into<String>) -> Self {
        Self {
            tool_type: tool_type.into(),
            instruction: String::new(),
            begin: begin.into(),
            end: end.into(),
            validation: Validation::Text,
        }
    }

    /// Creates lagent's `InterpreterParser`: code between InternLM2's marks.
    #[must_use]
    pub fn interpreter() -> Self {
        Self::new("interpreter", "<|action_start|><|interpreter|>\n", "<|action_end|>\n")
    }

    /// Creates lagent's `PluginParser`: a JSON object between InternLM2's marks.
    #[must_use]
    pub fn plugin() -> Self {
        let parser = Self::new("plugin", "<|action_start|><|plugin|>\n", "<|action_end|>\n");
        parser.with_validation(Validation::JsonObject)
    }

    /// Replaces the way in which the text between the marks is read.
    #[must_use]
    pub fn with_validation(self, validation: Validation) -> Self {
        Self { validation, ..self }
    }

    /// Replaces the instruction by a template of Python's `str.format`. The marks are the fields `begin` and
    /// `end`; `prompt` is the value of `{prompt}`, such as the list of tools.
    ///
    /// # Errors
    /// [`ParseError::MissingFields`] and [`ParseError::Template`].
    pub fn with_template(self, template: &str, prompt: &str) -> Result<Self, ParseError> {
        let instruction = fill(template, |name| match name {
            "begin" => Some(self.begin.clone()),
            "end" => Some(self.end.clone()),
            "prompt" => Some(prompt.to_owned()),
            _ => None,
        })?;
        Ok(Self { instruction, ..self })
    }

    /// Returns the tool type of the calls, such as `plugin`.
    #[must_use]
    pub fn tool_type(&self) -> &str {
        &self.tool_type
    }

    /// Reads the text between the marks.
    fn action(&self, text: &str) -> Result<Value, serde_json::Error> {
        match self.validation {
            Validation::Text => Ok(Value::from(text)),
            Validation::JsonObject => {
                serde_json::from_str::<serde_json::Map<String, Value>>(text.trim()).map(Value::Object)
            }
        }
    }
}

/// The text before and behind the first mark. An empty mark occurs nowhere.
fn split_at_mark<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    if mark.is_empty() { None } else { text.split_once(mark) }
}

impl ToolFormat for ToolParser {
    fn format_instruction(&self) -> Vec<Instruction> {
        if self.instruction.trim().is_empty() {
            return Vec::new();
        }
        vec![Instruction { content: self.instruction.clone(), name: Some(self.tool_type.clone()) }]
    }

    fn parse_response(&self, reply: &str) -> ParsedTool {
        let Some((thought, rest)) = split_at_mark(reply, &self.begin) else {
            return ParsedTool::answer(reply);
        };
        // Upstream splits at every begin mark and reads the second piece: a second call is dropped.
        let call = split_at_mark(rest, &self.begin).map_or(rest, |(call, _)| call);
        let text = split_at_mark(call, &self.end).map_or(call, |(text, _)| text);
        let (action, status) = match self.action(text) {
            Ok(action) => (action, ToolStatus::ValidTool),
            Err(_) => (Value::from(text), ToolStatus::ParsingError),
        };
        ParsedTool {
            tool_type: Some(self.tool_type.clone()),
            thought: thought.to_owned(),
            action: Some(action),
            status: Some(status),
        }
    }

    fn format_response(&self, parsed: &ParsedTool) -> Result<String, ParseError> {
        let Some(action) = &parsed.action else { return Ok(parsed.thought.clone()) };
        if parsed.tool_type.as_deref() != Some(self.tool_type.as_str()) {
            let found = parsed.tool_type.clone().unwrap_or_default();
            return Err(ParseError::ToolType { found, known: vec![self.tool_type.clone()] });
        }
        let action = match action {
            Value::String(text) => text.clone(),
            other => json_dumps(other, NonAscii::Keep, Layout::Line),
        };
        Ok(format!("{}{}{action}{}", parsed.thought, self.begin, self.end))
    }
}
