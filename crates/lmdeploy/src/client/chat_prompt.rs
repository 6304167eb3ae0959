//! The prompt of a chat request, without an answer.

use super::Client;
use crate::Result;
use crate::protocol::responses::InputTokenCount;
use crate::protocol::{AppliedTemplate, ChatRequest};

impl Client {
    /// `POST /v1/chat/completions/input_tokens`: how many ids the prompt of a chat request has.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn count_chat_tokens(&self, request: &ChatRequest) -> Result<InputTokenCount> {
        self.transport.post("/v1/chat/completions/input_tokens", request).await
    }

    /// `POST /apply-template`: the prompt of a chat request as text.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn apply_template(&self, request: &ChatRequest) -> Result<AppliedTemplate> {
        self.transport.post("/apply-template", request).await
    }
}
