//! The prompt of a row, under the keys of every form.

use internlm_model::chat::FunctionDefinition;
use internlm_model::chat::openai::{ChatMessage, MessageRole, ToolDefinition, read_tools};
use serde_json::{Map, Value};

use super::messages::{messages, question};
use crate::dataset::format::Problem;

/// The keys of one row that are not null.
pub(super) struct Fields<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// The text at `key`; empty when the key is absent.
    pub(super) fn text(&self, key: &str) -> Result<&'a str, Problem> {
        match self.get(key) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err((format!("{key}: {other}"), "text".to_owned())),
        }
    }

    /// The messages before the answer; `None` when no key of the row holds them.
    pub(super) fn prompt(&self) -> Result<Option<Vec<ChatMessage>>, Problem> {
        let lists = ["conversations", "messages"].into_iter().find_map(|key| Some((key, self.get(key)?)));
        let texts = ["prompt", "question"].into_iter().find_map(|key| Some((key, self.get(key)?)));
        let prompt = match (lists, texts) {
            (Some((key, value)), _) => messages(value, key)?,
            (None, Some((key, value))) => question(value, key)?,
            (None, None) if self.get("instruction").is_some() => self.alpaca()?,
            (None, None) => return Ok(None),
        };
        Ok(Some(self.with_system(prompt)?))
    }

    /// Earlier turns, then the instruction with its input on a line of its own.
    fn alpaca(&self) -> Result<Vec<ChatMessage>, Problem> {
        let mut prompt = Vec::new();
        if let Some(history) = self.get("history") {
            let turns: Vec<[String; 2]> = serde_json::from_value(history.clone())
                .map_err(|error| (format!("history: {error}"), "a list of [question, answer]".to_owned()))?;
            for [asked, answered] in turns {
                prompt.extend([ChatMessage::user(asked), ChatMessage::assistant(answered)]);
            }
        }
        let (instruction, input) = (self.text("instruction")?, self.text("input")?);
        let text = if input.is_empty() { instruction.to_owned() } else { format!("{instruction}\n{input}") };
        prompt.push(ChatMessage::user(text));
        Ok(prompt)
    }

    /// `prompt` behind the row's system text, unless it begins with the same one.
    ///
    /// # Errors
    /// Two different system texts.
    pub(super) fn with_system(&self, prompt: Vec<ChatMessage>) -> Result<Vec<ChatMessage>, Problem> {
        let (key, text) = match self.text("system")? {
            "" => ("system_prompt", self.text("system_prompt")?),
            text => ("system", text),
        };
        if text.is_empty() {
            return Ok(prompt);
        }
        let own = prompt.first();
        let own = own.filter(|first| matches!(first.role, MessageRole::System | MessageRole::Developer));
        match own {
            None => Ok([vec![ChatMessage::system(text)], prompt].concat()),
            Some(first) if first.text() == text => Ok(prompt),
            Some(_) => {
                let found = format!("`{key}` next to another system text in the messages");
                Err((found, "only one of the two".to_owned()))
            }
        }
    }

    /// The tools that the row offers: a list, or the text of one.
    pub(super) fn tools(&self) -> Result<Vec<FunctionDefinition>, Problem> {
        let expected =
            || r#"a list of tools: [{"type": "function", "function": {"name": ..}}, ..]"#.to_owned();
        let list = match self.get("tools") {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(Vec::new()),
            Some(Value::String(text)) => serde_json::from_str::<Vec<ToolDefinition>>(text),
            Some(list) => serde_json::from_value(list.clone()),
        };
        let list = list.map_err(|error| (format!("tools: {error}"), expected()))?;
        read_tools(&list)
            .map_err(|problem| (format!("{}: {}", problem.place, problem.found), problem.expected))
    }
}
