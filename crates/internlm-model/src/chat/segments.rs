//! A conversation as a list of special tokens and runs of text, each with its part in the loss.

use super::template::{Loss, Prompt};
use super::{Channel, Message, Role, ToolCall};
use crate::{Error, Result};

/// One piece of a rendered conversation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Segment {
    /// A special token made by the template.
    Special(&'static str, Loss),
    /// Text; never parsed for special tokens.
    Text(String, Loss),
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
    let mut segments = Vec::new();
    for message in messages {
        turn(message, &mut segments)?;
    }
    if prompt == Prompt::Generate {
        segments.push(Segment::Special("<|im_start|>", Loss::Skip));
        segments.push(Segment::Text("assistant\n".to_owned(), Loss::Skip));
    }
    Ok(segments)
}

fn turn(message: &Message, segments: &mut Vec<Segment>) -> Result<()> {
    let loss = if message.role == Role::Assistant { Loss::Keep } else { Loss::Skip };
    segments.push(Segment::Special("<|im_start|>", Loss::Skip));
    header(message, segments);
    segments.push(Segment::Text(message.content.clone(), loss));
    if !message.calls.is_empty() && message.role != Role::Assistant {
        let role = message.role.name();
        return Err(Error::Chat(format!("calls in a message of {role}, expected them only of assistant")));
    }
    for call in &message.calls {
        call_marks(call, segments)?;
    }
    segments.push(Segment::Special("<|im_end|>", loss));
    segments.push(Segment::Text("\n".to_owned(), Loss::Skip));
    Ok(())
}

/// `role\n` or `role name=channel\n`.
fn header(message: &Message, segments: &mut Vec<Segment>) {
    let role = message.role.name();
    let mut text = |text: String| segments.push(Segment::Text(text, Loss::Skip));
    match message.channel {
        None => text(format!("{role}\n")),
        Some(Channel::File) => text(format!("{role} name=file\n")),
        Some(channel) => {
            text(format!("{role} name="));
            segments.push(Segment::Special(channel.name(), Loss::Skip));
            segments.push(Segment::Text("\n".to_owned(), Loss::Skip));
        }
    }
}

fn call_marks(call: &ToolCall, segments: &mut Vec<Segment>) -> Result<()> {
    if call.channel == Channel::File {
        return Err(Error::Chat("a call on channel file, expected plugin or interpreter".to_owned()));
    }
    segments.push(Segment::Special("<|action_start|>", Loss::Keep));
    segments.push(Segment::Special(call.channel.name(), Loss::Keep));
    segments.push(Segment::Text(format!("\n{}", call.body), Loss::Keep));
    segments.push(Segment::Special("<|action_end|>", Loss::Keep));
    Ok(())
}
