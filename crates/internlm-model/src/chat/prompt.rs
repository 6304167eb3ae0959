//! [`Prompt`] and [`Loss`]: what an encoded conversation ends with, and which of its tokens are learned.

use super::{Message, Role};
use crate::{Error, Result};

/// What the encoded conversation ends with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompt {
    /// Ends with `<|im_start|>assistant\n`, so that the model writes the answer next.
    Generate,
    /// Ends inside of the last message, an answer of the assistant that the model continues: transformers'
    /// `continue_final_message`.
    Continue,
    /// Ends with the last message.
    None,
}

/// Whether a token counts in the training loss.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// The model learns to produce it.
    Keep,
    /// It is context only.
    Skip,
}

/// The text of the answer that [`Prompt::Continue`] leaves open.
///
/// # Errors
/// The last message is not an answer in words.
pub(super) fn open_answer(messages: &[Message]) -> Result<&str> {
    let found = match messages.last() {
        None => "no messages".to_owned(),
        Some(last) if last.role != Role::Assistant => format!("a last message of {}", last.role.name()),
        Some(last) if !last.calls.is_empty() => "a last message with calls".to_owned(),
        Some(last) => match &last.content {
            Some(text) => return Ok(text),
            None => "a last message without content".to_owned(),
        },
    };
    Err(Error::Chat(format!("found {found}, expected an answer of the assistant to continue")))
}
