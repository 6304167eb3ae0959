//! A model behind an OpenAI-compatible server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use internlm_model::tokenizer::Tokenizer;
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::{EmbeddingRequest, EmbeddingResponse};

use super::rate::RateLimit;
use super::weights::weights_hash;
use super::{Answer, Answering, EvaluatedModelConfig, Model, Needs, Profile, Request, ScoredText, wire};
use crate::{Error, Result};

/// Maximum length of prompt plus answer in tokens if neither the run file nor the server gives one.
const DEFAULT_MAX_SEQ_LEN: usize = 2048;

/// A model behind an OpenAI-compatible server.
#[derive(Debug)]
pub struct ApiModel {
    client: Client,
    served_name: String,
    profile: Profile,
    limit: Option<Arc<RateLimit>>,
    /// Whether the server is asked by lmdeploy's `/generate` for the rest of a text, until it says that it has no such
    /// route.
    has_generate: AtomicBool,
}

impl ApiModel {
    /// Asks the server for its models. If `needs` says so, also tries whether it returns log-probabilities.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when the server does not answer; [`Error::Model`] when it does not serve the model;
    /// [`Error::Weights`] when the files of the weights cannot be read.
    pub async fn connect(config: &EvaluatedModelConfig, needs: Needs) -> Result<Self> {
        let fail = |message: String| Error::Model { model: config.name.clone(), message };
        let unreadable = |source| Error::Weights { model: config.name.clone(), source: Box::new(source) };
        let url = config.base_url.clone().unwrap_or_default();
        let mut client = ClientConfig::new(&url)
            .with_timeout(Duration::from_secs(config.timeout_seconds))
            .with_retries(config.retries);
        client.api_key = config.api_key.clone();
        let client = Client::new(client).map_err(|error| fail(error.to_string()))?;
        let models = client.models().await.map_err(|error| Error::Unreachable {
            model: config.name.clone(),
            url,
            message: error.to_string(),
        })?;
        let known: Vec<&str> = models.data.iter().map(|model| model.id.as_str()).collect();
        let served = match &config.served_name {
            None => models.data.first(),
            Some(name) => models.data.iter().find(|model| model.id == *name),
        };
        let served = served.ok_or_else(|| {
            let wanted = config.served_name.as_deref().unwrap_or("any model");
            fail(format!("served-name: found the models [{}], expected {wanted}", known.join(", ")))
        })?;
        let served_length = served.max_model_len.and_then(|length| usize::try_from(length).ok());
        let max_seq_len = config.max_seq_len.or(served_length).unwrap_or(DEFAULT_MAX_SEQ_LEN);
        let identity = identity(config, &served.id).map_err(unreadable)?;
        let mut profile = Profile::new(&config.name, identity, max_seq_len);
        profile.protocol = config.protocol;
        profile.meta_template = config.meta_template.clone();
        profile.temperature = config.temperature;
        profile.tokenizer = config.weights.as_deref().map(Tokenizer::load).transpose().map_err(unreadable)?;
        profile.agent = Err("it is a model without tools of its own".to_owned());
        let mut model = Self {
            client,
            served_name: served.id.clone(),
            profile,
            limit: RateLimit::of(config),
            has_generate: AtomicBool::new(true),
        };
        model.find_out(config, needs).await;
        Ok(model)
    }

    /// Finds out what the server can do, as far as the run needs it.
    async fn find_out(&mut self, config: &EvaluatedModelConfig, needs: Needs) {
        let refused = Err("model.log-probs is false".to_owned());
        self.profile.log_probs = match (config.log_probs, needs) {
            (Some(false), _) => refused,
            (None, Needs::LogProbs) => {
                self.probe(Request::Score { text: ScoredText::Text("probe".to_owned()), from: 0 }).await
            }
            _ => Ok(()),
        };
        self.profile.choices = match (&self.profile.log_probs, &self.profile.tokenizer) {
            (Err(reason), _) => Err(reason.clone()),
            (Ok(()), None) => {
                Err("the ids of the choices are not known without its tokenizer (model.weights)".to_owned())
            }
            (Ok(()), Some(_)) => Ok(()),
        };
    }

