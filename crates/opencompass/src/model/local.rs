//! lmdeploy's engine in this process: the same requests and answers as over HTTP, without a server.

use std::sync::Arc;

use lmdeploy::Pipeline;
use lmdeploy::config::DeployConfig;
use lmdeploy::engine::Output;

use super::weights::weights_hash;
use super::{Answer, Answering, EvaluatedModelConfig, Model, Profile, Request, ScoredText, wire};
use crate::{Error, Result};

/// A model in this process. Requests that are open at the same time share batches.
#[derive(Debug)]
pub struct LocalModel {
    loaded: Arc<Loaded>,
}

/// The engine with what is known about its model, which the threads of open requests share.
#[derive(Debug)]
struct Loaded {
    pipeline: Pipeline,
    profile: Profile,
}

impl LocalModel {
    /// Loads the weights that `config` names.
    ///
    /// # Errors
    /// [`Error::Weights`] when the weights cannot be read; [`Error::Model`] when they do not fit into memory.
    pub fn load(config: &EvaluatedModelConfig) -> Result<Self> {
        let fail = |message: String| Error::Model { model: config.name.clone(), message };
        let path = config.weights.clone().unwrap_or_default();
        let device = config.device.as_deref().unwrap_or("cpu");
        let hash = weights_hash(&path)
            .map_err(|source| Error::Weights { model: config.name.clone(), source: Box::new(source) })?;
        let identity = format!("local:{device}:{hash}");
        let mut deploy = DeployConfig::new(path);
        deploy.model.device = device.to_owned();
        deploy.queue.max_queue = Some(usize::MAX);
        let pipeline = Pipeline::load(&deploy).map_err(|error| fail(error.to_string()))?;
        let responder = pipeline.responder();
        let limit = responder.engine().limits().max_length;
        let max_seq_len = config.max_seq_len.map_or(limit, |length| length.min(limit));
        let mut profile = Profile::new(&config.name, identity, max_seq_len);
        profile.protocol = config.protocol;
        profile.meta_template = config.meta_template.clone();
        profile.temperature = config.temperature;
        profile.tokenizer = Some(responder.model().tokenizer.clone());
        profile.agent = Err("it is a model without tools of its own".to_owned());
        if responder.engine().hidden_size().is_none() {
            profile.embeddings = Err("its engine gives no hidden states".to_owned());
        }
        if config.log_probs == Some(false) {
            let refused = "model.log-probs is false";
            profile.log_probs = Err(refused.to_owned());
            profile.choices = Err(refused.to_owned());
        }
        Ok(Self { loaded: Arc::new(Loaded { pipeline, profile }) })
    }
}

impl Loaded {
    /// Sends a request to the engine and waits for the answer on this thread.
    fn send(&self, request: &Request) -> Result<Answer> {
        let failed = |source| self.failed(source);
        let pipeline = &self.pipeline;
        // The engine serves only one model, and an empty name means that one.
        match request {
            Request::Chat { messages, tools, sampling } => {
                let body = wire::chat_request("", messages, tools, sampling)?;
                wire::chat_answer(&pipeline.chat(&body).map_err(failed)?)
            }
            Request::Complete { prompt, sampling } => {
                let body = wire::complete_request("", prompt, sampling);
                wire::complete_answer(pipeline.completions(&body).map_err(failed)?)
            }
            Request::Score { text: ScoredText::Ids(ids), from } if *from > 0 => self.rest(ids, *from),
            Request::Score { text, from } => {
                let body = wire::score_request("", text);
                wire::score_answer(pipeline.completions(&body).map_err(failed)?, text, *from)
            }
            Request::Tokens { text } => {
                let body = wire::score_request("", text);
                wire::tokens_answer(pipeline.completions(&body).map_err(failed)?)
            }
            Request::Choices { prompt, choices } => {
                let ids = wire::choice_ids(self.profile.tokenizer.as_ref(), choices)?;
                let body = wire::choices_request("", prompt, &ids);
                wire::choices_answer(pipeline.completions(&body).map_err(failed)?, &ids)
            }
            Request::Embed { texts } => {
                let vectors = pipeline.embed(texts.iter().map(String::as_str)).map_err(failed)?;
                Ok(Answer::Vectors { vectors })
            }
            Request::Run { .. } | Request::Agent { .. } => Err(wire::unsupported(request)),
        }
    }

    /// Scores the ids from place `from` on; the engine computes only what its prefix cache does not have.
    fn rest(&self, ids: &[u32], from: usize) -> Result<Answer> {
        let text = ScoredText::Ids(ids.to_vec());
        if let Some(answer) = wire::nothing_scored(&text, from) {
            return Ok(answer);
        }
        let body = wire::rest_request(ids, from);
        let started = self.pipeline.responder().generate(&body);
        let (mut generation, mut answer) = started.map_err(|error| self.failed(error))?;
        let outputs: Vec<Output> = std::iter::from_fn(|| generation.wait()).collect();
        let response = answer.whole(outputs).map_err(|error| self.failed(error))?;
        wire::rest_answer(&response, ids, from)
    }

    fn failed(&self, source: lmdeploy::Error) -> Error {
        Error::Request { model: self.profile.name.clone(), source: Box::new(source) }
    }
}

impl Model for LocalModel {
    fn profile(&self) -> &Profile {
        &self.loaded.profile
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        let (loaded, request) = (Arc::clone(&self.loaded), request.clone());
        Box::pin(async move {
            let waiting = tokio::task::spawn_blocking(move || loaded.send(&request));
            let ended = |source| Error::Thread { model: self.loaded.profile.name.clone(), source };
            waiting.await.map_err(ended)?
        })
    }
}
