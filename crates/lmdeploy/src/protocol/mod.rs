//! The OpenAI-shaped HTTP protocol: what the server reads and writes and the client sends and gets.
//!
//! Plain serde types without I/O. Unknown fields are ignored on both sides, and absent optional fields are not written.
//! Requests begin with [`ChatRequest::new`] or [`CompletionRequest::new`] and are completed by their `with_*` methods.

mod builder;
mod chat;
mod chunk;
mod completion;
mod error;
mod field;
mod model_list;
mod tool;
mod usage;

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
pub use tool::{FunctionCallDelta, ToolCallDelta};
pub use usage::{PromptTokensDetails, Usage};
