//! [`Continuation`]: a rendered conversation that ends inside of its last message.
//!
//! Follows `continue_final_message` of transformers' `render_jinja_template`: a tag behind the message shows where the
//! template writes it, and the text is cut there.

use super::super::prompt::open_answer;
use super::super::{Message, Prompt};
use crate::{Error, Result};

/// What is put behind the message. Its space tells whether the template strips messages.
const TAG: &str = "CONTINUE_FINAL_MESSAGE_TAG ";

/// The answer that is left open.
#[derive(Debug)]
pub(super) struct Continuation<'a> {
    answer: &'a str,
}

impl<'a> Continuation<'a> {
    /// The messages to render, and the answer to leave open if `prompt` says so.
    pub(super) fn of(messages: &'a [Message], prompt: Prompt) -> Result<(Vec<Message>, Option<Self>)> {
        let mut tagged = messages.to_vec();
        if prompt != Prompt::Continue {
            return Ok((tagged, None));
        }
        let answer = open_answer(messages)?;
        if let Some(last) = tagged.last_mut() {
            last.content = Some(format!("{answer}{TAG}"));
        }
        Ok((tagged, Some(Self { answer })))
    }

    /// What is in front of the tag. `hidden` is a character that the rendering put into messages.
    pub(super) fn cut(&self, rendered: &str, hidden: Option<char>) -> Result<String> {
        let is_shown = match hidden {
            Some(hidden) => rendered.replace(hidden, "").contains(self.answer.trim()),
            None => rendered.contains(self.answer.trim()),
        };
        let (Some(end), true) = (rendered.rfind(TAG.trim_end()), is_shown) else {
            return Err(Error::Chat(
                "found no text of the last message in the rendered conversation, expected it whole to continue it"
                    .to_owned(),
            ));
        };
        let (before, behind) = rendered.split_at(end);
        let is_kept = behind.starts_with(TAG);
        Ok(if is_kept { before } else { before.trim_end() }.to_owned())
    }
}
