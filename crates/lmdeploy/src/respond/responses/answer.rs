//! [`ResponsesAnswer`]: the engine's outputs -> events of a response, or the whole response.

use serde_json::{Map, Value};

use super::super::ChatAnswer;
use super::super::raw_object::RawObject;
use super::super::responder::now;
use super::ResponseStore;
use super::input::Conversation;
use super::items::Items;
use super::options::Includes;
use crate::engine::{Finished, Output};
use crate::protocol::responses::{
    IncompleteDetails, ItemStatus, ResponseError, ResponseEvent, ResponseEventBody, ResponseObject,
    ResponseStatus,
};
use crate::protocol::{ChatMessage, FinishReason};
use crate::{Error, Result};

/// A response that has been started.
#[derive(Debug)]
pub(super) struct Started {
    /// The response without its output.
    pub(super) object: ResponseObject,
    /// The input, without instructions.
    pub(super) conversation: Vec<ChatMessage>,
    /// The input as items with names, for whoever asks for them later.
    pub(super) input: Vec<Map<String, Value>>,
    /// Where the response is kept in the end.
    pub(super) store: Option<ResponseStore>,
    /// Last part of the names of its items.
    pub(super) name: String,
    pub(super) includes: Includes,
}

/// A response that is being generated.
#[derive(Debug)]
pub struct ResponsesAnswer {
    chat: ChatAnswer,
    object: ResponseObject,
    conversation: Vec<ChatMessage>,
    input: Vec<Map<String, Value>>,
    store: Option<ResponseStore>,
    items: Items,
    reason: Option<FinishReason>,
    /// Number of the next event.
    number: u64,
}

impl ResponsesAnswer {
    pub(super) fn new(chat: ChatAnswer, started: Started) -> Self {
        let Started { object, conversation, input, store, name, includes } = started;
        let items = Items::new(name, includes.encrypted);
        Self { chat, object, conversation, input, store, items, reason: None, number: 0 }
    }

    /// The events before the first output.
    pub fn begin(&mut self) -> Vec<ResponseEvent> {
        ["response.created", "response.in_progress"].into_iter().map(|kind| self.lifecycle(kind)).collect()
    }

    /// The events of an output. Those of the end include the last one of the stream.
    ///
    /// # Errors
    /// [`Error::Refused`] with the status of a request that failed; see [`ResponsesAnswer::failed`].
    pub fn events(&mut self, output: Output) -> Result<Vec<ResponseEvent>> {
        let finished = match &output {
            Output::Finished(finished) => Some(finished.clone()),
            Output::Prompt(_) | Output::Pieces(_) => None,
        };
        for choice in self.chat.chunks(output)?.into_iter().flat_map(|chunk| chunk.choices) {
            self.items.push(choice.delta, choice.logprobs.unwrap_or_default().content);
            self.reason = choice.finish_reason.or(self.reason);
        }
        let last = finished.map(|finished| self.finish(&finished));
        let mut events = self.numbered();
        events.extend(last.map(|kind| self.lifecycle(kind)));
        Ok(events)
    }

    /// The last events of a stream that broke off.
    pub fn failed(&mut self, error: &Error) -> Vec<ResponseEvent> {
        let code = match error {
            Error::Refused { status: 429, .. } => "rate_limit_exceeded",
            Error::Refused { status: 400..=499, .. } | Error::TooLong { .. } => "invalid_prompt",
            _ => "server_error",
        };
        if !self.items.list().is_empty() {
            self.items.finish(ItemStatus::Incomplete);
        }
        self.object.output = self.items.list().to_vec();
        self.object.output_text = self.object.text();
        self.object.status = ResponseStatus::Failed;
        self.object.error = Some(ResponseError { code: code.to_owned(), message: error.to_string() });
        let mut events = self.numbered();
        events.push(self.lifecycle("response.failed"));
        events
    }

    /// The whole response, from all outputs of the request.
    ///
    /// # Errors
    /// [`Error::Refused`] with the status of a request that failed.
    pub fn whole(mut self, outputs: impl IntoIterator<Item = Output>) -> Result<ResponseObject> {
        for output in outputs {
            self.events(output)?;
        }
        Ok(self.object)
    }

    /// Takes down how the response ended and keeps it; gives the name of the last event.
    fn finish(&mut self, finished: &Finished) -> &'static str {
        let (status, item, kind) = match self.reason {
            Some(FinishReason::Length) => {
                (ResponseStatus::Incomplete, ItemStatus::Incomplete, "response.incomplete")
            }
            // There is no event of this name.
            Some(FinishReason::Abort) => {
                (ResponseStatus::Cancelled, ItemStatus::Incomplete, "response.incomplete")
            }
            _ => (ResponseStatus::Completed, ItemStatus::Completed, "response.completed"),
        };
        self.items.finish(item);
        self.object.output = self.items.list().to_vec();
        self.object.output_text = self.object.text();
        self.object.status = status;
        self.object.usage = Some(self.chat.usage(finished).into());
        match status {
            ResponseStatus::Completed => self.object.completed_at = Some(now()),
            ResponseStatus::Incomplete => {
                let reason = "max_output_tokens".to_owned();
                self.object.incomplete_details = Some(IncompleteDetails { reason });
            }
            _ => {}
        }
        if let Some(store) = self.store.take() {
            let mut conversation = Conversation::resume(std::mem::take(&mut self.conversation), "");
            for item in &self.object.output {
                // What this server has said itself can be read.
                if let Ok(Value::Object(fields)) = serde_json::to_value(item) {
                    let _ = conversation.item(&RawObject::new(&fields, "output"));
                }
            }
            store.put(self.object.clone(), conversation.messages, std::mem::take(&mut self.input));
        }
        kind
    }

    /// The events of the items since the last time.
    fn numbered(&mut self) -> Vec<ResponseEvent> {
        let events = self.items.take_events();
        events.into_iter().map(|(kind, body)| self.event(kind, body)).collect()
    }

    /// An event with the response as it stands.
    fn lifecycle(&mut self, kind: &'static str) -> ResponseEvent {
        let response = Box::new(self.object.clone());
        self.event(kind, ResponseEventBody::Response { response })
    }

    fn event(&mut self, kind: &'static str, body: ResponseEventBody) -> ResponseEvent {
        let sequence_number = self.number;
        self.number += 1;
        ResponseEvent { kind, sequence_number, body }
    }
}
