//! A model behind an OpenAI-compatible HTTP server, ours or another.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use internlm_kit::file;
use lmdeploy::client::{Client, ClientConfig};
use serde::{Deserialize, Serialize};

use super::convert::{Reply, failure, not_sent, request};
use super::{Deltas, LanguageModel, ModelRequest, stream};
use crate::run::ModelOutcome;
use crate::{Error, Result};

/// The `[model]` table of an agent file: where the model's server is and how to talk to it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct EndpointConfig {
    /// Address of the server as `http://host:port`, without `/v1`. Default: port 23333 on this machine.
    pub base_url: String,
    /// Name of the model on the server. Default: the first model that the server lists.
    pub name: Option<String>,
    /// File that contains the API key. Default: no key. The key itself is never written anywhere.
    pub api_key_file: Option<PathBuf>,
    /// Idle timeout in seconds: how long the server may send nothing. Default: 600.
    pub timeout_seconds: u64,
    /// Number of retries after a failed connection or status 429 or 503. Default: 3.
    pub retries: u32,
}

impl Default for EndpointConfig {
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

/// A model behind an OpenAI-compatible server. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct OpenAi {
    client: Client,
    model: String,
}

impl OpenAi {
    /// Connects to a server and looks up the model.
    ///
    /// The list of models is always requested, even if `config` names one: a server that is missing or
    /// serves something else is found out before the first question, not in the middle of a run.
    ///
    /// # Errors
    /// [`Error::File`] when the key cannot be read; [`Error::Server`] for an address that is not a URL;
    /// [`Error::Unreachable`] when the server does not answer; [`Error::UnknownModel`] when it does not have
    /// the model.
    pub async fn connect(config: &EndpointConfig) -> Result<Self> {
        let api_key = config.api_key_file.as_ref().map(file::read_to_string).transpose()?;
        let mut client = ClientConfig::new(&config.base_url)
            .with_timeout(Duration::from_secs(config.timeout_seconds))
            .with_retries(config.retries);
        client.api_key = api_key.map(|key| key.trim().to_owned());
        let client = Client::new(client)?;
        let listed = client.models().await.map_err(Error::Unreachable)?;
        let known: Vec<String> = listed.data.into_iter().map(|model| model.id).collect();
        let found = match &config.name {
            None => known.first(),
            Some(name) => known.iter().find(|known| *known == name),
        };
        match found.cloned() {
            Some(model) => Ok(Self { client, model }),
            None => {
                Err(Error::UnknownModel { url: config.base_url.clone(), name: config.name.clone(), known })
            }
        }
    }
}

impl LanguageModel for OpenAi {
    fn name(&self) -> &str {
        &self.model
    }

    async fn chat(&self, asked: ModelRequest<'_>) -> ModelOutcome {
        let started = Instant::now();
        let request = match request(&self.model, asked) {
            Ok(request) => request,
            Err(message) => return not_sent(message),
        };
        let answer = self.client.chat(&request).await;
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
        let request = match request(&self.model, asked) {
            Ok(request) => request,
            Err(message) => return not_sent(message),
        };
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
