//! Language models behind an agent: any OpenAI-compatible server, or a script.

mod convert;
mod openai;
mod scripted;
mod stream;

use std::future::Future;

use internlm_model::chat::Message;

use crate::action::ToolSpec;
use crate::run::{ModelOutcome, Sampling};

pub use openai::{ModelConfig, OpenAi};
pub use scripted::Scripted;

/// One request, borrowed from the command that asks for it.
#[derive(Clone, Copy, Debug)]
pub struct ModelRequest<'a> {
    /// The whole prompt.
    pub messages: &'a [Message],
    /// Tools for the request's `tools`.
    pub tools: &'a [ToolSpec],
    /// Settings.
    pub params: &'a Sampling,
}

/// Where the pieces of a reply go while it comes.
pub type Deltas<'a> = &'a mut (dyn FnMut(&str) + Send);

/// Something that answers requests. Errors are outcomes with a kind, never texts in place of an answer.
pub trait LanguageModel: Send + Sync {
    /// Answers one request.
    fn chat(&self, request: ModelRequest<'_>) -> impl Future<Output = ModelOutcome> + Send;

    /// Answers one request and shows the text while it comes; the default shows nothing.
    fn stream(
        &self,
        request: ModelRequest<'_>,
        deltas: Deltas<'_>,
    ) -> impl Future<Output = ModelOutcome> + Send {
        let _ = deltas;
        self.chat(request)
    }
}
