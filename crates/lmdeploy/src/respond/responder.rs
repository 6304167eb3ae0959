//! [`Responder`]: checks requests and hands them to the engine.

use internlm_model::chat::Prompt as Ending;
use internlm_model::tokenizer::Special;

use super::completion::ChoiceState;
use super::echo::EchoedPrompt;
use super::fields::{Fields, alternatives, expected};
use super::prompt::ending;
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
        if top > 0 && !wants_logprobs {
            return Err(Error::field("top_logprobs", "expected `logprobs: true` with it"));
        }
        let ids = self.model.prompt_ids(request)?;
        let asked = request.max_completion_tokens.or(request.max_tokens);
        if asked == Some(0) {
            return Err(expected("max_tokens", asked, "at least 1"));
        }
        let special = fields.special;
        let request = GenerateRequest {
            max_new: self.max_new(asked, ids.len()),
            prompt: ids,
            continues: ending(request)? == Ending::Continue,
            logprobs: wants_logprobs.then_some(top),
            // The parser needs content without marks. It puts other special tokens back when they are wanted.
            special: Special::Skip,
            ..fields
        };
        let generation = self.submit(request, asked)?;
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
        let asked = request.max_completion_tokens.or(request.max_tokens);
        let mut generations = Vec::with_capacity(prompts.len());
        let mut choices = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            let request = GenerateRequest {
                max_new: self.max_new(asked.or(Some(COMPLETION_TOKENS)), prompt.ids.len()),
                prompt: prompt.ids.clone(),
                continues: true,
                logprobs,
                prompt_logprobs: logprobs.filter(|_| echo),
                ..fields.clone()
            };
            choices.push(ChoiceState::new(&self.model.tokenizer, &request, echo.then_some(prompt)));
            generations.push(self.submit(request, asked)?);
        }
        let id = format!("cmpl-{}", self.name(&generations[0]));
        let usage = Usage::new(0, 0);
        let answer = CompletionAnswer { id, created: now(), model: self.model.name.clone(), choices, usage };
        Ok((generations, answer))
    }

    /// Refuses a prompt that cannot fit, before anything is computed for the other prompts; `asked` is the number of
    /// tokens that the client wants to have generated, if it says so.
    fn submit(&self, request: GenerateRequest, asked: Option<u32>) -> Result<Generation> {
        let (prompt, limit) = (request.prompt.len(), self.engine.limits().max_length);
        if prompt + request.max_new.min(1) > limit {
            let asks = asked.map_or_else(String::new, |asked| format!(" and asks for {asked} more"));
            let message = format!(
                "This model's maximum context length is {limit} tokens. However, the request has {prompt} tokens in \
                 the prompt{asks}"
            );
            return Err(Error::Refused { status: 400, message, param: None });
        }
        Ok(self.engine.submit(request))
    }

    /// The number of ids that the request asks for, but at most what fits into the context, as upstream.
    fn max_new(&self, asked: Option<u32>, prompt: usize) -> usize {
        let room = self.engine.limits().max_length.saturating_sub(prompt).max(1);
        asked.map_or(room, |asked| (asked as usize).min(room))
    }

    /// Each prompt as it is computed and echoed.
    fn prompts(&self, prompt: &Prompt, special: Special) -> Result<Vec<EchoedPrompt>> {
        let tokenizer = &self.model.tokenizer;
        let from_text = |text: &String| EchoedPrompt::from_text(tokenizer, text);
        let from_ids = |ids: &Vec<u32>| EchoedPrompt::from_ids(tokenizer, ids, special);
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
        for (index, EchoedPrompt { ids, .. }) in prompts.iter().enumerate() {
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
