//! [`MessagesAnswer`]: the engine's outputs -> events of a message, or the whole message.

use super::super::ChatAnswer;
use super::blocks::Blocks;
use crate::Result;
use crate::engine::{Finished, Output};
use crate::protocol::anthropic::{MessageChange, MessageEvent, MessageObject, MessageStop};
use crate::protocol::{FinishReason, StopReason};

/// A message that is being generated.
#[derive(Debug)]
pub struct MessagesAnswer {
    chat: ChatAnswer,
    message: MessageObject,
    blocks: Blocks,
    reason: Option<FinishReason>,
    stop: Option<StopReason>,
}

impl MessagesAnswer {
    /// The answer as `message`, which has no content yet.
    pub(super) fn new(chat: ChatAnswer, message: MessageObject) -> Self {
        let blocks = Blocks::new(message.id.clone());
        Self { chat, message, blocks, reason: None, stop: None }
    }

    /// The same answer without the text of thoughts; their blocks stay.
    pub(super) fn without_thoughts(self) -> Self {
        Self { blocks: self.blocks.without_thoughts(), ..self }
    }

    /// The events before the first output.
    #[must_use]
    pub fn begin(&self) -> Vec<MessageEvent> {
        vec![MessageEvent::MessageStart { message: Box::new(self.message.clone()) }, MessageEvent::Ping]
    }

    /// The events of an output. Those of the end include the last one of the stream.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    pub fn events(&mut self, output: Output) -> Result<Vec<MessageEvent>> {
        let finished = match &output {
            Output::Finished(finished) => Some(finished.clone()),
            Output::Prompt(_) | Output::Pieces(_) => None,
        };
        for choice in self.chat.chunks(output)?.into_iter().flat_map(|chunk| chunk.choices) {
            if let Some(ids) = &choice.output_ids {
                self.message.output_ids.get_or_insert_default().extend(ids);
            }
            if let Some(logprobs) = &choice.output_token_logprobs {
                self.message.output_token_logprobs.get_or_insert_default().extend(logprobs);
            }
            self.blocks.add_ids(choice.output_ids, choice.output_token_logprobs);
            self.blocks.push(choice.delta);
            self.reason = choice.finish_reason.or(self.reason);
            self.stop = choice.stop_reason.or(self.stop.take());
        }
        if let Some(finished) = &finished {
            self.finish(finished);
        }
        let mut events = self.blocks.take_events();
        if finished.is_some() {
            let MessageObject { stop_reason, stop_sequence, usage, .. } = &self.message;
            let delta = MessageChange { stop_reason: *stop_reason, stop_sequence: stop_sequence.clone() };
            events.push(MessageEvent::MessageDelta { delta, usage: *usage });
            events.push(MessageEvent::MessageStop);
        }
        Ok(events)
    }

    /// The whole message, from all outputs of the request.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    pub fn whole(mut self, outputs: impl IntoIterator<Item = Output>) -> Result<MessageObject> {
        for output in outputs {
            self.events(output)?;
        }
        Ok(self.message)
    }

    /// Takes down how the message ended.
    fn finish(&mut self, finished: &Finished) {
        self.blocks.finish();
        self.message.content = self.blocks.list().to_vec();
        self.message.usage = self.chat.usage(finished).into();
        (self.message.stop_reason, self.message.stop_sequence) = match (self.reason, self.stop.take()) {
            (Some(FinishReason::ToolCalls), _) => (Some(MessageStop::ToolUse), None),
            (Some(FinishReason::Stop), Some(StopReason::Text(text))) => {
                (Some(MessageStop::StopSequence), Some(text))
            }
            (Some(FinishReason::Stop), _) => (Some(MessageStop::EndTurn), None),
            (Some(FinishReason::Length), _) => (Some(MessageStop::MaxTokens), None),
            // It was aborted through the API, for which there is no reason here.
            _ => (None, None),
        };
    }
}
