//! The OpenAI-shaped HTTP protocol: what the server reads and writes and the client sends and gets.
//!
//! Plain serde types without I/O. Absent optional fields are not written. Unknown fields are ignored on both sides; the
//! server refuses those that are documented somewhere and that it does not have.
//! Requests begin with [`ChatRequest::new`] or [`CompletionRequest::new`]. Their `with_*` methods set the usual fields;
//! the others are assigned.

mod builder;
mod chat;
mod chunk;
mod completion;
mod error;
mod field;
mod model_list;
#[cfg(feature = "server")]
pub(crate) mod request_fields;
mod tool;
#[cfg(feature = "server")]
pub(crate) mod unsupported;
mod usage;
mod whole;

pub use internlm_model::chat::FunctionDefinition;
pub use internlm_model::chat::openai::{
    ChatMessage, Content, ContentPart, FunctionCall, MessageRole, ToolCall, ToolDefinition,
};

pub use chat::{ChatChoice, ChatLogprobs, ChatRequest, ChatResponse, TokenLogprob, TopLogprob};
pub use chunk::{ChatChunk, ChatChunkChoice, ChatDelta};
pub use completion::{CompletionChoice, CompletionLogprobs, CompletionRequest, CompletionResponse, Prompt};
pub use error::{ErrorBody, ErrorDetail};
pub use field::{FinishReason, OneOrMany, StreamOptions};
pub use model_list::{HealthStatus, ModelInfo, ModelList};
pub use tool::{FunctionCallDelta, StreamedCalls, ToolCallDelta};
pub use usage::{PromptTokensDetails, Usage};
