//! Routes without the frame of a chat: `/generate`, `/get_ppl`, text to ids and back.

use super::Client;
use super::stream::{EventStream, Last};
use crate::Result;
use crate::protocol::{
    DetokenizeRequest, DetokenizeResponse, EncodeRequest, EncodeResponse, GenerateBody, GenerateResponse,
    PerplexityRequest, PerplexityResponse, TokenizeRequest, TokenizeResponse,
};

/// Pieces of a streamed `/generate`, each with its own new text and ids; ends after `[DONE]` or the first error.
pub type GenerateStream = EventStream<GenerateResponse>;

const GENERATE: &str = "/generate";

impl Client {
    /// `POST /generate`; waits for the whole text.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn generate(&self, request: &GenerateBody) -> Result<GenerateResponse> {
        let request = GenerateBody { stream: None, ..request.clone() };
        self.transport.post(GENERATE, &request).await
    }

    /// `POST /generate`, streamed. Dropping the stream cancels the request.
    ///
    /// # Errors
    /// Like [`Client::chat_stream`].
    pub async fn generate_stream(&self, request: &GenerateBody) -> Result<GenerateStream> {
        let request = GenerateBody { stream: Some(true), ..request.clone() };
        self.transport.events(GENERATE, &request, Last::Done).await
    }

    /// `POST /get_ppl`: how likely the model finds a text.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn perplexity(&self, request: &PerplexityRequest) -> Result<PerplexityResponse> {
        self.transport.post("/get_ppl", request).await
    }

    /// `POST /v1/encode`: the ids of one text or several.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn encode(&self, request: &EncodeRequest) -> Result<EncodeResponse> {
        self.transport.post("/v1/encode", request).await
    }

    /// `POST /tokenize`: the ids of a text or of a conversation.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn tokenize(&self, request: &TokenizeRequest) -> Result<TokenizeResponse> {
        self.transport.post("/tokenize", request).await
    }

    /// `POST /detokenize`: the text of ids, with its marks.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn detokenize(&self, request: &DetokenizeRequest) -> Result<DetokenizeResponse> {
        self.transport.post("/detokenize", request).await
    }
}
