//! [`Responder`]: checks requests and hands them to the engine.

use internlm_model::TokenId;
use internlm_model::tokenizer::Special;

use super::completion::ChoiceState;
use super::fields::{Fields, alternatives, expected};
use super::reply::ReplyParser;
use super::{ChatAnswer, CompletionAnswer, ServedModel};
use crate::engine::{EngineHandle, GenerateRequest, Generation};
use crate::protocol::{ChatRequest, CompletionRequest, Prompt, Usage};
use crate::{Error, Result};

/// Default of `max_tokens` in completion requests, as OpenAI's.
const COMPLETION_TOKENS: u32 = 16;
/// Maximum number of prompts in one completion request, on a server whose queue has room for as many.
const MAX_PROMPTS: usize = 1024;

/// A model and the engine that runs it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Responder {
    model: std::sync::Arc<ServedModel>,
    engine: EngineHandle,
}

impl Responder {
    /// A responder for `model`, whose weights `engine` has.
    #[must_use]
    pub fn new(model: ServedModel, engine: EngineHandle) -> Self {
        Self { model: std::sync::Arc::new(model), engine }
    }

    /// What is served: names, tokenizer, chat format, defaults.
    #[must_use]
    pub fn model(&self) -> &ServedModel {
        &self.model
    }

    /// The engine that requests are handed to.
    #[must_use]
    pub fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// Starts a chat answer: the generation yields outputs, and the answer turns them into chunks.
    ///
    /// # Errors
    /// [`Error::Refused`] when the request is wrong. A full queue or a failing model show in the outputs.
    pub fn chat(&self, request: &ChatRequest) -> Result<(Generation, ChatAnswer)> {
        self.check_model(&request.model)?;
        let fields = Fields::from(request).check(&self.model, self.engine.fresh_seed())?;
        let wants_logprobs = request.logprobs.unwrap_or(false);
        let top = alternatives("top_logprobs", request.top_logprobs)?;
        if request.top_logprobs.is_some() && !wants_logprobs {
            return Err(Error::field("top_logprobs", "expected `logprobs: true` with it"));
        }
        let ids = self.model.prompt_ids(request)?;
        let asked = request.max_completion_tokens.or(request.max_tokens);
        if asked == Some(0) {
            return Err(expected("max_tokens", asked, "at least 1"));
        }
        let special = fields.special;
        let generation = self.submit(GenerateRequest {
            max_new: self.max_new(asked, ids.len()),
            prompt: ids,
            logprobs: wants_logprobs.then_some(top),
            // The parser needs content without marks. It puts other special tokens back when they are wanted.
            special: Special::Skip,
            ..fields
        })?;
        let name = self.name(&generation);
        let answer = ChatAnswer {
            id: format!("chatcmpl-{name}"),
            created: now(),
            model: self.model.name.clone(),
            tokenizer: self.model.tokenizer.clone(),
            parser: ReplyParser::new(
                &self.model.tokenizer,
                self.model.tools,
                special,
                format!("call_{name}"),
            ),
            wants_logprobs,
            begun: false,
            unsent: Vec::new(),
        };
        Ok((generation, answer))
    }

    /// Starts a completion: one generation per prompt, in order.
    ///
    /// # Errors
    /// Like [`Responder::chat`].
    pub fn completions(&self, request: &CompletionRequest) -> Result<(Vec<Generation>, CompletionAnswer)> {
        self.check_model(&request.model)?;
        let fields = Fields::from(request).check(&self.model, self.engine.fresh_seed())?;
        if request.suffix.as_ref().is_some_and(|suffix| !suffix.is_empty()) {
            return Err(Error::field("suffix", "this model has no fill-in-the-middle tokens"));
        }
        let logprobs = match request.logprobs {
            None => None,
            asked => Some(alternatives("logprobs", asked)?),
        };
        let echo = request.echo.unwrap_or(false);
        let prompts = self.prompts(&request.prompt, fields.special)?;
        let mut generations = Vec::with_capacity(prompts.len());
        let mut choices = Vec::with_capacity(prompts.len());
        for (text, ids) in prompts {
            let asked = Some(request.max_tokens.unwrap_or(COMPLETION_TOKENS));
            let echoed = echo.then(|| (text, ids.clone()));
            choices.push(ChoiceState::new(&self.model.tokenizer, fields.special, logprobs, echoed));
            generations.push(self.submit(GenerateRequest {
                max_new: self.max_new(asked, ids.len()),
                prompt: ids,
                logprobs,
                prompt_logprobs: logprobs.filter(|_| echo),
                ..fields.clone()
            })?);
        }
        let id = format!("cmpl-{}", self.name(&generations[0]));
        let usage = Usage::new(0, 0);
        let answer = CompletionAnswer { id, created: now(), model: self.model.name.clone(), choices, usage };
        Ok((generations, answer))
    }

