//! lmdeploy's engine in this process: the same requests and answers as over HTTP, without a server.

use std::sync::Arc;

use lmdeploy::Pipeline;
use lmdeploy::config::DeployConfig;

use super::weights::weights_hash;
use super::{Answer, Answering, EvaluatedModelConfig, Model, Profile, Request, wire};
use crate::{Error, Result};

/// A model in this process. Requests that are open at the same time share batches.
#[derive(Debug)]
pub struct LocalModel {
    pipeline: Arc<Pipeline>,
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
        profile.tokenizer = Some(responder.model().tokenizer.clone());
        if config.log_probs == Some(false) {
            profile.log_probs = Err("model.log-probs is false".to_owned());
        }
        Ok(Self { pipeline: Arc::new(pipeline), profile })
    }
}

/// Sends a request to the engine of `model` and waits for the answer on this thread.
fn send(model: &str, pipeline: &Pipeline, request: &Request) -> Result<Answer> {
    let failed = |source| Error::Request { model: model.to_owned(), source: Box::new(source) };
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
        Request::Score { text, from: 0 } => {
            let body = wire::score_request("", text);
            wire::score_answer(pipeline.completions(&body).map_err(failed)?, text)
        }
        other => Err(wire::unsupported(other)),
    }
}

impl Model for LocalModel {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        let (model, pipeline) = (self.profile.name.clone(), Arc::clone(&self.pipeline));
        let (asked, request) = (model.clone(), request.clone());
        Box::pin(async move {
            let waiting = tokio::task::spawn_blocking(move || send(&asked, &pipeline, &request));
            waiting.await.map_err(|source| Error::Thread { model, source })?
        })
    }
}
