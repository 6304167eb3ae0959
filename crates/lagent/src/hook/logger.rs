//! `Logger`: writes every message and call to the log (lagent's `MessageLogger`).

use internlm_model::chat::Message;

use super::{Hook, PendingAction, Refusal};
use crate::action::ActionReturn;

/// Maximum number of characters of one logged text. Default of [`Logger`]: 2,000.
const MAX_CHARACTERS: usize = 2_000;

/// Writes events of `tracing` at the level `INFO` with the fields `session`, `sender` and `content`.
///
/// Register it behind [`Redaction`](super::Redaction) when messages may contain secrets.
#[derive(Clone, Debug)]
pub struct Logger {
    max_characters: usize,
}

impl Default for Logger {
    fn default() -> Self {
        Self { max_characters: MAX_CHARACTERS }
    }
}

impl Logger {
    /// Replaces the number of characters after which a logged text is cut.
    #[must_use]
    pub fn with_max_characters(self, max_characters: usize) -> Self {
        Self { max_characters }
    }

    fn log(&self, session: &str, sender: &str, content: &str) {
        let content = shortened(content, self.max_characters);
        tracing::info!(session, sender, content, "message");
    }
}

/// Cuts a text after `max` characters; says how many are missing.
fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}[{} more characters]", &text[..at], text[at..].chars().count()),
    }
}

impl Hook for Logger {
    fn before_agent(&self, session: &str, messages: &mut Vec<Message>) -> Result<(), Refusal> {
        for message in messages.iter() {
            self.log(session, message.role.name(), message.text());
        }
        Ok(())
    }

    fn after_agent(&self, session: &str, answer: &mut Message) {
        self.log(session, answer.role.name(), answer.text());
    }

    fn before_action(&self, action: &mut PendingAction) -> Result<(), Refusal> {
        self.log(&action.session, &action.name, &action.args.to_string());
        Ok(())
    }

    fn after_action(&self, action: &PendingAction, value: &mut ActionReturn) {
        self.log(&action.session, &action.name, &value.for_model());
    }
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöü", 1), "ä[2 more characters]");
        assert_eq!(shortened("a", 0), "[1 more characters]");
    }
}
