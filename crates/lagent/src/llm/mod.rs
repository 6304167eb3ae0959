//! Language models behind an agent: an OpenAI-compatible server, or a script for tests.

mod convert;
mod language_model;
mod openai;
mod scripted;
mod stream;

pub use language_model::{Deltas, LanguageModel, ModelRequest};
pub use openai::{EndpointConfig, OpenAi};
pub use scripted::Scripted;