    /// Refuses a prompt that cannot fit, before anything is computed for the other prompts.
    fn submit(&self, request: GenerateRequest) -> Result<Generation> {
        let (prompt, limit) = (request.prompt.len(), self.engine.limits().max_length);
        if prompt + request.max_new.min(1) > limit {
            let rejected = crate::engine::Rejected::TooLong { prompt, wanted: request.max_new, limit };
            return Err(Error::Refused { status: 400, message: rejected.to_string(), param: None });
        }
        Ok(self.engine.submit(request))
    }

    /// The number of ids that the request asks for, but at most what fits into the context, as upstream.
    fn max_new(&self, asked: Option<u32>, prompt: usize) -> usize {
        let room = self.engine.limits().max_length.saturating_sub(prompt).max(1);
        asked.map_or(room, |asked| (asked as usize).min(room))
    }

    /// Text and ids of each prompt. Ids are taken as they are; texts begin with `<s>` where the tokenizer adds it.
    fn prompts(&self, prompt: &Prompt, special: Special) -> Result<Vec<(String, Vec<TokenId>)>> {
        let tokenizer = &self.model.tokenizer;
        let from_text = |text: &String| {
            let first = tokenizer.bos().filter(|_| tokenizer.adds_bos());
            let ids: Vec<TokenId> = first.into_iter().chain(tokenizer.encode(text)).collect();
            (text.clone(), ids)
        };
        let from_ids = |ids: &Vec<u32>| {
            let ids: Vec<TokenId> = ids.iter().copied().map(TokenId).collect();
            (tokenizer.decode(&ids, special), ids)
        };
        let prompts: Vec<_> = match prompt {
            Prompt::Text(text) => vec![from_text(text)],
            Prompt::Texts(texts) => texts.iter().map(from_text).collect(),
            Prompt::Ids(ids) => vec![from_ids(ids)],
            Prompt::IdLists(lists) => lists.iter().map(from_ids).collect(),
        };
        // More than there is room for, running and waiting, would be turned away as a full queue at any time.
        let limit = self.engine.limits().max_requests().min(MAX_PROMPTS);
        if prompts.is_empty() || prompts.len() > limit {
            return Err(expected("prompt", Some(prompts.len()), &format!("1 to {limit} prompts")));
        }
        let vocab = self.engine.capacity().vocab;
        for (index, (_, ids)) in prompts.iter().enumerate() {
            if ids.is_empty() {
                return Err(Error::field(
                    format!("prompt.{index}"),
                    "found no tokens, expected at least one",
                ));
            }
            if let Some(id) = ids.iter().find(|id| id.index() >= vocab) {
                let range = format!("ids below {vocab}");
                return Err(expected(&format!("prompt.{index}"), Some(id), &range));
            }
        }
        Ok(prompts)
    }

    fn check_model(&self, asked: &str) -> Result<()> {
        if asked.is_empty() || asked == self.model.name {
            return Ok(());
        }
        let message = format!("The model '{asked}' does not exist.");
        Err(Error::Refused { status: 404, message, param: Some("model".to_owned()) })
    }

    /// A name that is unique even after a restart, because clients keep the ids of calls in their histories.
    fn name(&self, generation: &Generation) -> String {
        format!("{:x}{:04x}", self.model.created, generation.id().0)
    }
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
