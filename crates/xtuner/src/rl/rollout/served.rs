//! [`ServedRollout`]: answers from an `lmdeploy` server over HTTP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use internlm_kit::file::{self, FileError};
use internlm_model::decoder::Decoder;
use internlm_model::{TokenId, Tokenizer};
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::{FinishReason, GenerateBody, GenerateResponse, UpdateWeightsRequest};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Finish, Rollout, RolloutAnswer, RolloutRequest};
use crate::{Error, Result};

/// A server that is given the weights as a folder and told to load them.
#[derive(Debug)]
pub struct ServedRollout {
    client: Client,
    runtime: Runtime,
    concurrency: usize,
    weights: Option<(PathBuf, Tokenizer)>,
}

impl ServedRollout {
    /// A client of the server at `url`, with at most `concurrency` requests at the same time. Nothing is sent yet.
    ///
    /// # Errors
    /// An address that is not one, and a system without threads for the client.
    pub fn connect(url: &str, api_key: Option<&str>, concurrency: usize) -> Result<Self> {
        let config = ClientConfig::new(url);
        let config = match api_key {
            Some(api_key) => config.with_api_key(api_key),
            None => config,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime =
            runtime.map_err(|error| FileError::new("the rollout client", "start threads", error))?;
        Ok(Self { client: Client::new(config)?, runtime, concurrency: concurrency.max(1), weights: None })
    }

    /// Writes the weights of each [`Rollout::update`] into `folder`, which server and trainer both see under this name,
    /// with the files of `tokenizer`. Without it the server keeps its own weights.
    #[must_use]
    pub fn with_weights(self, folder: impl AsRef<Path>, tokenizer: &Tokenizer) -> Self {
        let folder = folder.as_ref();
        // The server has a working directory of its own.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        Self { weights: Some((folder, tokenizer.clone())), ..self }
    }
}

impl Rollout for ServedRollout {
    fn update(&mut self, decoder: &Decoder) -> Result<()> {
        let Some((folder, tokenizer)) = &self.weights else { return Ok(()) };
        let merged = decoder.clone().merged();
        // The config stays that of the base: the server takes weights of the very model that it serves.
        file::replace_folder(folder, |folder| {
            merged.save(folder)?;
            tokenizer.save(folder)?;
            Ok::<(), Error>(())
        })?;
        let request = UpdateWeightsRequest::new(folder.display().to_string());
        self.runtime.block_on(self.client.update_weights(&request))?;
        Ok(())
    }

