//! [`Whole`]: the chunks of one choice of a chat answer -> the choice.

use serde_json::Value;

use super::unsent::Unsent;
use crate::protocol::{
    ChatChoice, ChatChunkChoice, ChatLogprobs, ChatMessage, Content, MessageRole, StreamedCalls,
};

/// What the chunks add up to.
#[derive(Default)]
pub(super) struct Whole {
    content: String,
    reasoning: String,
    calls: StreamedCalls,
    sent: Unsent,
    end: ChatChunkChoice,
}

impl Whole {
    pub(super) fn add(&mut self, choice: ChatChunkChoice) {
        self.content += choice.delta.content.as_deref().unwrap_or_default();
        self.reasoning += choice.delta.reasoning_content.as_deref().unwrap_or_default();
        for call in choice.delta.tool_calls.unwrap_or_default() {
            self.calls.push(call);
        }
        let sent = &mut self.sent;
        sent.logprobs.get_or_insert_default().extend(choice.logprobs.unwrap_or_default().content);
        sent.ids.get_or_insert_default().extend(choice.output_ids.unwrap_or_default());
        sent.id_logprobs.get_or_insert_default().extend(choice.output_token_logprobs.unwrap_or_default());
        self.end.finish_reason = choice.finish_reason.or(self.end.finish_reason);
        self.end.stop_reason = choice.stop_reason.or(self.end.stop_reason.take());
    }

    /// The choice; `wanted` says which of the scores and ids the request asked for.
    pub(super) fn choice(self, index: usize, wanted: &Unsent) -> ChatChoice {
        let calls = self.calls.finish();
        let is_silent = self.content.is_empty() && !(calls.is_empty() && self.reasoning.is_empty());
        let mut message = ChatMessage {
            role: MessageRole::Assistant,
            content: (!is_silent).then_some(Content::Text(self.content)),
            tool_calls: (!calls.is_empty()).then_some(calls),
            ..ChatMessage::default()
        };
        if !self.reasoning.is_empty() {
            message.fields.insert("reasoning_content".to_owned(), Value::String(self.reasoning));
        }
        let content = self.sent.logprobs.unwrap_or_default();
        let ids = self.sent.ids.filter(|_| wanted.ids.is_some());
        ChatChoice {
            index,
            message,
            logprobs: wanted.logprobs.as_ref().map(|_| ChatLogprobs { content }),
            finish_reason: self.end.finish_reason,
            stop_reason: self.end.stop_reason,
            output_ids: ids.clone(),
            token_ids: ids,
            output_token_logprobs: self.sent.id_logprobs.filter(|_| wanted.id_logprobs.is_some()),
        }
    }
}
