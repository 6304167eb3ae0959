//! HTTP client for any OpenAI-compatible server: chat, completions, streams, retries.

mod config;
mod http;
mod sse;

pub use config::ClientConfig;
pub use http::{ChatStream, Client, CompletionStream};
pub(crate) use sse::EventReader;
