//! [`Partner`]: who answers, a model in this process or a server.

use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};

use crate::client::Client;
use crate::engine::Output;
use crate::protocol::{ChatChunk, ChatMessage, ChatRequest, TokenizeRequest, TokenizeResponse};
use crate::respond::Responder;
use crate::{Pipeline, Result};

/// The chunks of an answer; the last one has the usage. Dropping them cancels the answer.
pub(super) type Chunks = Pin<Box<dyn Stream<Item = Result<ChatChunk>>>>;

/// Who answers.
pub(super) enum Partner {
    Local(Pipeline),
    Remote(Client),
}

impl Partner {
    pub(super) async fn ask(&self, request: &ChatRequest) -> Result<Chunks> {
        match self {
            Self::Remote(client) => Ok(client.chat_stream(request).await?),
            Self::Local(pipeline) => local(pipeline.responder(), request),
        }
    }

    /// The number of tokens of a conversation, and how many there may be.
    pub(super) async fn count(
        &self,
        model: Option<&str>,
        messages: &[ChatMessage],
    ) -> Result<TokenizeResponse> {
        let request = TokenizeRequest {
            model: model.map(str::to_owned),
            messages: Some(messages.to_vec()),
            add_generation_prompt: Some(false),
            ..TokenizeRequest::default()
        };
        match self {
            Self::Remote(client) => client.tokenize(&request).await,
            Self::Local(pipeline) => pipeline.responder().tokenize(&request),
        }
    }
}

/// Chunks of an answer from the engine in this process.
fn local(responder: &Responder, request: &ChatRequest) -> Result<Chunks> {
    // The requests of a chat ask for one choice.
    let (mut generations, mut answers) = responder.chat(request)?;
    let both = (generations.remove(0), answers.remove(0));
    let chunks = stream::unfold(both, |(mut generation, mut answer)| async {
        let output = generation.next().await?;
        let finished = match &output {
            Output::Finished(finished) => Some(finished.clone()),
            _ => None,
        };
        let items = match answer.chunks(output) {
            Ok(chunks) => {
                let usage = finished.map(|finished| answer.usage_chunk(answer.usage(&finished)));
                chunks.into_iter().chain(usage).map(Ok).collect()
            }
            Err(error) => vec![Err(error)],
        };
        Some((stream::iter(items), (generation, answer)))
    });
    Ok(Box::pin(chunks.flatten()))
}
