//! Any OpenAI-compatible server over HTTP: ours, or another.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lmdeploy::client::{Client, ClientConfig};
use serde::{Deserialize, Serialize};

use super::convert::{Reply, failure, request};
use super::{Deltas, LanguageModel, ModelRequest, stream};
use crate::run::ModelOutcome;
use crate::{Error, Result};

/// How to reach the model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ModelConfig {
    /// `http://host:port`, without `/v1`; default the server on this machine's port 23333.
    pub base_url: String,
    /// The model's name; default the first that the server lists.
    pub name: Option<String>,
    /// File that holds the key; default no key. The key itself is never written anywhere.
    pub api_key_file: Option<PathBuf>,
    /// Longest silence of the server, seconds; default 600.
    pub timeout_seconds: u64,
    /// Tries after a failed connection, or after status 429 or 503; default 3.
    pub retries: u32,
}

impl Default for ModelConfig {
    fn default() -> Self {
        let client = ClientConfig::default();
        Self {
            base_url: client.base_url,
            name: None,
            api_key_file: None,
            timeout_seconds: client.timeout.as_secs(),
            retries: client.retries,
        }
    }
}

/// A model of a server.
#[derive(Clone, Debug)]
pub struct OpenAi {
    client: Client,
    model: String,
}

impl OpenAi {
    /// Connects: asks the server for its models, which also proves that it is there.
    ///
    /// # Errors
    /// [`Error::File`] of the key, [`Error::Server`] when the server cannot be reached or used.
    pub async fn connect(config: &ModelConfig) -> Result<Self> {
        let api_key = config.api_key_file.as_ref().map(|path| {
            let key = fs::read_to_string(path);
            let key = key.map_err(|source| Error::File { path: path.clone(), verb: "read", source })?;
            Ok::<_, Error>(key.trim().to_owned())
        });
        let mut client = ClientConfig::new(&config.base_url)
            .with_timeout(Duration::from_secs(config.timeout_seconds))
            .with_retries(config.retries);
        client.api_key = api_key.transpose()?;
        let client = Client::new(client)?;
        let model = match &config.name {
            Some(name) => name.clone(),
            None => client.models().await?.data.into_iter().next().map(|model| model.id).unwrap_or_default(),
        };
        Ok(Self { client, model })
    }

    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.model
    }
}

impl LanguageModel for OpenAi {
    async fn chat(&self, asked: ModelRequest<'_>) -> ModelOutcome {
        let started = Instant::now();
        let answer = self.client.chat(&request(&self.model, asked)).await;
        let milliseconds = elapsed(started);
        match answer {
            Ok(answer) => {
                let mut reply = Reply {
                    input_tokens: answer.usage.prompt_tokens,
                    output_tokens: answer.usage.completion_tokens,
                    ..Reply::default()
                };
                if let Some(choice) = answer.choices.into_iter().next() {
                    reply.content = choice.message.text();
                    reply.finish = choice.finish_reason;
                    reply.calls = choice.message.tool_calls.unwrap_or_default();
                }
                reply.outcome(milliseconds)
            }
            Err(error) => failure(&error, milliseconds),
        }
    }

    async fn stream(&self, asked: ModelRequest<'_>, deltas: Deltas<'_>) -> ModelOutcome {
        let started = Instant::now();
        let request = request(&self.model, asked);
        let answer = match self.client.chat_stream(&request).await {
            Ok(chunks) => stream::collect(chunks, deltas).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(reply) => reply.outcome(elapsed(started)),
            Err(error) => failure(&error, elapsed(started)),
        }
    }
}

fn elapsed(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
