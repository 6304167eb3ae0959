//! [`Answered`]: a conversation as ids and where the assistant's answers are in them, for templates that only render.
//!
//! An answer begins where the prompt that is served for it ends, and it ends with the first token that ends a turn
//! after its words and calls, or before a turn that the template puts behind every conversation. The prompt is what the
//! template makes of the messages before the answer; the answer is taken out of what the template makes of the messages
//! up to it. Both are compared as texts in which special tokens of messages are hidden, so that only the template's own
//! are found.
//!
//! Many templates show the messages before an answer otherwise when the conversation continues: reasoning is left out,
//! tools move to the last question, a result ends otherwise when it is not the last message. An answer that is not in
//! the whole conversation as it would be served is given as a sequence of its own: its prompt and the answer.

use std::ops::Range;

use super::conversation::Conversation;
use super::{JinjaTemplate, Message, PluginCall, Prompt, Role};
use crate::tokenizer::Part;
use crate::{Error, Result, TokenId, Tokenizer};

/// A sequence of ids and the answers in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answered {
    /// Ids of the conversation, from its beginning.
    pub ids: Vec<TokenId>,
    /// Index of a message of the assistant, and the ids of its words, its calls and its end; in their order.
    pub answers: Vec<(usize, Range<usize>)>,
}

/// A rendered conversation with the places of answers in it, in bytes.
struct Marked {
    text: String,
    answers: Vec<(usize, Range<usize>)>,
}

/// One answer as it is served: the prompt, then the answer, which begins at byte `start`.
struct Served {
    text: String,
    start: usize,
}

/// What all renderings of one conversation have in common.
struct Renderings<'a> {
    template: &'a JinjaTemplate,
    tokenizer: &'a Tokenizer,
    messages: &'a [Message],
    /// The character that hides special tokens of messages.
    mark: char,
    /// Names of the tokens that end a turn.
    ends: Vec<String>,
}

/// The whole conversation first, then the sequences of answers that are not in it as they are served.
pub(super) fn of_jinja(
    template: &JinjaTemplate,
    tokenizer: &Tokenizer,
    messages: &[Message],
    learned: impl Fn(usize) -> bool,
) -> Result<Vec<Answered>> {
    let mark = Conversation::of(messages)?.unwritten();
    let ends = tokenizer.turn_ends().into_iter().filter_map(|id| tokenizer.token(id));
    let ends = ends.filter(|name| !name.is_empty()).collect();
    let renderings = Renderings { template, tokenizer, messages, mark, ends };
    let mut sequences = vec![Marked { text: renderings.text(messages, Prompt::None)?, answers: Vec::new() }];
    // From the last one, so that a sequence of its own can hold the answers before it.
    for index in (0..messages.len()).rev() {
        if messages[index].role != Role::Assistant || !learned(index) {
            continue;
        }
        let Served { text, start } = renderings.served(index)?;
        let range = start..text.len();
        match sequences.iter_mut().find(|sequence| sequence.text.starts_with(&text)) {
            Some(sequence) => sequence.answers.insert(0, (index, range)),
            None => sequences.push(Marked { text, answers: vec![(index, range)] }),
        }
    }
    // The whole conversation stays first.
    sequences[1..].reverse();
    Ok(sequences.iter().map(|sequence| renderings.encode(sequence)).collect())
}

