//! The trait of everything that answers an agent's requests.

use std::future::Future;

use internlm_model::chat::Message;
use serde_json::Value;

use crate::action::ToolSpec;
use crate::run::{ModelOutcome, Sampling};

/// One request, borrowed from the command that asks for it.
#[derive(Clone, Copy, Debug)]
pub struct ModelRequest<'a> {
    /// The whole prompt, system messages of the protocol included.
    pub messages: &'a [Message],
    /// Tools for the `tools` field of the request; empty if the prompt itself describes them.
    pub tools: &'a [ToolSpec],
    /// Sampling settings of this request.
    pub params: &'a Sampling,
    /// Request fields that constrain the reply, see [`Command::AskModel`](crate::run::Command::AskModel).
    pub grammar: Option<&'a Value>,
}

/// The function that receives the pieces of a reply while it is generated.
pub type Deltas<'a> = &'a mut (dyn FnMut(&str) + Send);

/// A model that answers requests.
///
/// A failure is an outcome with a category, never an error text in the place of an answer: upstream returns
/// `-1` or the error message as if the model had said it.
pub trait LanguageModel: Send + Sync {
    /// Returns the model's name, which is part of what identifies an unfinished batch.
    fn name(&self) -> &str;

    /// Answers one request as a whole.
    fn chat(&self, request: ModelRequest<'_>) -> impl Future<Output = ModelOutcome> + Send;

    /// Answers one request and passes the text to `deltas` while it is generated. The default implementation
    /// passes nothing.
    fn stream(
        &self,
        request: ModelRequest<'_>,
        deltas: Deltas<'_>,
    ) -> impl Future<Output = ModelOutcome> + Send {
        let _ = deltas;
        self.chat(request)
    }
}