    fn answers(&mut self, requests: &[RolloutRequest]) -> Result<Vec<RolloutAnswer>> {
        let bodies: Vec<GenerateBody> = requests.iter().map(body).collect();
        let responses = self.runtime.block_on(ask(&self.client, bodies, self.concurrency))?;
        let url = &self.client.config().base_url;
        requests.iter().zip(responses).map(|(request, response)| read(request, response, url)).collect()
    }
}

/// Sends all bodies, some at a time, and gives the answers in order.
async fn ask(
    client: &Client,
    bodies: Vec<GenerateBody>,
    concurrency: usize,
) -> Result<Vec<GenerateResponse>> {
    let (permits, mut running) = (Arc::new(Semaphore::new(concurrency)), JoinSet::new());
    let mut responses: Vec<Option<GenerateResponse>> = vec![None; bodies.len()];
    for (number, body) in bodies.into_iter().enumerate() {
        let (client, permits) = (client.clone(), Arc::clone(&permits));
        running.spawn(async move {
            // The semaphore is never closed: without a permit the request is sent all the same.
            let _permit = permits.acquire().await.ok();
            (number, client.generate(&body).await)
        });
    }
    while let Some(joined) = running.join_next().await {
        let (number, response) = joined.map_err(|error| {
            Error::mismatch("the rollout client", error.to_string(), "an answer to every request")
        })?;
        // Dropping the set ends the other requests.
        responses[number] = Some(response?);
    }
    Ok(responses.into_iter().flatten().collect())
}

/// A request in the form of the server.
fn body(request: &RolloutRequest) -> GenerateBody {
    let sampling = &request.sampling;
    let mut body = GenerateBody::default();
    body.input_ids = Some(request.prompt.iter().map(|id| id.0).collect());
    body.max_tokens = Some(u32::try_from(request.max_tokens).unwrap_or(u32::MAX));
    body.stop_token_ids = Some(request.stop_ids.iter().map(|id| id.0).collect());
    // Which id ended the answer is part of what is learned.
    body.include_stop_str_in_output = Some(true);
    body.ignore_eos = Some(true);
    body.temperature = Some(sampling.temperature);
    body.top_p = Some(sampling.top_p);
    body.top_k = sampling.top_k.map(|top_k| u32::try_from(top_k).unwrap_or(u32::MAX));
    body.min_p = Some(sampling.min_p);
    body.repetition_penalty = Some(sampling.repetition_penalty);
    // Servers take seeds as signed numbers.
    body.seed = Some((request.seed >> 1) as i64);
    body.return_logprob = Some(true);
    body
}

/// The answer of the server, checked.
fn read(request: &RolloutRequest, response: GenerateResponse, url: &str) -> Result<RolloutAnswer> {
    let reason = response.meta_info.finish_reason.map(|info| info.kind);
    let finish = match reason {
        Some(FinishReason::Stop) => Finish::Stop,
        Some(FinishReason::Length) => Finish::Length,
        other => {
            let found = format!("an answer that ended with {other:?}");
            return Err(Error::mismatch(url, found, "`stop` or `length`"));
        }
    };
    let mut ids: Vec<TokenId> = response.output_ids.into_iter().map(TokenId).collect();
    let ended = ids.last().is_some_and(|id| request.stop_ids.contains(id));
    if finish == Finish::Stop && !ended {
        // Servers that leave the id out: with one stop id there is no doubt which one it was.
        let [only] = request.stop_ids.as_slice() else {
            return Err(Error::mismatch(
                url,
                "an answer without the id that ended it",
                "that id as the last one",
            ));
        };
        ids.push(*only);
    }
    if ids.is_empty() {
        return Err(Error::mismatch(url, "an answer without ids", "at least one"));
    }
    let scored = response.meta_info.output_token_logprobs.unwrap_or_default();
    let log_probs = (scored.len() == ids.len()).then(|| scored.iter().map(|(score, _)| *score).collect());
    Ok(RolloutAnswer { ids, finish, log_probs })
}

#[cfg(test)]
mod tests {
    use internlm_model::sampling::SamplingConfig;

    use super::*;

    fn request(stop_ids: &[u32]) -> RolloutRequest {
        RolloutRequest {
            prompt: vec![TokenId(1), TokenId(9)],
            seed: u64::MAX,
            sampling: SamplingConfig::greedy().with_temperature(1.0).with_top_k(4),
            max_tokens: 7,
            stop_ids: stop_ids.iter().copied().map(TokenId).collect(),
        }
    }

    fn response(text: &str) -> GenerateResponse {
        serde_json::from_str(text).expect("an answer")
    }

    #[test]
    fn a_request_has_the_fields_of_the_server() {
        let body = serde_json::to_value(body(&request(&[2]))).expect("writes");
        let expected = serde_json::json!({
            "input_ids": [1, 9], "max_tokens": 7, "stop_token_ids": [2], "include_stop_str_in_output": true,
            "ignore_eos": true, "temperature": 1.0, "top_p": 1.0, "top_k": 4, "min_p": 0.0,
            "repetition_penalty": 1.0, "seed": i64::MAX, "return_logprob": true,
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn the_id_that_ended_an_answer_is_its_last() {
        let whole = r#"{"text": "a", "output_ids": [5, 2], "meta_info": {"finish_reason": {"type": "stop"},
                       "output_token_logprobs": [[-0.5, 5], [-0.25, 2]]}}"#;
        let answer = read(&request(&[2, 3]), response(whole), "http://h").expect("reads");
        assert_eq!((answer.ids.len(), answer.log_probs), (2, Some(vec![-0.5, -0.25])));
        let cut = r#"{"text": "a", "output_ids": [5], "meta_info": {"finish_reason": {"type": "stop"},
                     "output_token_logprobs": [[-0.5, 5]]}}"#;
        let answer = read(&request(&[2]), response(cut), "http://h").expect("reads");
        assert_eq!((answer.ids, answer.log_probs), (vec![TokenId(5), TokenId(2)], None));
        let text = read(&request(&[2, 3]), response(cut), "http://h").expect_err("which one?").to_string();
        assert!(text.contains("http://h: found an answer without the id that ended it"), "{text}");
        let failed = r#"{"text": "", "output_ids": [], "meta_info": {"finish_reason": {"type": "abort"}}}"#;
        assert!(read(&request(&[2]), response(failed), "http://h").is_err());
    }
}
