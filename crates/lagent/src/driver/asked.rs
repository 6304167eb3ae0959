//! [`Asked`]: a model request that a run has asked for, on its way to the model.

use internlm_model::chat::Message;
use serde_json::Value;

use crate::action::ToolSpec;
use crate::llm::ModelRequest;
use crate::run::Sampling;

/// The parts of [`Command::AskModel`](crate::run::Command::AskModel), owned, so that several requests can be under way.
pub(crate) struct Asked {
    pub(crate) id: u64,
    pub(crate) messages: Vec<Message>,
    pub(crate) tools: Vec<ToolSpec>,
    pub(crate) params: Sampling,
    pub(crate) grammar: Option<Value>,
}

impl Asked {
    /// The request as models read it.
    pub(crate) fn request(&self) -> ModelRequest<'_> {
        let Self { messages, tools, params, grammar, .. } = self;
        ModelRequest { messages, tools, params, grammar: grammar.as_ref() }
    }
}
