//! [`Remote`]: a server that speaks OpenAI's protocol.

use std::io;

use futures_util::StreamExt;
use internlm_kit::exit::BadInput;
use internlm_model::chat::{Message, Role};
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::{ChatMessage, ChatRequest};
use tokio::runtime::Runtime;

use super::{Chat, Partner};
use crate::Error;

/// A client with the settings of every answer.
pub(super) struct Remote {
    client: Client,
    runtime: Runtime,
    request: ChatRequest,
    seed: u32,
}

impl Remote {
    /// Prepares to ask the server at `url`, which is not asked yet.
    pub(super) fn new(chat: &Chat, url: &str) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new(url);
        config.api_key.clone_from(&chat.api_key);
        let mut request = ChatRequest::new([])
            .with_temperature(chat.temperature)
            .with_top_k(chat.top_k)
            .with_top_p(chat.top_p)
            .with_max_tokens(chat.max_new_tokens);
        request.repetition_penalty = Some(chat.repetition_penalty);
        if !chat.stop_words.is_empty() {
            request = request.with_stop(chat.stop_words.iter().cloned());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { client: Client::new(config).map_err(named)?, runtime, request, seed: chat.seed })
    }
}

impl Partner for Remote {
    fn answer(
        &self,
        messages: &[Message],
        turn: u32,
        show: &mut dyn FnMut(&str) -> io::Result<()>,
    ) -> anyhow::Result<Message> {
        let mut request = self.request.clone().with_seed(i64::from(self.seed) + i64::from(turn));
        request.messages = messages.iter().map(message).collect();
        self.runtime.block_on(async {
            let mut chunks = self.client.chat_stream(&request).await.map_err(named)?;
            let mut text = String::new();
            while let Some(chunk) = chunks.next().await {
                for choice in chunk.map_err(named)?.choices {
                    let piece = choice.delta.content.unwrap_or_default();
                    show(&piece)?;
                    text.push_str(&piece);
                }
            }
            anyhow::Ok(Message::assistant(text))
        })
    }
}

/// A message in the words of the protocol.
fn message(message: &Message) -> ChatMessage {
    match message.role {
        Role::System => ChatMessage::system(message.text()),
        Role::Assistant => ChatMessage::assistant(message.text()),
        Role::User | Role::Environment => ChatMessage::user(message.text()),
    }
}

/// What is wrong with the address or the request is the user's to change.
fn named(error: lmdeploy::Error) -> anyhow::Error {
    if error.is_bad_input() {
        return Error::mismatch("--api-url", error.to_string(), "a server that answers such requests").into();
    }
    error.into()
}
