//! [`Responder`]: checks requests and hands them to the engine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use internlm_model::TokenId;

use super::ServedModel;
use super::bounds::expected;
use crate::engine::{EngineHandle, Finished, GenerateRequest, Generation};
use crate::protocol::Timings;
use crate::{Error, Result};

/// Maximum number of choices of all prompts in one request, on a server whose queue has room for as many.
const MAX_CHOICES: usize = 1024;

/// The `system_fingerprint` of all answers: a `b`, as llama.cpp's begins, the version and, where the build knew it, the
/// commit.
pub(super) static FINGERPRINT: LazyLock<String> = LazyLock::new(|| {
    let commit = option_env!("GIT_HASH").map(|hash| format!("-{hash}")).unwrap_or_default();
    format!("b{}{commit}", env!("CARGO_PKG_VERSION"))
});

/// Numbers of the groups of choices, of which each has one prompt; used once in the process.
static GROUPS: AtomicU64 = AtomicU64::new(0);

/// A model and the engine that runs it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Responder {
    pub(super) model: Arc<ServedModel>,
    pub(super) engine: EngineHandle,
}

impl Responder {
    /// A responder for `model`, whose weights `engine` has.
    #[must_use]
    pub fn new(model: ServedModel, engine: EngineHandle) -> Self {
        Self { model: Arc::new(model), engine }
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

    /// Hands the `n` choices of one prompt to the engine. They share the prompt's cache blocks, and choice j is drawn
    /// with the seed + j: the first one is what a request of one choice gets, and the one that scores the prompt. Its
    /// length must have been checked.
    pub(super) fn submit(&self, request: &GenerateRequest, n: usize) -> Vec<Generation> {
        let group = (n > 1).then(|| GROUPS.fetch_add(1, Ordering::Relaxed));
        let choices = (0..n as u64).map(|choice| {
            let seed = request.sampling.seed.wrapping_add(choice);
            let sampling = request.sampling.clone().with_seed(seed);
            let prompt_logprobs = request.prompt_logprobs.filter(|_| choice == 0);
            self.engine.submit(GenerateRequest { sampling, prompt_logprobs, group, ..request.clone() })
        });
        choices.collect()
    }

    /// Refuses a prompt that cannot fit into the context; `asked` is the number of ids that the client wants to have
    /// generated, if it says so.
    pub(super) fn check_length(&self, request: &GenerateRequest, asked: Option<u32>) -> Result<()> {
        let (prompt, limit) = (request.prompt.len(), self.engine.limits().max_length);
        if prompt + request.max_new.min(1) <= limit {
            return Ok(());
        }
        let asks = asked.map_or_else(String::new, |asked| format!(" and asks for {asked} more"));
        let message = format!(
            "This model's maximum context length is {limit} tokens. However, the request has {prompt} tokens in the \
             prompt{asks}: it exceeds the available context size"
        );
        Err(Error::TooLong { message, param: None, prompt, limit })
    }

    /// The number of ids that the request asks for, but at most what fits into the context, as upstream.
    pub(super) fn max_new(&self, asked: Option<u32>, prompt: usize) -> usize {
        let room = self.engine.limits().max_length.saturating_sub(prompt).max(1);
        asked.map_or(room, |asked| (asked as usize).min(room))
    }

    /// Maximum number of choices in one request. More than there is room for, running and waiting, would be turned away
    /// as a full queue at any time.
    pub(super) fn max_choices(&self) -> usize {
        self.engine.limits().max_requests().min(MAX_CHOICES)
    }

    /// Checks that there is room for `n` choices for each of some prompts.
    pub(super) fn check_choices(&self, n: usize, prompts: usize) -> Result<()> {
        let most = self.max_choices() / prompts.max(1);
        if n <= most {
            return Ok(());
        }
        let prompts = if prompts > 1 { format!(" with {prompts} prompts") } else { String::new() };
        Err(expected("n", Some(n), &format!("at most {most}, for which this server has room{prompts}")))
    }

    /// Checks a prompt that is given as ids.
    pub(super) fn check_ids(&self, param: &str, ids: &[TokenId]) -> Result<()> {
        let vocab = self.engine.capacity().vocab;
        if ids.is_empty() {
            return Err(Error::field(param, "found no tokens, expected at least one"));
        }
        match ids.iter().find(|id| id.index() >= vocab) {
            Some(id) => {
                Err(expected(param, Some(id), &format!("ids below {vocab}: others are out of vocabulary")))
            }
            None => Ok(()),
        }
    }

    /// Refuses the name of a model that is not served; the empty name is that of the one that is.
    pub(super) fn check_model(&self, asked: &str) -> Result<()> {
        if asked.is_empty() || self.model.is_named(asked) {
            return Ok(());
        }
        let message = format!("The model '{asked}' does not exist.");
        Err(Error::Refused { status: 404, message, param: Some("model".to_owned()) })
    }

    /// A name of an answer that is unique even after a restart, because clients keep the ids of calls in their
    /// histories.
    pub(super) fn name(&self, generations: &[Generation]) -> String {
        let number = generations.first().map_or(0, |generation| generation.id().0);
        format!("{:x}{number:04x}", self.model.created)
    }
}

/// How long prompt and answer of a request took that has ended.
pub(super) fn timings(finished: &Finished) -> Timings {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    Timings::new(finished.prompt_tokens as u64, finished.cached_tokens as u64)
        .with_prompt_ms(ms(finished.times.prompt))
        .with_answer(finished.generated_tokens as u64, ms(finished.times.answer))
}

/// The time now, in Unix seconds.
pub(super) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
