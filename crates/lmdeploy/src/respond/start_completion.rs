//! [`Responder::completions`]: a completion request -> the requests of its choices, under way, and what makes pieces of
//! their outputs.

use internlm_model::TokenId;

use super::bounds::expected;
use super::completion_choice::{ChoiceOptions, ChoiceState};
use super::echo::{Beginning, EchoedPrompt};
use super::fields::{Fields, alternatives};
use super::format::with_format;
use super::guided;
use super::prompt_cut::PromptCut;
use super::responder::now;
use super::score_ids::score_ids;
use super::shared_scores::{Prompts, SharedScores};
use super::token_names::TokenNames;
use super::{CompletionAnswer, Responder};
use crate::engine::{GenerateRequest, Generation};
use crate::protocol::{CompletionRequest, Prompt};
use crate::{Error, Result};

/// Default of `max_tokens` in completion requests, as OpenAI's.
const COMPLETION_TOKENS: u32 = 16;

impl Responder {
    /// Starts a completion: one generation per choice, those of the first prompt first.
    ///
    /// # Errors
    /// Like [`Responder::chat`]. When one prompt is refused, nothing is computed for the others.
    pub fn completions(&self, request: &CompletionRequest) -> Result<(Vec<Generation>, CompletionAnswer)> {
        self.completions_from(request, 0)
    }

    /// Starts a completion whose prompt is scored from the place `scored_from` on, if it is scored.
    pub(super) fn completions_from(
        &self,
        request: &CompletionRequest,
        scored_from: usize,
    ) -> Result<(Vec<Generation>, CompletionAnswer)> {
        self.check_model(&request.model)?;
        let fields = Fields::from(request);
        let n = fields.choices()?;
        let (_, asked) = fields.max_new();
        let mut checked = fields.check(&self.model, self.engine.fresh_seed())?;
        if asked.is_none() && checked.min_new > COMPLETION_TOKENS as usize {
            let range = format!("at most the {COMPLETION_TOKENS} that are the default of `max_tokens`");
            return Err(expected("min_new_tokens", Some(checked.min_new), &range));
        }
        let options = self.choice_options(request)?;
        let echo = request.echo.unwrap_or(false);
        check_shown(request, &options)?;
        let prompt_logprobs = options.prompt_logprobs.max(options.logprobs.filter(|_| echo));
        checked.score_ids = self.score_ids(request, asked)?;
        let prompts = self.prompts(request, asked)?;
        self.check_choices(n, prompts.len())?;
        let format = with_format(request)?;
        checked.grammar =
            guided::completion_grammar(&format.request, &self.model).map_err(|error| format.blame(error))?;
        let mut requests = Vec::with_capacity(prompts.len());
        for prompt in &prompts {
            let request = GenerateRequest {
                max_new: self.max_new(asked.or(Some(COMPLETION_TOKENS)), prompt.ids.len()),
                prompt: prompt.ids.clone(),
                continues: true,
                logprobs: options.scores(),
                prompt_logprobs,
                prompt_logprobs_from: scored_from,
                ..checked.clone()
            };
            self.check_length(&request, asked)?;
            requests.push(request);
        }
        let mut choices = Vec::with_capacity(n * prompts.len());
        for (prompt, request) in prompts.iter().zip(&requests) {
            let echo = || echo.then(|| prompt.clone());
            let choice = || ChoiceState::new(request, echo(), options.clone());
            choices.extend(std::iter::repeat_with(choice).take(n));
        }
        let scored = if prompt_logprobs.is_some() { Prompts::Scored } else { Prompts::Unscored };
        let generations: Vec<Generation> =
            requests.iter().flat_map(|request| self.submit(request, n)).collect();
        let answer = CompletionAnswer {
            id: format!("cmpl-{}", self.name(&generations)),
            created: now(),
            model: self.model.name.clone(),
            usages: vec![None; choices.len()],
            timings: vec![None; choices.len()],
            shows_timings: request.timings_per_token == Some(true),
            choices,
            n,
            shared: SharedScores::new(n, prompts.len(), scored),
        };
        Ok((generations, answer))
    }

    /// What the pieces of each choice have in addition to the text.
    fn choice_options(&self, request: &CompletionRequest) -> Result<ChoiceOptions> {
        let names = TokenNames::new(&self.model.tokenizer, request.return_tokens_as_token_ids);
        let prompt_logprobs = prompt_scores(request.prompt_logprobs, request.stream)?;
        let top = alternatives("logprobs", request.logprobs)?;
        let logprobs = request.logprobs.map(|_| top);
        Ok(ChoiceOptions { logprobs, prompt_logprobs, ..ChoiceOptions::new(request, names) })
    }

