//! `/v1/messages`: Anthropic's API, in which a message is a list of blocks.
//!
//! Plain serde types without I/O, named as in Anthropic's reference (2026). What a client sends are
//! [`MessagesRequest`]s; what it gets is a [`MessageObject`], or [`MessageEvent`]s that build one up.

mod block;
mod event;
#[cfg(feature = "server")]
mod fields;
mod message;
mod model_list;
mod request;

pub use block::{BlockDelta, ContentBlock};
pub use event::{AnthropicErrorDetail, MessageChange, MessageEvent};
pub use message::{MessageObject, MessageStop, MessageUsage, OutputTokensDetails, TokenCount};
pub use model_list::{AnthropicModel, AnthropicModelList};
pub use request::{AnthropicContent, AnthropicMessage, MessagesRequest, OutputConfig};
