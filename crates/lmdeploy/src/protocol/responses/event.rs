//! [`ResponseEvent`]: one event of a streamed response.

use serde::Serialize;

use super::super::TokenLogprob;
use super::{OutputItem, OutputPart, ResponseObject};

/// One event of a stream. The fields of [`ResponseEventBody`] are written next to type and number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResponseEvent {
    /// Name of the event: `response.created`, `response.output_text.delta`, ...
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Place in the stream, from 0.
    pub sequence_number: u64,
    /// The fields of the kind of event.
    #[serde(flatten)]
    pub body: ResponseEventBody,
}

/// The fields of an event that its type brings.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ResponseEventBody {
    /// `response.created`, `.in_progress`, `.completed`, `.incomplete`, `.failed`.
    Response {
        /// The response as it stands.
        response: Box<ResponseObject>,
    },
    /// An item begins or ends: `response.output_item.added`, `.output_item.done`.
    Item {
        /// Place of the item in the response.
        output_index: usize,
        /// The item: empty when it is added, whole when it is done.
        item: OutputItem,
    },
    /// A part of an item begins or ends: `response.content_part.added`, `.content_part.done`.
    Part {
        /// Where the part is.
        #[serde(flatten)]
        place: PartPlace,
        /// The part: empty when it is added, whole when it is done.
        part: OutputPart,
    },
    /// The text grows: `response.output_text.delta`.
    TextDelta {
        /// Where the text belongs.
        #[serde(flatten)]
        place: PartPlace,
        /// The characters that follow those already sent.
        delta: String,
        /// Log-probabilities of the ids whose text is new.
        logprobs: Vec<TokenLogprob>,
    },
    /// The text is complete: `response.output_text.done`.
    TextDone {
        /// Where the text belongs.
        #[serde(flatten)]
        place: PartPlace,
        /// The whole text of the part.
        text: String,
        /// All of its log-probabilities.
        logprobs: Vec<TokenLogprob>,
    },
    /// The reasoning grows: `response.reasoning_text.delta`.
    ReasoningDelta {
        /// Where the reasoning belongs.
        #[serde(flatten)]
        place: PartPlace,
        /// The characters that follow those already sent.
        delta: String,
    },
    /// The reasoning is complete: `response.reasoning_text.done`.
    ReasoningDone {
        /// Where the reasoning belongs.
        #[serde(flatten)]
        place: PartPlace,
        /// The whole text of the reasoning.
        text: String,
    },
    /// The arguments of a call grow: `response.function_call_arguments.delta`.
    ArgumentsDelta {
        /// Name of the item.
        item_id: String,
        /// Place of the item in the response.
        output_index: usize,
        /// The characters that follow those already sent.
        delta: String,
    },
    /// The arguments of a call are complete: `response.function_call_arguments.done`.
    ArgumentsDone {
        /// Name of the item.
        item_id: String,
        /// Place of the item in the response.
        output_index: usize,
        /// Name of the function.
        name: String,
        /// The whole arguments, as JSON text.
        arguments: String,
    },
}

/// Where a part is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PartPlace {
    /// Name of the item.
    pub item_id: String,
    /// Place of the item in the response.
    pub output_index: usize,
    /// Place of the part in the item: always 0.
    pub content_index: usize,
}
