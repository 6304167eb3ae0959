//! [`Responder::chat`]: a chat request -> the requests of its choices, under way, and what makes chunks of their outputs.

use internlm_model::TokenId;
use internlm_model::chat::Prompt as Ending;
use internlm_model::tokenizer::Special;

use super::allowed_tools::with_allowed_tools;
use super::bounds::expected;
use super::effort::{check_reasoning_format, with_effort};
use super::fields::{Fields, alternatives};
use super::format::with_format;
use super::guided;
use super::prompt::{ending, offered};
use super::prompt_cut::PromptCut;
use super::score_ids::score_ids;
use super::start_completion::{check_limits, prompt_scores};
use super::{AnswerOptions, ChatAnswer, Responder};
use crate::engine::{GenerateRequest, Generation};
use crate::parse::Section;
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
        let (_, asked) = fields.max_new();
        check_limits([request.max_tokens, request.max_completion_tokens], "at least 1")?;
        let prompt_logprobs = prompt_scores(request.prompt_logprobs, request.stream)?;
        let (logprobs, score_ids) = self.scores(request)?;
        check_reasoning_format(request)?;
        let checked = fields.check(&self.model, self.engine.fresh_seed())?;
        let request = with_effort(&self.model, request)?;
        let request = with_allowed_tools(&request)?;
        let format = with_format::<ChatRequest>(&request)?;
        let request: &ChatRequest = &format.request;
        let (prompt, continues) = self.chat_prompt(request)?;
        let special = checked.special;
        let mut generate = GenerateRequest {
            max_new: self.max_new(asked, prompt.len()),
            prompt,
            continues,
            logprobs,
            score_ids,
            prompt_logprobs,
            // The parser needs content without marks. It puts other special tokens back when they are wanted.
            special: Special::Skip,
            ..checked
        };
        self.check_length(&generate, asked)?;
        generate.grammar =
            guided::grammar(request, &self.model, &generate.prompt).map_err(|error| format.blame(error))?;
        let starts_in_reasoning = self.model.starts_in_reasoning(request, &generate.prompt);
        let start = if starts_in_reasoning { Section::Reasoning } else { Section::Content };
        generate.thinking = self.thinking_budget(request, start, special)?;
        let generations = self.submit(&generate, n);
        let (prompt_ids, prompt_text) = self.shown_prompt(request, &generate.prompt);
        let options = AnswerOptions {
            id: format!("chatcmpl-{}", self.name(&generations)),
            index: 0,
            prompt_tokens: generate.prompt.len(),
            prompt_ids,
            prompt_text,
            wants_logprobs: request.logprobs.unwrap_or(false),
            special,
            starts_in_reasoning,
        };
        let answer =
            |index| ChatAnswer::new(&self.model, request, AnswerOptions { index, ..options.clone() });
        let answers = (0..n).map(answer).collect();
        Ok((generations, answers))
    }

    /// The ids of the conversation, or those of the request itself, cut as it asks; and whether the answer continues
    /// their text.
    pub(super) fn chat_prompt(&self, request: &ChatRequest) -> Result<(Vec<TokenId>, bool)> {
        let (mut ids, continues) = self.whole_prompt(request)?;
        let limit = self.engine.limits().max_length;
        let cut = PromptCut::new(request.truncate_prompt_tokens, request.truncation_side, limit, 1)?;
        if let Some(cut) = cut {
            cut.apply(&mut ids);
        }
        Ok((ids, continues))
    }

    /// The scores that the engine has to give with each id: how many of the most likely ids at its place, or of which ids
    /// instead.
    fn scores(&self, request: &ChatRequest) -> Result<(Option<usize>, Vec<TokenId>)> {
        let top = alternatives("top_logprobs", request.top_logprobs)?;
        let wanted = request.logprobs == Some(true);
        let missing = (!wanted).then_some("`logprobs: true`");
        let vocab = self.model.tokenizer.vocab_size();
        let ids = score_ids(request.logprob_token_ids.as_deref(), vocab, missing)?;
        if wanted {
            return Ok((Some(top), ids));
        }
        if top > 0 {
            return Err(Error::field("top_logprobs", "expected `logprobs: true` with it"));
        }
        Ok(((request.return_logprob == Some(true)).then_some(0), ids))
    }

    /// The ids and the text of the prompt, as far as the answer shows them.
    fn shown_prompt(&self, request: &ChatRequest, prompt: &[TokenId]) -> (Option<Vec<u32>>, Option<String>) {
        let ids = || prompt.iter().map(|id| id.0).collect();
        let text = || self.model.tokenizer.decode(prompt, Special::Keep);
        let (shows_ids, shows_text) = (request.return_token_ids, request.return_prompt_text);
        ((shows_ids == Some(true)).then(ids), (shows_text == Some(true)).then(text))
    }

    fn whole_prompt(&self, request: &ChatRequest) -> Result<(Vec<TokenId>, bool)> {
        let Some(ids) = request.input_ids.as_deref().filter(|ids| !ids.is_empty()) else {
            if request.input_ids.is_some() && request.messages.is_empty() {
                return Err(expected("input_ids", Some("none"), "at least one, or messages"));
            }
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
            ("echo", request.echo == Some(true)),
        ] {
            if is_set {
                let message = "expected the field to be absent: `input_ids` are the whole prompt";
                return Err(Error::field(name, message));
            }
        }
        let ids: Vec<TokenId> = ids.iter().copied().map(TokenId).collect();
        self.check_ids("input_ids", &ids)?;
        // The prompt tells the model of the tools already, and the answer may call them.
        offered(request)?;
        Ok((ids, false))
    }
}
