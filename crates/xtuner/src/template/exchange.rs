//! [`Exchange`]: what was said to the assistant and its answer, in the texts of a named template.
//!
//! As in XTuner's `openai` format, what the user says in several messages is one question, and an answer that nobody
//! asked for follows an empty question.

use internlm_model::chat::{Channel, Message, Piece, Role, order_of_turns};

use super::named::{NamedTemplate, ToolTexts};
use crate::Result;

/// A question with its answer.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    /// Everything before the answer.
    pub(super) input: Vec<Piece>,
    /// Answer with its suffix, and index of its message; `None` for a last question.
    pub(super) answer: Option<(Vec<Piece>, usize)>,
}

/// The messages as exchanges. Only the last one may lack its answer.
pub(super) fn exchanges(template: &NamedTemplate, messages: &[Message]) -> Result<Vec<Exchange>> {
    let mut dialogue =
        Dialogue { template, done: Vec::new(), input: Vec::new(), asked: None, has_results: false };
    for index in order_of_turns(messages) {
        dialogue.add(index, &messages[index])?;
    }
    if dialogue.asked.is_some() || dialogue.has_results {
        dialogue.open_answer();
        let input = dialogue.input;
        dialogue.done.push(Exchange { input, answer: None });
    }
    Ok(dialogue.done)
}

/// Exchanges in the making.
struct Dialogue<'a> {
    template: &'a NamedTemplate,
    done: Vec<Exchange>,
    /// What is written already of the present exchange.
    input: Vec<Piece>,
    /// What the user said in it.
    asked: Option<String>,
    has_results: bool,
}

impl<'a> Dialogue<'a> {
    fn add(&mut self, index: usize, message: &Message) -> Result<()> {
        let template = self.template;
        if message.role != Role::Assistant && !message.calls.is_empty() {
            let found = format!("calls in a message of {}", message.role.name());
            return Err(template.refuse(&found, "calls of the assistant only"));
        }
        match (message.role, message.channel) {
            (Role::System, None) => self.system(message.text()),
            (Role::System, Some(Channel::Plugin)) => {
                let text = &self.tool_texts("tools")?.tools;
                self.input.extend(fill(text, "tools", message.text(), Channel::Plugin));
                Ok(())
            }
            (Role::User, None) => {
                self.asked.get_or_insert_default().push_str(message.text());
                Ok(())
            }
            (Role::Environment, None | Some(Channel::Plugin | Channel::Interpreter)) => self.result(message),
            (Role::Assistant, None) => self.answer(index, message),
            (role, channel) => {
                let channel = channel.map_or("", Channel::name);
                let found = format!("a message of {} with the name {channel}", role.name());
                Err(template.refuse(&found, "the model's own template for it"))
            }
        }
    }

    fn system(&mut self, text: &str) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let format = self.template.system.as_ref().ok_or_else(|| {
            self.template.refuse("a system message", "none: this template has no place for it")
        })?;
        self.input.extend(fill(format, "system", text, Channel::Plugin));
        Ok(())
    }

    fn result(&mut self, message: &Message) -> Result<()> {
        let text = &self.tool_texts("results of tools")?.result;
        if self.asked.is_some() {
            return Err(self.template.refuse("a result behind a message of the user", "a call before it"));
        }
        let channel = message.channel.unwrap_or(Channel::Plugin);
        self.input.extend(fill(text, "result", message.text(), channel));
        self.has_results = true;
        Ok(())
    }

    fn answer(&mut self, index: usize, message: &Message) -> Result<()> {
        self.open_answer();
        let mut pieces = vec![Piece::Words(message.text().to_owned())];
        for call in &message.calls {
            let text = &self.tool_texts("tool calls")?.call;
            if call.channel == Channel::File {
                return Err(self.template.refuse("a call on channel file", "plugin or interpreter"));
            }
            pieces.extend(fill(text, "call", &call.body, call.channel));
        }
        pieces.push(Piece::Format(self.template.suffix.clone()));
        let input = std::mem::take(&mut self.input);
        self.done.push(Exchange { input, answer: Some((pieces, index)) });
        Ok(())
    }

    /// Writes the question, or what opens the answer to results alone.
    fn open_answer(&mut self) {
        let has_results = std::mem::take(&mut self.has_results);
        match (self.asked.take(), &self.template.tools) {
            (None, Some(texts)) if has_results => self.input.push(Piece::Format(texts.answer.clone())),
            (asked, _) => {
                let round = (self.done.len() + 1).to_string();
                let instruction = self.template.instruction.replace("{round}", &round);
                self.input.extend(fill(&instruction, "input", &asked.unwrap_or_default(), Channel::Plugin));
            }
        }
    }

    fn tool_texts(&self, what: &str) -> Result<&'a ToolTexts> {
        let texts = self.template.tools.as_ref();
        texts.ok_or_else(|| self.template.refuse(what, "none: this template has no place for them"))
    }
}

/// The text `format` with `words` in place of `{key}`, and the mark of the channel in place of `{channel}`.
fn fill(format: &str, key: &str, words: &str, channel: Channel) -> Vec<Piece> {
    let format = format.replace("{channel}", channel.name());
    let mut pieces = Vec::new();
    for part in format.split(&format!("{{{key}}}")) {
        if !pieces.is_empty() {
            pieces.push(Piece::Words(words.to_owned()));
        }
        pieces.push(Piece::Format(part.to_owned()));
    }
    pieces
}
