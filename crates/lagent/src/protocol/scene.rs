//! What a prompt is made of.

use internlm_model::chat::Message;

use super::rewoo::Plan;
use crate::action::ToolSpec;

/// Everything that the next request depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    /// Definitions of the agent's tools.
    pub(crate) tools: &'a [ToolSpec],
    /// The conversation so far.
    pub(crate) history: &'a [Message],
    /// Index in the history of the question that is being answered.
    pub(crate) question: usize,
    /// Whether more requests may follow.
    pub(crate) turn: Turn,
    /// The plan of `ReWOO`; absent for the other protocols.
    pub(crate) plan: Option<&'a Plan>,
}

/// Whether this request is the last one that the limits allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    /// More requests may follow.
    Inner,
    /// This reply has to contain the answer.
    Last,
}

impl Scene<'_> {
    /// Returns the text of the question.
    pub(crate) fn question_text(&self) -> &str {
        self.history.get(self.question).map_or("", Message::text)
    }
}
