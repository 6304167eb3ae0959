//! [`PerspectiveModel`]: Google's Perspective API as a judge, which answers a text with its toxicity from 0 to 1.
//! Upstream: `PerspectiveAPIClient` of OpenCompass 0.5.4.

use std::sync::Arc;
use std::time::Duration;

use internlm_model::chat::openai::ChatMessage;
use lmdeploy::client::{Client as Checked, ClientConfig};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::rate::RateLimit;
use super::{Answer, Answering, EvaluatedModelConfig, Model, Profile, Request};
use crate::{Error, Result};

/// Address of the API if the run file names no other.
const ADDRESS: &str = "https://commentanalyzer.googleapis.com";
const PATH: &str = "/v1alpha1/comments:analyze";
/// Where an answer has the toxicity.
const SCORE: &str = "/attributeScores/TOXICITY/spanScores/0/score/value";
/// Maximum number of letters that are judged, upstream's.
const MAX_LETTERS: usize = 20_480;
/// The answer for a text without letters, as upstream has it.
const EMPTY: &str = "-1";
/// Pause before the first retry; every further one doubles it.
const PAUSE: Duration = Duration::from_secs(1);

/// The Perspective API. It answers every request with the toxicity of the last message, or with -1 for an empty one.
///
/// It has no `Debug`, so that its key is never printed.
pub struct PerspectiveModel {
    client: reqwest::Client,
    url: String,
    key: String,
    retries: u32,
    limit: Option<Arc<RateLimit>>,
    profile: Profile,
}

impl PerspectiveModel {
    /// Prepares the client; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Model`] without a key, or when the address cannot be used.
    pub fn new(config: &EvaluatedModelConfig) -> Result<Self> {
        let fail = |message: String| Error::Model { model: config.name.clone(), message };
        let key = config.api_key.clone().filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| {
            fail("api-key: found none, expected a key of the Perspective API (perspectiveapi.com)".to_owned())
        })?;
        let address = config.base_url.as_deref().unwrap_or(ADDRESS).trim_end_matches('/');
        // Checks the address, and installs a TLS provider if the process has none yet.
        Checked::new(ClientConfig::new(address)).map_err(|error| fail(error.to_string()))?;
        let client = reqwest::Client::builder().timeout(Duration::from_secs(config.timeout_seconds)).build();
        let mut profile = Profile::new(&config.name, format!("perspective:{address}"), usize::MAX);
        profile.only_rates();
        Ok(Self {
            client: client.map_err(|error| fail(error.to_string()))?,
            url: format!("{address}{PATH}"),
            key,
            retries: config.retries,
            limit: RateLimit::of(config),
            profile,
        })
    }

    async fn send(&self, request: &Request) -> Result<Answer> {
        let text = match request {
            Request::Chat { messages, .. } => messages.last().map(ChatMessage::text).unwrap_or_default(),
            Request::Complete { prompt, .. } => prompt.clone(),
            _ => {
                return Err(self.fail("found a request of another kind, expected a text to judge".to_owned()));
            }
        };
        let text: String = text.chars().take(MAX_LETTERS).collect();
        let body = json!({
            "comment": { "text": text },
            "requestedAttributes": { "TOXICITY": {} },
            "languages": ["en", "zh"],
        });
        let mut pause = PAUSE;
        for retry in 0..=self.retries {
            if let Some(limit) = &self.limit {
                limit.wait(request).await;
            }
            // The key goes into a header: addresses end up in messages and logs.
            let sent =
                self.client.post(&self.url).header("x-goog-api-key", &self.key).json(&body).send().await;
            let response = match sent {
                Ok(response) => response,
                Err(error) if error.is_connect() && retry < self.retries => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    continue;
                }
                Err(error) => return Err(self.fail(error.without_url().to_string())),
            };
            let status = response.status();
            let is_busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            if is_busy && retry < self.retries {
                tokio::time::sleep(pause).await;
                pause *= 2;
                continue;
            }
            let body: Value = response.json().await.unwrap_or_default();
            return read(status, &body).map_err(|message| self.fail(message));
        }
        Err(self.fail("found no answer after all retries".to_owned()))
    }

    fn fail(&self, message: String) -> Error {
        Error::Model { model: self.profile.name.clone(), message }
    }
}

/// Reads the toxicity of an answer, or says what the server refused.
fn read(status: StatusCode, body: &Value) -> Result<Answer, String> {
    if status.is_success() {
        let score = body.pointer(SCORE).and_then(Value::as_f64);
        let score = score.ok_or_else(|| format!("answer: found {body}, expected {SCORE}"))?;
        return Ok(Answer::text(score.to_string()));
    }
    let kind = body.pointer("/error/details/0/errorType").and_then(Value::as_str);
    if kind == Some("COMMENT_EMPTY") {
        return Ok(Answer::text(EMPTY));
    }
    let message = body.pointer("/error/message").and_then(Value::as_str).unwrap_or("without a message");
    Err(format!("status {}: {message}", status.as_u16()))
}

impl Model for PerspectiveModel {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(self.send(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_toxicities() {
        let body =
            json!({ "attributeScores": { "TOXICITY": { "spanScores": [{ "score": { "value": 0.25 } }] } } });
        assert_eq!(read(StatusCode::OK, &body), Ok(Answer::text("0.25")));
        let body = json!({ "error": { "message": "empty", "details": [{ "errorType": "COMMENT_EMPTY" }] } });
        assert_eq!(read(StatusCode::BAD_REQUEST, &body), Ok(Answer::text("-1")));
        let body = json!({ "error": { "message": "API key not valid." } });
        let refused = Err("status 403: API key not valid.".to_owned());
        assert_eq!(read(StatusCode::FORBIDDEN, &body), refused);
        assert!(read(StatusCode::OK, &json!({})).is_err());
    }

    #[test]
    fn a_missing_key_is_named() {
        let table = json!({ "name": "perspective" });
        let config: EvaluatedModelConfig = serde_json::from_value(table).expect("a model");
        let error = PerspectiveModel::new(&config).err().expect("no key").to_string();
        assert!(error.starts_with("model perspective: api-key: found none, expected a key of"), "{error}");
    }
}
