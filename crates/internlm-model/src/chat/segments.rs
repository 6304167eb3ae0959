//! A conversation as a list of special tokens and runs of text, each with the answer that it is a part of.

use std::collections::BTreeMap;

use super::marks::{ACTION_END, ACTION_START, IM_END, IM_START};
use super::prompt::open_answer;
use super::{Channel, Message, Prompt, Role, ToolCall};
use crate::{Error, Result};

/// Index of the message of the assistant whose words, calls or end a segment is; `None` for everything else.
pub(super) type Answer = Option<usize>;

/// One piece of a rendered conversation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Segment {
    /// A special token made by the template.
    Special(&'static str, Answer),
    /// Text; never parsed for special tokens.
    Text(String, Answer),
}

impl Segment {
    /// The text of the segment, special tokens by name.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Special(name, _) => name,
            Self::Text(text, _) => text,
        }
    }
}

/// InternLM2's ChatML, without the leading `<s>`.
pub(super) fn internlm2(messages: &[Message], prompt: Prompt) -> Result<Vec<Segment>> {
    if prompt == Prompt::Continue {
        open_answer(messages)?;
    }
    let mut segments = Vec::new();
    for index in order_of_turns(messages) {
        let message = &messages[index];
        turn(message, (message.role == Role::Assistant).then_some(index), &mut segments)?;
    }
    match prompt {
        Prompt::Generate => {
            segments.push(Segment::Special(IM_START, None));
            segments.push(Segment::Text("assistant\n".to_owned(), None));
        }
        // The last turn stays open: without its `<|im_end|>` and the line end after it.
        Prompt::Continue => segments.truncate(segments.len().saturating_sub(2)),
        Prompt::None => {}
    }
    Ok(segments)
}

/// Indices of the messages in the order of their turns.
///
/// The format has no place for ids of calls, so that the model can tell results apart only by their order: those of one
/// round that all name a call follow the order of the calls. Other results stay in the order in which they came.
#[must_use]
pub fn order_of_turns(messages: &[Message]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..messages.len()).collect();
    for (index, message) in messages.iter().enumerate().filter(|(_, message)| !message.calls.is_empty()) {
        let ids = message.calls.iter().enumerate().filter_map(|(at, call)| Some((call.id.as_deref()?, at)));
        let places: BTreeMap<&str, usize> = ids.collect();
        let place = |result: usize| places.get(messages[result].call_id.as_deref()?).copied();
        let results = &messages[index + 1..];
        let count = results.iter().take_while(|message| message.role == Role::Environment).count();
        let round = &mut order[index + 1..index + 1 + count];
        if round.iter().all(|&result| place(result).is_some()) {
            round.sort_by_key(|&result| place(result));
        }
    }
    order
}

fn turn(message: &Message, answer: Answer, segments: &mut Vec<Segment>) -> Result<()> {
    segments.push(Segment::Special(IM_START, None));
    header(message, segments);
    segments.push(Segment::Text(message.text().to_owned(), answer));
    if !message.calls.is_empty() && message.role != Role::Assistant {
        let role = message.role.name();
        return Err(Error::Chat(format!(
            "found calls in a message of {role}, expected them only of assistant"
        )));
    }
    for call in &message.calls {
        call_marks(call, answer, segments)?;
    }
    segments.push(Segment::Special(IM_END, answer));
    segments.push(Segment::Text("\n".to_owned(), None));
    Ok(())
}

/// `role\n` or `role name=channel\n`.
fn header(message: &Message, segments: &mut Vec<Segment>) {
    let role = message.role.name();
    let mut text = |text: String| segments.push(Segment::Text(text, None));
    match message.channel {
        None => text(format!("{role}\n")),
        Some(Channel::File) => text(format!("{role} name=file\n")),
        Some(channel) => {
            text(format!("{role} name="));
            segments.push(Segment::Special(channel.name(), None));
            segments.push(Segment::Text("\n".to_owned(), None));
        }
    }
}

fn call_marks(call: &ToolCall, answer: Answer, segments: &mut Vec<Segment>) -> Result<()> {
    if call.channel == Channel::File {
        return Err(Error::Chat("found a call on channel file, expected plugin or interpreter".to_owned()));
    }
    segments.push(Segment::Special(ACTION_START, answer));
    segments.push(Segment::Special(call.channel.name(), answer));
    segments.push(Segment::Text(format!("\n{}", call.body), answer));
    segments.push(Segment::Special(ACTION_END, answer));
    Ok(())
}
