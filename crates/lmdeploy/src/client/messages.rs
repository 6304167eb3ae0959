//! Anthropic's routes: messages, their tokens, and the models in their form.

use super::Client;
use super::stream::{EventStream, Last};
use crate::Result;
use crate::protocol::anthropic::{
    AnthropicModelList, MessageEvent, MessageObject, MessagesRequest, TokenCount,
};

/// Events of a streamed message; ends after `message_stop` or the first error.
pub type MessageStream = EventStream<MessageEvent>;

const MESSAGES: &str = "/v1/messages";

impl Client {
    /// `POST /v1/messages`; waits for the whole message.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn messages(&self, request: &MessagesRequest) -> Result<MessageObject> {
        let request = MessagesRequest { stream: None, ..request.clone() };
        self.transport.post(MESSAGES, &request).await
    }

    /// `POST /v1/messages`, streamed. An event `error` is an error of the stream. Dropping the stream cancels the request.
    ///
    /// # Errors
    /// Like [`Client::chat_stream`].
    pub async fn messages_stream(&self, request: &MessagesRequest) -> Result<MessageStream> {
        let request = MessagesRequest { stream: Some(true), ..request.clone() };
        self.transport.events(MESSAGES, &request, Last::Event(&["message_stop"])).await
    }

    /// `POST /v1/messages/count_tokens`: the length of the prompt that the request would have.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn count_tokens(&self, request: &MessagesRequest) -> Result<TokenCount> {
        let request = MessagesRequest { stream: None, ..request.clone() };
        self.transport.post("/v1/messages/count_tokens", &request).await
    }

    /// `GET /anthropic/v1/models`: the models that the server offers, in Anthropic's form.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn anthropic_models(&self) -> Result<AnthropicModelList> {
        self.transport.get("/anthropic/v1/models").await
    }
}
