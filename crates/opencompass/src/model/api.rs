//! A model behind an OpenAI-compatible server.

use std::time::Duration;

use internlm_model::tokenizer::Tokenizer;
use lmdeploy::client::{Client, ClientConfig};

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
        profile.tokenizer = config.weights.as_deref().map(Tokenizer::load).transpose().map_err(unreadable)?;
        let mut model = Self { client, served_name: served.id.clone(), profile };
        model.profile.log_probs = match (config.log_probs, needs) {
            (Some(false), _) => Err("model.log-probs is false".to_owned()),
            (None, Needs::LogProbs) => model.probe().await,
            _ => Ok(()),
        };
        Ok(model)
    }

    /// Asks for the log-probabilities of one word and returns the reason if the server sends none.
    async fn probe(&self) -> Result<(), String> {
        let request = Request::Score { text: ScoredText::Text("probe".to_owned()), from: 0 };
        match self.send(&request).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the server returns none: {error}")),
        }
    }

    async fn send(&self, request: &Request) -> Result<Answer> {
        let failed = |source| Error::Request { model: self.profile.name.clone(), source: Box::new(source) };
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
            Request::Score { text, from: 0 } => {
                let body = wire::score_request(name, text);
                wire::score_answer(client.completions(&body).await.map_err(failed)?, text)
            }
            other => Err(wire::unsupported(other)),
        }
    }
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
