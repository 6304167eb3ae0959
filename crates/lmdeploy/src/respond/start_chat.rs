//! [`Responder::chat`]: a chat request -> the requests of its choices, under way, and what makes chunks of their outputs.

use internlm_model::TokenId;
use internlm_model::chat::Prompt as Ending;
use internlm_model::tokenizer::Special;

use super::bounds::expected;
use super::effort::with_effort;
use super::fields::{Fields, alternatives};
use super::format::with_format;
use super::guided;
use super::prompt::ending;
use super::{AnswerOptions, ChatAnswer, Responder};
use crate::engine::{GenerateRequest, Generation};
use crate::protocol::ChatRequest;
use crate::{Error, Result};

impl Responder {
    /// Starts a chat answer: one generation per choice, in order. Each yields outputs, which the answer at the same
    /// place turns into chunks.
    ///
    /// # Errors
    /// [`Error::Refused`] when the request is wrong. A full queue or a failing model show in the outputs.
    pub fn chat(&self, request: &ChatRequest) -> Result<(Vec<Generation>, Vec<ChatAnswer>)> {
        self.check_model(&request.model)?;
        let fields = Fields::from(request);
        let n = fields.choices()?;
        self.check_choices(n, 1)?;
        let (name, asked) = fields.max_new();
        if asked == Some(0) {
            return Err(expected(name, asked, "at least 1"));
        }
        let logprobs = scores(request)?;
        let checked = fields.check(&self.model, self.engine.fresh_seed())?;
        let request = with_effort(&self.model, request)?;
        let format = with_format::<ChatRequest>(&request)?;
        let request: &ChatRequest = &format.request;
        let (prompt, continues) = self.chat_prompt(request)?;
        let special = checked.special;
        let mut generate = GenerateRequest {
            max_new: self.max_new(asked, prompt.len()),
            prompt,
            continues,
            logprobs,
            // The parser needs content without marks. It puts other special tokens back when they are wanted.
            special: Special::Skip,
            ..checked
        };
        self.check_length(&generate, asked)?;
        generate.grammar =
            guided::grammar(request, &self.model, &generate.prompt).map_err(|error| format.blame(error))?;
        let generations = self.submit(&generate, n);
        let id = format!("chatcmpl-{}", self.name(&generations));
        let wants_logprobs = request.logprobs.unwrap_or(false);
        let starts_in_reasoning = self.model.starts_in_reasoning(request, &generate.prompt);
        let answer = |index| {
            let options =
                AnswerOptions { id: id.clone(), index, wants_logprobs, special, starts_in_reasoning };
            ChatAnswer::new(&self.model, request, options)
        };
        let answers = (0..n).map(answer).collect();
        Ok((generations, answers))
    }

    /// The ids of the conversation, or those of the request itself; and whether the answer continues their text.
    fn chat_prompt(&self, request: &ChatRequest) -> Result<(Vec<TokenId>, bool)> {
        let Some(ids) = request.input_ids.as_deref().filter(|ids| !ids.is_empty()) else {
            return Ok((self.model.prompt_ids(request)?, ending(request)? == Ending::Continue));
        };
        if !request.messages.is_empty() {
            return Err(Error::field(
                "input_ids",
                "found ids together with `messages`, expected only one of them",
            ));
        }
        // What these fields say about the prompt, it says itself.
        for (name, is_set) in [
            (
                "chat_template_kwargs",
                request.chat_template_kwargs.as_ref().is_some_and(|map| !map.is_empty()),
            ),
            ("enable_thinking", request.enable_thinking.is_some()),
            ("add_generation_prompt", request.add_generation_prompt == Some(false)),
            ("continue_final_message", request.continue_final_message == Some(true)),
        ] {
            if is_set {
                let message = "expected the field to be absent: `input_ids` are the whole prompt";
                return Err(Error::field(name, message));
            }
        }
        let ids: Vec<TokenId> = ids.iter().copied().map(TokenId).collect();
        self.check_ids("input_ids", &ids)?;
        Ok((ids, false))
    }
}

/// The scores that the engine has to give with each id: how many of the most likely ids at its place.
fn scores(request: &ChatRequest) -> Result<Option<usize>> {
    let top = alternatives("top_logprobs", request.top_logprobs)?;
    if request.logprobs == Some(true) {
        return Ok(Some(top));
    }
    if top > 0 {
        return Err(Error::field("top_logprobs", "expected `logprobs: true` with it"));
    }
    Ok((request.return_logprob == Some(true)).then_some(0))
}
