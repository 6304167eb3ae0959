//! A model behind an OpenAI-compatible server.

use std::path::Path;
use std::time::Duration;

use internlm_kit::atomic::sha256;
use internlm_model::tokenizer::Tokenizer;
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::{
    ChatMessage, ChatRequest, CompletionChoice, CompletionLogprobs, CompletionRequest, FunctionDefinition,
    OneOrMany, Prompt, ToolDefinition,
};

use super::{
    Answer, Answering, Call, Message, MessageRole, Model, ModelConfig, Needs, Profile, Request, Sampling,
    ScoredText,
};
use crate::{Error, Result};

/// Longest prompt plus answer when neither the run file nor the server says it.
const DEFAULT_MAX_SEQ_LEN: usize = 2048;

/// A model behind a server.
#[derive(Debug)]
pub struct ApiModel {
    client: Client,
    served_name: String,
    profile: Profile,
}

impl ApiModel {
    /// Asks the server for its models, and for log-probabilities of one word when `needs` says so.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when the server does not answer, [`Error::Model`] when it lacks the model or the
    /// weights' files cannot be read.
    pub async fn connect(config: &ModelConfig, needs: Needs) -> Result<Self> {
        let fail = |message: String| Error::Model { model: config.name.clone(), message };
        let url = config.base_url.clone().unwrap_or_default();
        let client = Client::new(ClientConfig {
            base_url: url.clone(),
            api_key: config.api_key.clone(),
            timeout: Duration::from_secs(config.timeout_seconds),
            retries: config.retries,
        });
        let client = client.map_err(|error| fail(error.to_string()))?;
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
            fail(format!("served-name: the server has [{}], expected {wanted}", known.join(", ")))
        })?;
        let served_length = served.max_model_len.and_then(|length| usize::try_from(length).ok());
        let identity = identity(config, &served.id).map_err(fail)?;
        let tokenizer =
            config.weights.as_deref().map(|path| load_tokenizer(path).map_err(fail)).transpose()?;
        let profile = Profile {
            name: config.name.clone(),
            identity,
            max_seq_len: config.max_seq_len.or(served_length).unwrap_or(DEFAULT_MAX_SEQ_LEN),
            protocol: config.protocol,
            log_probs: Ok(()),
            meta_template: config.meta_template.clone(),
            tokenizer,
        };
        let mut model = Self { client, served_name: served.id.clone(), profile };
        model.profile.log_probs = match (config.log_probs, needs) {
            (Some(false), _) => Err("model.log-probs is false".to_owned()),
            (None, Needs::LogProbs) => model.probe().await,
            _ => Ok(()),
        };
        Ok(model)
    }

    /// Asks for log-probabilities of one word; the reason when they do not come.
    async fn probe(&self) -> Result<(), String> {
        let text = ScoredText::Text("probe".to_owned());
        match self.score(&text).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the server gives no log-probabilities of a prompt: {error}")),
        }
    }

    async fn chat(
        &self,
        messages: &[Message],
        tools: &[serde_json::Value],
        sampling: &Sampling,
    ) -> Result<Answer> {
        let tools = tools.iter().map(|tool| {
            let function: FunctionDefinition = serde_json::from_value(tool.clone())
                .map_err(|error| Error::Answer(format!("infer.tools: {error}")))?;
            Ok(ToolDefinition { kind: "function".to_owned(), function })
        });
        let tools = tools.collect::<Result<Vec<_>>>()?;
        let request = ChatRequest {
            model: self.served_name.clone(),
            messages: messages.iter().map(chat_message).collect(),
            tools: (!tools.is_empty()).then_some(tools),
            temperature: Some(sampling.temperature),
            max_tokens: sampling.max_tokens,
            stop: stop(sampling),
            seed: Some(sampling.seed as i64),
            ..ChatRequest::default()
        };
        let response = self.client.chat(&request).await.map_err(failed)?;
        let message =
            response.message().ok_or_else(|| Error::Answer("found no choices, expected one".to_owned()))?;
        let calls = message.calls().iter().map(|call| Call {
            name: call.function.name.clone(),
            arguments: call.function.arguments.clone(),
        });
        Ok(Answer::Reply { text: message.text(), calls: calls.collect() })
    }

    async fn complete(&self, prompt: &str, sampling: &Sampling) -> Result<Answer> {
        let request = CompletionRequest {
            model: self.served_name.clone(),
            prompt: Prompt::Text(prompt.to_owned()),
            temperature: Some(sampling.temperature),
            max_tokens: sampling.max_tokens,
            stop: stop(sampling),
            seed: Some(sampling.seed as i64),
            ..CompletionRequest::default()
        };
        let choice = self.choice(&request).await?;
        Ok(Answer::Reply { text: choice.text, calls: Vec::new() })
    }

    async fn score(&self, text: &ScoredText) -> Result<Answer> {
        let prompt = match text {
            ScoredText::Text(text) => Prompt::Text(text.clone()),
            ScoredText::Ids(ids) => Prompt::Ids(ids.clone()),
        };
        let request = CompletionRequest {
            model: self.served_name.clone(),
            prompt,
            max_tokens: Some(0),
            echo: Some(true),
            logprobs: Some(0),
            temperature: Some(0.0),
            ..CompletionRequest::default()
        };
        let choice = self.choice(&request).await?;
        let log_probs =
            choice.logprobs.ok_or_else(|| Error::Answer("found no logprobs, expected some".to_owned()))?;
        summed(&log_probs, text)
    }

    async fn choice(&self, request: &CompletionRequest) -> Result<CompletionChoice> {
        let response = self.client.completions(request).await.map_err(failed)?;
        response
            .choices
            .into_iter()
            .next()
            .ok_or_else(|| Error::Answer("found no choices, expected one".to_owned()))
    }
}

