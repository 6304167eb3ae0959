//! `/v1/responses`: OpenAI's newer API, in which an answer is a list of items.
//!
//! Plain serde types without I/O, named as in OpenAI's reference (2026). What a client sends are [`ResponsesRequest`]s;
//! what it gets is a [`ResponseObject`], or [`ResponseEvent`]s that build one up.

mod event;
#[cfg(feature = "server")]
mod fields;
mod item;
mod listing;
mod object;
mod request;

pub use event::{PartPlace, ResponseEvent, ResponseEventBody};
pub use item::{FunctionCallItem, ItemStatus, MessageItem, OutputItem, OutputPart, ReasoningItem};
pub use listing::{InputItemList, InputTokenCount};
pub use object::{
    DeletedResponse, IncompleteDetails, InputTokensDetails, OutputTokensDetails, ResponseError,
    ResponseObject, ResponseStatus, ResponseUsage,
};
pub use request::{ReasoningOptions, ResponseInput, ResponsesRequest, TextOptions};
