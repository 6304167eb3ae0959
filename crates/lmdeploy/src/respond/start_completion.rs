//! [`Responder::completions`]: a completion request -> the requests of its choices, under way, and what makes pieces of
//! their outputs.

use internlm_model::tokenizer::Special;

use super::bounds::expected;
use super::completion_choice::{ChoiceOptions, ChoiceState};
use super::echo::EchoedPrompt;
use super::fields::{Fields, alternatives};
use super::format::with_format;
use super::guided;
use super::responder::now;
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
        self.check_model(&request.model)?;
        let fields = Fields::from(request);
        let n = fields.choices()?;
        let (_, asked) = fields.max_new();
        let mut checked = fields.check(&self.model, self.engine.fresh_seed())?;
        if asked.is_none() && checked.min_new > COMPLETION_TOKENS as usize {
            let range = format!("at most the {COMPLETION_TOKENS} that are the default of `max_tokens`");
            return Err(expected("min_new_tokens", Some(checked.min_new), &range));
        }
        if request.suffix.as_ref().is_some_and(|suffix| !suffix.is_empty()) {
            return Err(Error::field("suffix", "this model has no fill-in-the-middle tokens"));
        }
        let logprobs = match request.logprobs {
            None => None,
            asked => Some(alternatives("logprobs", asked)?),
        };
        let echo = request.echo.unwrap_or(false);
        let prompts = self.prompts(&request.prompt, checked.special)?;
        self.check_choices(n, prompts.len())?;
        let format = with_format(request)?;
        checked.grammar =
            guided::completion_grammar(&format.request, &self.model).map_err(|error| format.blame(error))?;
        let options = ChoiceOptions::new(request, logprobs);
        let mut requests = Vec::with_capacity(prompts.len());
        for prompt in &prompts {
            let request = GenerateRequest {
                max_new: self.max_new(asked.or(Some(COMPLETION_TOKENS)), prompt.ids.len()),
                prompt: prompt.ids.clone(),
                continues: true,
                logprobs: options.scores(),
                prompt_logprobs: logprobs.filter(|_| echo),
                ..checked.clone()
            };
            self.check_length(&request, asked)?;
            requests.push(request);
        }
        let mut choices = Vec::with_capacity(n * prompts.len());
        for (prompt, request) in prompts.iter().zip(&requests) {
            let echo = || echo.then(|| prompt.clone());
            let choice = || ChoiceState::new(&self.model.tokenizer, request, echo(), options.clone());
            choices.extend(std::iter::repeat_with(choice).take(n));
        }
        let generations: Vec<Generation> =
            requests.iter().flat_map(|request| self.submit(request, n)).collect();
        let answer = CompletionAnswer {
            id: format!("cmpl-{}", self.name(&generations)),
            created: now(),
            model: self.model.name.clone(),
            usages: vec![None; choices.len()],
            choices,
            n,
        };
        Ok((generations, answer))
    }

    /// Each prompt as it is computed and echoed.
    fn prompts(&self, prompt: &Prompt, special: Special) -> Result<Vec<EchoedPrompt>> {
        let tokenizer = &self.model.tokenizer;
        let from_text = |text: &String| EchoedPrompt::from_text(tokenizer, text);
        let from_ids = |ids: &Vec<u32>| EchoedPrompt::from_ids(tokenizer, ids, special);
        let (count, limit) = (count(prompt), self.max_choices());
        if count == 0 || count > limit {
            return Err(expected("prompt", Some(count), &format!("1 to {limit} prompts")));
        }
        let prompts: Vec<_> = match prompt {
            Prompt::Text(text) => vec![from_text(text)],
            Prompt::Texts(texts) => texts.iter().map(from_text).collect(),
            Prompt::Ids(ids) => vec![from_ids(ids)],
            Prompt::IdLists(lists) => lists.iter().map(from_ids).collect(),
        };
        for (index, EchoedPrompt { ids, .. }) in prompts.iter().enumerate() {
            self.check_ids(&format!("prompt.{index}"), ids)?;
        }
        Ok(prompts)
    }
}

/// Number of prompts in a request.
fn count(prompt: &Prompt) -> usize {
    match prompt {
        Prompt::Text(_) | Prompt::Ids(_) => 1,
        Prompt::Texts(texts) => texts.len(),
        Prompt::IdLists(lists) => lists.len(),
    }
}
