//! [`Client`]: one method for every operation of a server. Here are OpenAI's chats, completions and models.

use super::stream::{EventStream, Last};
use super::transport::Transport;
use super::{ClientConfig, place};
use crate::Result;
use crate::protocol::{
    ChatChunk, ChatRequest, ChatResponse, CompletionRequest, CompletionResponse, ModelInfo, ModelList,
    StreamOptions,
};

/// Chunks of a streamed chat answer; ends after `[DONE]` or the first error.
pub type ChatStream = EventStream<ChatChunk>;
/// Pieces of a streamed completion; ends after `[DONE]` or the first error.
pub type CompletionStream = EventStream<CompletionResponse>;

const CHAT: &str = "/v1/chat/completions";
const COMPLETIONS: &str = "/v1/completions";

/// A client for one server. Cheap to clone; clones share their connections.
///
/// A request is sent again when no connection could be made and when the server answers 429 or 503, after the pause that
/// its `Retry-After` asks for; [`ClientConfig`] says how often and for how long. A request whose connection breaks after it
/// was sent is not sent again, and neither is one whose stream has begun. Dropping the future of a call or a stream closes
/// its connection, which cancels the request.
///
/// ```
/// use lmdeploy::client::{Client, ClientConfig};
/// use lmdeploy::protocol::{ChatMessage, ChatRequest};
/// # let server = lmdeploy::testing::MockServer::start("hello");
/// # let url = server.url();
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
///
/// let client = Client::new(ClientConfig::new(url))?; // such as http://127.0.0.1:23333
/// let answer = client.chat(&ChatRequest::new([ChatMessage::user("hi")])).await?;
/// assert_eq!(answer.text(), "hello");
/// # Ok::<(), lmdeploy::Error>(())
/// # })?;
/// # Ok::<(), lmdeploy::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) transport: Transport,
}

impl Client {
    /// A client for `config.base_url`, with or without `/v1` at its end. It does not connect yet.
    ///
    /// When the process has no TLS provider, this installs ring.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) when `base_url` is not an `http://` or `https://` URL,
    /// [`Error::Tls`](crate::Error::Tls) when TLS cannot be set up.
    pub fn new(config: ClientConfig) -> Result<Self> {
        Ok(Self { transport: Transport::new(config)? })
    }

    /// The settings; the address is without trailing slashes and `/v1`.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.transport.config
    }

    /// `POST /v1/chat/completions`; waits for the whole answer.
    ///
    /// # Errors
    /// [`Error::Unreachable`](crate::Error::Unreachable), [`Error::Connection`](crate::Error::Connection),
    /// [`Error::Status`](crate::Error::Status), [`Error::Answer`](crate::Error::Answer).
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let request = ChatRequest { stream: None, stream_options: None, ..request.clone() };
        self.transport.post(CHAT, &request).await
    }

    /// `POST /v1/chat/completions`, streamed; the usage comes in the last chunk. Dropping the stream
    /// cancels the request.
    ///
    /// # Errors
    /// Like [`Client::chat`] before the first chunk; later errors are items of the stream.
    pub async fn chat_stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let stream_options = Some(StreamOptions { include_usage: true, ..StreamOptions::default() });
        let request = ChatRequest { stream: Some(true), stream_options, ..request.clone() };
        self.transport.events(CHAT, &request, Last::Done).await
    }

    /// `POST /v1/completions`; waits for the whole answer.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn completions(&self, request: &CompletionRequest) -> Result<CompletionResponse> {
        let request = CompletionRequest { stream: None, stream_options: None, ..request.clone() };
        self.transport.post(COMPLETIONS, &request).await
    }

    /// `POST /v1/completions`, streamed; the usage comes in the last piece. Dropping the stream cancels the request.
    ///
    /// # Errors
    /// Like [`Client::chat_stream`].
    pub async fn completions_stream(&self, request: &CompletionRequest) -> Result<CompletionStream> {
        let stream_options = Some(StreamOptions { include_usage: true, ..StreamOptions::default() });
        let request = CompletionRequest { stream: Some(true), stream_options, ..request.clone() };
        self.transport.events(COMPLETIONS, &request, Last::Done).await
    }

    /// `GET /v1/models`: the models that the server offers.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn models(&self) -> Result<ModelList> {
        self.transport.get("/v1/models").await
    }

    /// `GET /v1/models/{model}`: the model of that name, which may have slashes.
    ///
    /// # Errors
    /// Like [`Client::chat`], with status 404 for a model that the server does not offer, and
    /// [`Error::Setting`](crate::Error::Setting) for a name that a URL cannot hold.
    pub async fn model(&self, name: &str) -> Result<ModelInfo> {
        self.transport.get(&format!("/v1/models/{}", place::segment("model", name)?)).await
    }
}
