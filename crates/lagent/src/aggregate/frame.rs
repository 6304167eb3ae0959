//! `Frame`: what surrounds the history of a prompt.

use internlm_model::chat::{Channel, Message};

/// Whose prompt it is, and the system messages before the history.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Name of the agent: its own messages become replies of the model.
    pub name: &'a str,
    /// System messages, from the agent's template.
    pub system: &'a [Message],
    /// Instruction about the form of the reply; empty if there is no such instruction.
    pub instruction: &'a str,
}

impl<'a> Frame<'a> {
    /// Creates the frame of an agent without system messages or instruction.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self { name, system: &[], instruction: "" }
    }

    /// Replaces the system messages before the history.
    #[must_use]
    pub fn with_system(self, system: &'a [Message]) -> Self {
        Self { system, ..self }
    }

    /// Replaces the instruction, which becomes a system message behind the others.
    #[must_use]
    pub fn with_instruction(self, instruction: &'a str) -> Self {
        Self { instruction, ..self }
    }

    /// The system messages with the instruction.
    pub(super) fn messages(&self) -> Vec<Message> {
        let mut messages = self.system.to_vec();
        if !self.instruction.trim().is_empty() {
            messages.push(Message::system(self.instruction));
        }
        messages
    }
}

/// A message with lagent's `name`: a channel of the chat format, or any other name.
pub(super) fn named(message: Message, name: Option<&str>) -> Message {
    match (name, name.and_then(Channel::of_name)) {
        (_, Some(channel)) => message.on(channel),
        (Some(name), None) => Message { name: Some(name.to_owned()), ..message },
        (None, None) => message,
    }
}