/// Sums log-probabilities of all tokens but the first.
fn summed(log_probs: &CompletionLogprobs, text: &ScoredText) -> Result<Answer> {
    let values = &log_probs.token_logprobs;
    if values.is_empty() {
        return Err(Error::Answer("found no token_logprobs, expected one per token".to_owned()));
    }
    let mut log_prob = 0.0;
    for (index, value) in values.iter().enumerate().skip(1) {
        let value = value.filter(|value| value.is_finite());
        log_prob += f64::from(value.ok_or_else(|| {
            Error::Answer(format!("token {index}: found no finite log-probability, expected one"))
        })?);
    }
    // Without `<s>` in front the first token is text, and nobody knows how probable it was.
    let unscored_bytes = match (text, log_probs.tokens.first(), values.first()) {
        (_, _, Some(Some(first))) if first.is_finite() => {
            log_prob += f64::from(*first);
            0
        }
        (ScoredText::Text(text), Some(first), _) if text.starts_with(first.as_str()) => first.len(),
        _ => 0,
    };
    Ok(Answer::Scored { tokens: values.len(), log_prob, unscored_bytes })
}

fn stop(sampling: &Sampling) -> Option<OneOrMany> {
    (!sampling.stop.is_empty()).then(|| OneOrMany::Many(sampling.stop.clone()))
}

fn chat_message(message: &Message) -> ChatMessage {
    match message.role {
        MessageRole::System => ChatMessage::system(&message.content),
        MessageRole::User => ChatMessage::user(&message.content),
        MessageRole::Assistant => ChatMessage::assistant(&message.content),
    }
}

fn failed(error: lmdeploy::Error) -> Error {
    Error::Answer(error.to_string())
}

/// What makes answers change: the weights' hash when they are at hand, else server and name.
pub(super) fn identity(config: &ModelConfig, served_name: &str) -> Result<String, String> {
    match &config.weights {
        Some(path) => Ok(format!("weights:{}", weights_hash(path)?)),
        None => Ok(format!("api:{}:{served_name}", config.base_url.as_deref().unwrap_or_default())),
    }
}

/// One hash of a weights file, or of all files of a model folder with their names.
fn weights_hash(path: &Path) -> Result<String, String> {
    let read = |error: std::io::Error| format!("weights: {}: {error}", path.display());
    let hash = |path: &Path| internlm_kit::atomic::sha256_file(path).map_err(read);
    if path.is_file() {
        return hash(path);
    }
    let mut files: Vec<_> = std::fs::read_dir(path)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .map_err(read)?
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let mut lines = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        lines.push_str(&format!("{}  {name}\n", hash(&file)?));
    }
    Ok(sha256(lines.as_bytes()))
}

pub(super) fn load_tokenizer(path: &Path) -> Result<Tokenizer, String> {
    Tokenizer::load(path).map_err(|error| format!("weights: {error}"))
}

impl Model for ApiModel {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            match request {
                Request::Chat { messages, tools, sampling } => self.chat(messages, tools, sampling).await,
                Request::Complete { prompt, sampling } => self.complete(prompt, sampling).await,
                Request::Score { text } => self.score(text).await,
            }
        })
    }
}
