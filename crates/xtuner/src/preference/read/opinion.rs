//! [`Preference`]: what one row of a file says.

use internlm_model::chat::Message;

/// What somebody thinks of one or two answers to a prompt.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Preference {
    /// One answer is better than the other.
    Pair {
        /// The conversation so far, tools included as a system message.
        prompt: Vec<Message>,
        /// The better answer: usually one message, or calls, results and an answer.
        chosen: Vec<Message>,
        /// The answer that lost the comparison.
        rejected: Vec<Message>,
    },
    /// The answer is liked.
    Desirable {
        /// The conversation so far, tools included as a system message.
        prompt: Vec<Message>,
        /// The answer, usually one message.
        answer: Vec<Message>,
    },
    /// The answer is not liked.
    Undesirable {
        /// The conversation so far, tools included as a system message.
        prompt: Vec<Message>,
        /// The answer, usually one message.
        answer: Vec<Message>,
    },
}
