//! [`CompletionAnswer`]: the engine's outputs -> pieces of a completion, or the whole answer.

use std::collections::BTreeMap;

use internlm_model::tokenizer::StreamDecoder;
use internlm_model::{TokenId, Tokenizer};

use super::echo::EchoedPrompt;
use super::refusal::finish_reason;
use crate::Result;
use crate::decode::TokenScores;
use crate::engine::{Finished, GenerateRequest, Output, Piece};
use crate::protocol::{CompletionChoice, CompletionLogprobs, CompletionResponse, Usage};

/// The answers to all prompts of a completion request that is being generated.
#[derive(Debug)]
pub struct CompletionAnswer {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) model: String,
    pub(super) choices: Vec<ChoiceState>,
    pub(super) usage: Usage,
}

/// The answer to one prompt.
#[derive(Debug)]
pub(super) struct ChoiceState {
    tokenizer: Tokenizer,
    /// Counts the characters of generated ids.
    decoder: StreamDecoder,
    /// Number of characters before the next id.
    characters: usize,
    /// Number of most likely ids per place.
    logprobs: Option<usize>,
    /// The prompt, until it is sent.
    echo: Option<EchoedPrompt>,
    /// Scores of ids whose text has not been sent yet.
    unsent: CompletionLogprobs,
}

impl ChoiceState {
    pub(super) fn new(tokenizer: &Tokenizer, request: &GenerateRequest, echo: Option<EchoedPrompt>) -> Self {
        let (decoder, logprobs) = (request.decoder(tokenizer), request.logprobs);
        let unsent = empty_logprobs(logprobs);
        Self { tokenizer: tokenizer.clone(), decoder, characters: 0, logprobs, echo, unsent }
    }

    /// The echoed prompt; its first id has no score.
    fn prompt(&mut self, scores: Vec<Option<TokenScores>>) -> String {
        let Some(prompt) = self.echo.take() else { return String::new() };
        if self.logprobs.is_some() {
            for ((id, offset), score) in prompt.ids.iter().zip(prompt.offsets(&self.tokenizer)).zip(scores) {
                self.score(*id, offset, score);
            }
        }
        self.characters = prompt.text.chars().count();
        prompt.text
    }

    fn piece(&mut self, piece: &Piece) {
        if let Some(scores) = &piece.scores {
            let offset = self.characters;
            self.characters += self.decoder.push(piece.id).chars().count();
            self.score(piece.id, offset, Some(scores.clone()));
        }
    }

    fn score(&mut self, id: TokenId, offset: usize, scores: Option<TokenScores>) {
        let unsent = &mut self.unsent;
        unsent.tokens.push(token_text(&self.tokenizer, id));
        unsent.text_offset.push(offset);
        if let Some(tops) = &mut unsent.top_logprobs {
            tops.push(scores.as_ref().map(|scores| top(&self.tokenizer, scores)));
        }
        unsent.token_logprobs.push(scores.map(|scores| scores.chosen.logprob));
    }

    fn take_logprobs(&mut self) -> Option<CompletionLogprobs> {
        self.logprobs.map(|_| std::mem::replace(&mut self.unsent, empty_logprobs(self.logprobs)))
    }
}

impl CompletionAnswer {
    /// The piece that an output of prompt `index` gives; none while no text is certain.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    ///
    /// # Panics
    /// When there is no prompt `index`.
    pub fn choice(&mut self, index: usize, output: Output) -> Result<Option<CompletionChoice>> {
        let state = &mut self.choices[index];
        let mut text = String::new();
        let mut reason = None;
        match output {
            Output::Prompt(scores) => text = state.prompt(scores),
            Output::Pieces(pieces) => {
                // An echo whose prompt was not scored.
                text += &state.prompt(Vec::new());
                for piece in pieces {
                    state.piece(&piece);
                    text += &piece.text;
                }
            }
            Output::Finished(finished) => {
                reason = Some(finish_reason(&finished.end)?);
                text = state.prompt(Vec::new()) + &finished.rest;
                self.usage = add(self.usage, &finished);
            }
        }
        if text.is_empty() && reason.is_none() {
            return Ok(None);
        }
        let logprobs = state.take_logprobs();
        Ok(Some(CompletionChoice { index, text, logprobs, finish_reason: reason }))
    }

    /// A body with these choices and without usage.
    #[must_use]
    pub fn body(&self, choices: Vec<CompletionChoice>) -> CompletionResponse {
        CompletionResponse {
            id: self.id.clone(),
            object: "text_completion".to_owned(),
            created: self.created,
            model: self.model.clone(),
            choices,
            usage: None,
        }
    }

    /// A body with the usage of all prompts and without choices.
    #[must_use]
    pub fn usage_body(&self) -> CompletionResponse {
        CompletionResponse { usage: Some(self.usage), ..self.body(Vec::new()) }
    }

    /// The whole answer, from all outputs of all prompts.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of the first prompt that failed.
    pub fn whole(&mut self, outputs: Vec<(usize, Output)>) -> Result<CompletionResponse> {
        let mut choices: Vec<CompletionChoice> = (0..self.choices.len())
            .map(|index| CompletionChoice { index, ..CompletionChoice::default() })
            .collect();
        for (index, output) in outputs {
            if let Some(piece) = self.choice(index, output)? {
                append(&mut choices[index], piece);
            }
        }
        Ok(CompletionResponse { usage: Some(self.usage), ..self.body(choices) })
    }
}

fn append(whole: &mut CompletionChoice, piece: CompletionChoice) {
    whole.text += &piece.text;
    whole.finish_reason = piece.finish_reason.or(whole.finish_reason);
    match (&mut whole.logprobs, piece.logprobs) {
        (Some(whole), Some(more)) => {
            whole.tokens.extend(more.tokens);
            whole.token_logprobs.extend(more.token_logprobs);
            whole.text_offset.extend(more.text_offset);
            if let (Some(tops), Some(more)) = (&mut whole.top_logprobs, more.top_logprobs) {
                tops.extend(more);
            }
        }
        (slot @ None, more) => *slot = more,
        (Some(_), None) => {}
    }
}

fn add(sum: Usage, finished: &Finished) -> Usage {
    let one = super::chat::usage(finished);
    Usage::new(sum.prompt_tokens + one.prompt_tokens, sum.completion_tokens + one.completion_tokens)
}

fn empty_logprobs(logprobs: Option<usize>) -> CompletionLogprobs {
    let top_logprobs = logprobs.filter(|count| *count > 0).map(|_| Vec::new());
    CompletionLogprobs { top_logprobs, ..CompletionLogprobs::default() }
}

fn top(tokenizer: &Tokenizer, scores: &TokenScores) -> BTreeMap<String, f32> {
    let mut map = BTreeMap::new();
    for score in &scores.top {
        // Two ids with the same bytes share a key; the more likely one comes first and stays.
        map.entry(token_text(tokenizer, score.id)).or_insert(score.logprob);
    }
    map
}

/// An id's text; `bytes:\xe4\xbd` when it holds part of a character, as OpenAI writes it.
fn token_text(tokenizer: &Tokenizer, id: TokenId) -> String {
    let bytes = tokenizer.token_bytes(id);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().fold("bytes:".to_owned(), |text, byte| text + &format!("\\x{byte:02x}")),
    }
}
