//! [`Responder::truncate`]: `truncation: "auto"`, which drops the oldest messages of a conversation that does not fit.

use std::ops::Range;

use super::super::Responder;
use super::super::effort::with_effort;
use crate::Result;
use crate::protocol::{ChatRequest, MessageRole};

impl Responder {
    /// Drops the oldest messages until the conversation fits, and tells which. System messages in front stay, and what is
    /// left begins with a message of the user. When nothing helps, the last turn is left and will be refused.
    ///
    /// The answer keeps the room that the request asks for, but at most half of the context.
    pub(super) fn truncate(&self, chat: &mut ChatRequest) -> Range<usize> {
        let is_system = |role: MessageRole| matches!(role, MessageRole::System | MessageRole::Developer);
        let first = chat.messages.iter().take_while(|message| is_system(message.role)).count();
        let turns =
            (first + 1..chat.messages.len()).filter(|index| chat.messages[*index].role == MessageRole::User);
        // Places where what is left may begin, the earliest first.
        let starts: Vec<usize> = [first].into_iter().chain(turns).collect();
        let limit = self.engine().limits().max_length;
        let room = (chat.max_tokens.unwrap_or(1) as usize).min(limit / 2).max(1);
        // What cannot be counted is not too long: the request is refused for its reason later.
        let too_long = |start: &usize| {
            self.prompt_length(&without(chat, first..*start)).is_ok_and(|length| length + room > limit)
        };
        let start = starts.get(starts.partition_point(too_long)).or(starts.last()).copied().unwrap_or(first);
        chat.messages.drain(first..start);
        first..start
    }

    /// Number of ids in the prompt of a chat request.
    pub(in crate::respond) fn prompt_length(&self, chat: &ChatRequest) -> Result<usize> {
        let chat = with_effort(self.model(), chat)?;
        Ok(self.chat_prompt(&chat)?.0.len())
    }
}

/// The request without some of its messages.
fn without(chat: &ChatRequest, dropped: Range<usize>) -> ChatRequest {
    let mut chat = chat.clone();
    chat.messages.drain(dropped);
    chat
}