    /// The ids whose scores are returned in place of those of the most likely ids; an answer is needed for them.
    fn score_ids(&self, request: &CompletionRequest, max_tokens: Option<u32>) -> Result<Vec<TokenId>> {
        let missing = match max_tokens {
            _ if request.logprobs.is_none() => Some("`logprobs`"),
            Some(0) => Some("a `max_tokens` of at least 1"),
            _ => None,
        };
        let vocab = self.model.tokenizer.vocab_size();
        score_ids(request.logprob_token_ids.as_deref(), vocab, missing)
    }

    /// Each prompt as it is computed and echoed. One that is cut to fit leaves room for an answer, if there is one.
    fn prompts(&self, request: &CompletionRequest, max_tokens: Option<u32>) -> Result<Vec<EchoedPrompt>> {
        if request.suffix.as_ref().is_some_and(|suffix| !suffix.is_empty()) {
            return Err(Error::field("suffix", "this model has no fill-in-the-middle tokens"));
        }
        let (tokenizer, prompt) = (&self.model.tokenizer, &request.prompt);
        let is_bare = request.add_special_tokens == Some(false);
        let beginning = if is_bare { Beginning::Bare } else { Beginning::Usual };
        let from_text = |text: &String| EchoedPrompt::from_text(tokenizer, text, beginning);
        let from_ids = |ids: &Vec<u32>| EchoedPrompt::from_ids(tokenizer, ids);
        let (count, limit) = (count(prompt), self.max_choices());
        if count == 0 || count > limit {
            return Err(expected("prompt", Some(count), &format!("1 to {limit} prompts")));
        }
        let (context, answer) = (self.engine.limits().max_length, usize::from(max_tokens != Some(0)));
        let cut = PromptCut::new(request.truncate_prompt_tokens, request.truncation_side, context, answer)?;
        let prompts: Vec<_> = match prompt {
            Prompt::Text(text) => vec![from_text(text)],
            Prompt::Texts(texts) => texts.iter().map(from_text).collect(),
            Prompt::Ids(ids) => vec![from_ids(ids)],
            Prompt::IdLists(lists) => lists.iter().map(from_ids).collect(),
        };
        for (index, EchoedPrompt { ids, .. }) in prompts.iter().enumerate() {
            self.check_ids(&format!("prompt.{index}"), ids)?;
        }
        Ok(match cut {
            Some(cut) => prompts.into_iter().map(|prompt| prompt.shortened(tokenizer, cut)).collect(),
            None => prompts,
        })
    }
}

/// Checks `max_tokens` and `max_completion_tokens` of a request of which nothing but generated ids is answered; `range`
/// is what is expected of both.
pub(super) fn check_limits(limits: [Option<u32>; 2], range: &str) -> Result<()> {
    match ["max_tokens", "max_completion_tokens"].into_iter().zip(limits).find(|(_, limit)| *limit == Some(0))
    {
        Some((name, limit)) => Err(expected(name, limit, range)),
        None => Ok(()),
    }
}

/// The scores of the prompt that a request asks for: how many of the most likely ids at each place. Pieces have no room
/// for them.
pub(super) fn prompt_scores(asked: Option<u32>, stream: Option<bool>) -> Result<Option<usize>> {
    let top = alternatives("prompt_logprobs", asked)?;
    if asked.is_some() && stream == Some(true) {
        let message = "expected the field to be absent together with `stream: true`";
        return Err(Error::field("prompt_logprobs", message));
    }
    Ok(asked.map(|_| top))
}

/// Number of prompts in a request.
fn count(prompt: &Prompt) -> usize {
    match prompt {
        Prompt::Text(_) | Prompt::Ids(_) => 1,
        Prompt::Texts(texts) => texts.len(),
        Prompt::IdLists(lists) => lists.len(),
    }
}

/// Checks that something is returned: the prompt, its scores, or at least one new id.
fn check_shown(request: &CompletionRequest, options: &ChoiceOptions) -> Result<()> {
    if request.echo == Some(true) || options.prompt_logprobs.is_some() {
        return Ok(());
    }
    let limits = [request.max_tokens, request.max_completion_tokens];
    check_limits(limits, "at least 1 when nothing of the prompt is returned")
}