    /// Sends a small request and returns the reason if the server does not answer it.
    async fn probe(&self, request: Request) -> Result<(), String> {
        match self.send(&request).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the server returns none: {error}")),
        }
    }

    async fn send(&self, request: &Request) -> Result<Answer> {
        if let Request::Score { text, from } = request
            && let Some(answer) = wire::nothing_scored(text, *from)
        {
            return Ok(answer);
        }
        if let Some(limit) = &self.limit {
            limit.wait(request).await;
        }
        let failed = |source| self.failed(source);
        let (client, name) = (&self.client, &self.served_name);
        match request {
            Request::Chat { messages, tools, sampling } => {
                let body = wire::chat_request(name, messages, tools, sampling)?;
                wire::chat_answer(&client.chat(&body).await.map_err(failed)?)
            }
            Request::Complete { prompt, sampling } => {
                let body = wire::complete_request(name, prompt, sampling);
                wire::complete_answer(client.completions(&body).await.map_err(failed)?)
            }
            Request::Score { text: ScoredText::Ids(ids), from } if *from > 0 => self.rest(ids, *from).await,
            Request::Score { text, from } => {
                let body = wire::score_request(name, text);
                wire::score_answer(client.completions(&body).await.map_err(failed)?, text, *from)
            }
            Request::Tokens { text } => {
                let body = wire::score_request(name, text);
                wire::tokens_answer(client.completions(&body).await.map_err(failed)?)
            }
            Request::Choices { prompt, choices } => {
                let ids = wire::choice_ids(self.profile.tokenizer.as_ref(), choices)?;
                let body = wire::choices_request(name, prompt, &ids);
                wire::choices_answer(client.completions(&body).await.map_err(failed)?, &ids)
            }
            Request::Embed { texts } => {
                let body = EmbeddingRequest::new(texts.clone()).with_model(name);
                vectors(client.embeddings(&body).await.map_err(failed)?, texts.len())
            }
            Request::Run { .. } | Request::Agent { .. } => Err(wire::unsupported(request)),
        }
    }

    /// Scores the ids from place `from` on. `/generate` of lmdeploy's server computes only what its prefix cache does not
    /// have; other servers score the whole text, also those whose route of that name answers something else.
    async fn rest(&self, ids: &[u32], from: usize) -> Result<Answer> {
        if self.has_generate.load(Ordering::Relaxed) {
            match self.client.generate(&wire::rest_request(ids, from)).await {
                Ok(response) => {
                    if let Ok(answer) = wire::rest_answer(&response, ids, from) {
                        return Ok(answer);
                    }
                }
                // 429 asks to come again later and says nothing about the route.
                Err(
                    lmdeploy::Error::Status { status: 400..=428 | 430..=499 | 501, .. }
                    | lmdeploy::Error::Answer { .. },
                ) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        let text = ScoredText::Ids(ids.to_vec());
        let body = wire::score_request(&self.served_name, &text);
        let response = self.client.completions(&body).await.map_err(|error| self.failed(error))?;
        let answer = wire::score_answer(response, &text, from)?;
        // What the usual route answers and the other one does not, is asked by the usual one from now on.
        self.has_generate.store(false, Ordering::Relaxed);
        Ok(answer)
    }

    fn failed(&self, source: lmdeploy::Error) -> Error {
        Error::Request { model: self.profile.name.clone(), source: Box::new(source) }
    }
}

/// Reads the vectors of an answer in the order of the texts.
fn vectors(response: EmbeddingResponse, texts: usize) -> Result<Answer> {
    let mut data = response.data;
    data.sort_by_key(|data| data.index);
    let wrong =
        |found: String, expected: &'static str| Error::Answer { place: "data".to_owned(), found, expected };
    if data.len() != texts {
        return Err(wrong(format!("{} vectors for {texts} texts", data.len()), "one per text"));
    }
    let vector = |data: &lmdeploy::protocol::EmbeddingData| {
        data.embedding.values().ok_or_else(|| wrong("text that is not base64".to_owned(), "numbers"))
    };
    Ok(Answer::Vectors { vectors: data.iter().map(vector).collect::<Result<_>>()? })
}

/// Returns what makes answers change: the hash of the weights if they are at hand, otherwise server and name.
fn identity(config: &EvaluatedModelConfig, served_name: &str) -> internlm_model::Result<String> {
    match &config.weights {
        Some(path) => Ok(format!("weights:{}", weights_hash(path)?)),
        None => Ok(format!("api:{}:{served_name}", config.base_url.as_deref().unwrap_or_default())),
    }
}

impl Model for ApiModel {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(self.send(request))
    }
}
