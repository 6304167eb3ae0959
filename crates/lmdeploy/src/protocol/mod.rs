//! The OpenAI-shaped HTTP protocol: what the server reads and writes and the client sends and gets.
//!
//! Plain serde types without I/O. Absent optional fields are not written. Unknown fields are ignored on both sides; the
//! server refuses those that are documented somewhere and that it does not have.
//! Requests begin with [`ChatRequest::new`] or [`CompletionRequest::new`]. Their `with_*` methods set the usual fields;
//! the others are assigned.

mod abort;
pub mod anthropic;
mod applied_template;
mod builder;
mod chat;
mod chat_response;
mod chunk;
mod completion;
mod completion_response;
mod embedding_input;
mod embeddings;
mod encode;
mod error;
mod field;
mod generate;
mod model_list;
mod number;
mod perplexity;
mod prompt;
mod prompt_logprob;
mod repetition_detection;
#[cfg(feature = "server")]
pub(crate) mod request_fields;
mod response_format;
pub mod responses;
mod structured_outputs;
mod timings;
mod token_list;
mod tool;
mod truncation;
#[cfg(feature = "server")]
pub(crate) mod unsupported;
mod usage;
mod vector;
mod weights;
mod whole;

pub use internlm_model::chat::FunctionDefinition;
pub use internlm_model::chat::openai::{
    ChatMessage, Content, ContentPart, FunctionCall, MessageRole, ToolCall, ToolDefinition,
};

pub use abort::AbortRequest;
pub use applied_template::AppliedTemplate;
pub use chat::ChatRequest;
pub use chat_response::{ChatChoice, ChatLogprobs, ChatResponse, TokenLogprob, TopLogprob};
pub use chunk::{ChatChunk, ChatChunkChoice, ChatDelta};
pub use completion::CompletionRequest;
pub use completion_response::{CompletionChoice, CompletionLogprobs, CompletionResponse};
pub use embedding_input::{EmbeddedText, EmbeddingInput, TextObject, TextPart, TextPiece};
pub use embeddings::{
    EmbeddingData, EmbeddingFormat, EmbeddingRequest, EmbeddingResponse, EmbeddingUsage, PoolingData,
    PoolingMethod, PoolingRequest, PoolingResponse, PoolingTask,
};
pub use encode::{
    DetokenizeRequest, DetokenizeResponse, EncodeRequest, EncodeResponse, Lengths, TokenLists,
    TokenizeRequest, TokenizeResponse,
};
pub use error::{ErrorBody, ErrorDetail};
pub use field::{FinishReason, OneOrMany, StopReason, StreamOptions};
pub use generate::{FinishInfo, GenerateBody, GenerateMeta, GenerateResponse, RankedLogprobs};
pub use model_list::{HealthStatus, ModelInfo, ModelList, ModelPermission, ServerLoad, SleepStatus, Version};
pub use perplexity::{PerplexityRequest, PerplexityResponse, Scored};
pub use prompt::Prompt;
pub use prompt_logprob::{PromptLogprob, PromptLogprobs};
pub use repetition_detection::RepetitionDetection;
pub use response_format::{JsonSchemaFormat, ResponseFormat, TaggedStructure};
pub use structured_outputs::StructuredOutputs;
pub use timings::Timings;
pub use token_list::{PieceText, TokenList, TokenPiece};
pub use tool::{FunctionCallDelta, StreamedCalls, ToolCallDelta};
pub use truncation::TruncationSide;
pub use usage::{CompletionTokensDetails, PromptTokensDetails, Usage};
pub use vector::Vector;
pub use weights::{UpdateWeightsRequest, WeightsUpdated};
