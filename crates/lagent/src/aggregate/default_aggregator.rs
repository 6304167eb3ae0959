//! `DefaultAggregator`: system messages, then the history with roles by sender (`default_aggregator.py`).

use internlm_model::chat::{Message, Role};

use super::Frame;
use crate::message::AgentMessage;

/// The agent's own messages are replies; all others are the user's, and those in a row become one message.
///
/// ```
/// use lagent::aggregate::{DefaultAggregator, Frame};
/// use lagent::message::AgentMessage;
///
/// let memory = [
///     AgentMessage::new("user", "Hello"),
///     AgentMessage::new("critic", ", friend."),
///     AgentMessage::new("writer", "Hi."),
/// ];
/// let prompt = DefaultAggregator.aggregate(&memory, &Frame::new("writer").with_instruction("Be brief."));
/// let texts: Vec<&str> = prompt.iter().map(|message| message.text()).collect();
/// assert_eq!(texts, ["Be brief.", "Hello, friend.", "Hi."]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultAggregator;

impl DefaultAggregator {
    /// Returns the messages of the next request.
    #[must_use]
    pub fn aggregate(&self, memory: &[AgentMessage], frame: &Frame<'_>) -> Vec<Message> {
        let mut messages = frame.messages();
        for message in memory {
            if message.sender == frame.name {
                messages.push(Message::assistant(message.text()));
                continue;
            }
            match messages.last_mut() {
                // Upstream joins them without anything in between.
                Some(Message { role: Role::User, content: Some(content), .. }) => {
                    content.push_str(&message.text());
                }
                _ => messages.push(Message::user(message.text())),
            }
        }
        messages
    }
}