impl Renderings<'_> {
    /// Text of messages in which special tokens of the messages are hidden.
    fn text(&self, messages: &[Message], prompt: Prompt) -> Result<String> {
        let text = self.template.marked_text(self.tokenizer, messages, prompt, self.mark)?;
        Ok(text.text)
    }

    /// The answer `index` behind the prompt that is served for it.
    fn served(&self, index: usize) -> Result<Served> {
        let before = &self.messages[..index];
        let prompt = self.text(before, Prompt::Generate)?;
        let shown =
            self.template.marked_text(self.tokenizer, &self.messages[..=index], Prompt::None, self.mark)?;
        if !shown.has_calls && !self.messages[index].calls.is_empty() {
            // Nothing would be learned but to say nothing.
            return Err(Error::NoPlace { what: "tool calls" });
        }
        let shown = shown.text;
        let start = common(&prompt, &shown);
        if start < prompt.len() {
            let history = common(&prompt, &self.text(before, Prompt::None)?);
            if start < history {
                // The messages before the answer look otherwise as soon as it is there.
                let start = self.behind(&prompt, index, &shown)?;
                let answer = &shown[start..self.end(index, &shown, start)?];
                return Ok(Served { text: format!("{prompt}{answer}"), start: prompt.len() });
            }
            // The template does not keep all that invites to the answer, such as `<think>`: the answer begins earlier.
        }
        let end = self.end(index, &shown, start)?;
        Ok(Served { text: shown[..end].to_owned(), start })
    }

    /// Where the answer `index` begins in `shown`: behind the last text that is like the end of the prompt, from its
    /// last special token on. Without one, a message could spell it.
    fn behind(&self, prompt: &str, index: usize, shown: &str) -> Result<usize> {
        let opening = self.specials(prompt).last().map(|special| &prompt[special.start..]);
        let start = opening.and_then(|opening| Some(shown.rfind(opening)? + opening.len()));
        // What closes an answer may look like what opens it: then nothing is left of a message that says something.
        let message = &self.messages[index];
        let says_nothing = message.text().trim().is_empty() && message.calls.is_empty();
        let start = start.filter(|start| says_nothing || !shown[*start..].trim().is_empty());
        start.ok_or_else(|| {
            Error::Chat(format!(
                "message {index}: found a template that shows the messages before this answer otherwise when it is \
                 there, expected one that shows where the answer begins"
            ))
        })
    }

    /// Where the answer `index` ends that begins at `start` of `shown`, the last message in it.
    fn end(&self, index: usize, shown: &str, start: usize) -> Result<usize> {
        let message = &self.messages[index];
        // A template may write words and calls as two turns.
        let call = message.calls.last().and_then(|call| PluginCall::parse(&call.body).ok());
        let behind = call.and_then(|call| Some(start + shown[start..].rfind(&call.name)? + call.name.len()));
        let from = behind.unwrap_or(start);
        let ends = self.ends.iter().filter_map(|name| Some((from + shown[from..].find(name)?, name.len())));
        let end = ends.min_by_key(|(at, _)| *at);
        // White space behind the answer that is not the answer's own belongs to the format.
        let is_own = message.calls.is_empty() && message.text().ends_with(char::is_whitespace);
        let last = if is_own { shown.len() } else { shown.trim_end().len().max(from) };
        let words = end.map_or(last, |(at, _)| at);
        let specials = self.specials(&shown[from..words]);
        if !specials.is_empty() {
            // What the messages before the answer end with as well is behind the answer.
            let history = self.text(&self.messages[..index], Prompt::None)?;
            let kept = shown.len() - common_end(shown, &history);
            if let Some(special) = specials.into_iter().find(|special| from + special.start >= kept) {
                // Without a known end it may be one.
                let answer = shown[..from + special.start].trim_end().len().max(start);
                return Ok(if end.is_none() { from + special.end } else { answer });
            }
        }
        Ok(end.map_or(last, |(at, length)| at + length))
    }

    /// Where special tokens are in a text.
    fn specials(&self, text: &str) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut at = 0;
        for part in self.tokenizer.cut_special(text) {
            match part {
                Part::Text(piece) => at = piece.as_ptr() as usize - text.as_ptr() as usize + piece.len(),
                Part::Id(id) => {
                    let length = self.tokenizer.token(id).map_or(0, |name| name.len());
                    ranges.push(at..at + length);
                    at += length;
                }
            }
        }
        ranges
    }

    /// Ids of a sequence, and its answers in them.
    fn encode(&self, sequence: &Marked) -> Answered {
        let read = |text: &str| self.tokenizer.encode_marked(text, self.mark);
        let ids = read(&sequence.text);
        let answers = sequence.answers.iter().map(|(index, range)| {
            let start = shared(&ids, &read(&sequence.text[..range.start]));
            let head = read(&sequence.text[..range.end]);
            // A token that reaches beyond a border is learned: the model has to produce it.
            let end = shared(&ids, &head);
            let end = if end < head.len() { (end + 1).min(ids.len()) } else { end };
            (*index, start..end.max(start))
        });
        let answers = answers.collect();
        Answered { ids, answers }
    }
}

/// Number of bytes that two texts begin with in common, up to a border of characters.
fn common(left: &str, right: &str) -> usize {
    let equal = left.chars().zip(right.chars()).take_while(|(left, right)| left == right);
    equal.map(|(character, _)| character.len_utf8()).sum()
}

/// Number of bytes that two texts end with in common.
fn common_end(left: &str, right: &str) -> usize {
    let equal = left.chars().rev().zip(right.chars().rev()).take_while(|(left, right)| left == right);
    equal.map(|(character, _)| character.len_utf8()).sum()
}

/// Number of ids that two lists begin with in common.
fn shared(left: &[TokenId], right: &[TokenId]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
mod tests;
