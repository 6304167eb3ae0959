//! [`rounds`]: conversations in which question and answer take turns, which is all that some formats hold.

use internlm_model::chat::{Message, Role};

use super::super::value::Problem;
use crate::dataset::Conversation;

/// A question and its answer.
pub(super) struct Round<'a> {
    pub(super) question: &'a str,
    pub(super) answer: &'a str,
    /// How much the answer counts.
    pub(super) weight: f32,
}

/// The leading system text and the rounds of a conversation.
///
/// # Errors
/// Turns that `format` has no place for.
pub(super) fn rounds<'a>(
    conversation: &'a Conversation,
    format: &str,
) -> Result<(Option<&'a str>, Vec<Round<'a>>), Problem> {
    let problem = |index: usize, found: &str| {
        let expected =
            format!("a system text, then questions and answers in turn: {format} has no place for more");
        (format!("message {index}: {found}"), expected)
    };
    let mut turns = conversation.turns.iter().enumerate().peekable();
    let system = turns.next_if(|(_, turn)| turn.message.role == Role::System);
    if let Some((index, turn)) = system {
        plain(&turn.message).map_err(|found| problem(index, found))?;
    }
    let mut rounds = Vec::new();
    while let Some((index, question)) = turns.next() {
        if question.message.role != Role::User {
            let found = format!("a message of {}", question.message.role.name());
            return Err(problem(index, &found));
        }
        let Some((next, answer)) = turns.next_if(|(_, turn)| turn.message.role == Role::Assistant) else {
            return Err(problem(index, "a question without an answer"));
        };
        for (index, message) in [(index, &question.message), (next, &answer.message)] {
            plain(message).map_err(|found| problem(index, found))?;
        }
        let (question, weight) = (question.message.text(), answer.weight);
        rounds.push(Round { question, answer: answer.message.text(), weight });
    }
    Ok((system.map(|(_, turn)| turn.message.text()), rounds))
}

/// Whether a message is a text and nothing else, or what it has.
fn plain(message: &Message) -> Result<(), &'static str> {
    if !message.calls.is_empty() {
        Err("calls")
    } else if message.channel.is_some() {
        Err("a channel")
    } else if message.name.is_some() || !message.fields.is_empty() {
        Err("keys next to its text")
    } else {
        Ok(())
    }
}
