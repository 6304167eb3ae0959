//! [`CompletionAnswer`]: the engine's outputs -> pieces of a completion, or the whole answer.

use super::completion_choice::ChoiceState;
use super::responder::{FINGERPRINT, timings};
use super::shared_scores::SharedScores;
use crate::Result;
use crate::engine::{Finished, Output};
use crate::protocol::{CompletionChoice, CompletionLogprobs, CompletionResponse, Timings, Usage};

/// The answers to all prompts of a completion request that is being generated.
#[derive(Debug)]
pub struct CompletionAnswer {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) model: String,
    /// Those of the first prompt, then those of the second, ...
    pub(super) choices: Vec<ChoiceState>,
    /// Number of choices per prompt.
    pub(super) n: usize,
    /// What waits for the scores of prompts.
    pub(super) shared: SharedScores,
    /// What each choice has used, once it has ended.
    pub(super) usages: Vec<Option<Usage>>,
    /// How long each choice has taken, once it has ended.
    pub(super) timings: Vec<Option<Timings>>,
    /// Whether the answer shows how long it took.
    pub(super) shows_timings: bool,
}

impl CompletionAnswer {
    /// The pieces that an output of choice `index` gives: none while no text is certain, and those of other choices of the
    /// same prompt when they have waited for its scores.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    ///
    /// # Panics
    /// When there is no choice `index`.
    pub fn pieces(&mut self, index: usize, output: Output) -> Result<Vec<CompletionChoice>> {
        let mut pieces = Vec::new();
        for (index, output) in self.shared.push(index, output) {
            if let Output::Finished(finished) = &output {
                self.usages[index] = Some(usage(finished));
                self.timings[index] = self.shows_timings.then(|| timings(finished));
            }
            let piece = self.choices[index].push(output)?;
            pieces.extend(piece.map(|piece| CompletionChoice { index, ..piece }));
        }
        Ok(pieces)
    }

    /// Number of choices per prompt, which come one after another.
    #[must_use]
    pub fn choices_per_prompt(&self) -> usize {
        self.n
    }

    /// A body with these choices and without usage.
    #[must_use]
    pub fn body(&self, choices: Vec<CompletionChoice>) -> CompletionResponse {
        CompletionResponse {
            id: self.id.clone(),
            object: "text_completion".to_owned(),
            created: self.created,
            model: self.model.clone(),
            system_fingerprint: Some(FINGERPRINT.clone()),
            timings: match choices.as_slice() {
                [piece] => piece.finish_reason.and(self.timings[piece.index]),
                _ => None,
            },
            choices,
            usage: None,
        }
    }

    /// What has been used so far: every prompt once, and the ids of all choices that have ended.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let prompts = self.usages.chunks(self.n);
        let prompts =
            prompts.filter_map(|choices| choices.iter().flatten().copied().reduce(Usage::with_choice));
        prompts.reduce(Usage::with_prompt).unwrap_or_else(|| Usage::new(0, 0))
    }

    /// The tokens of all choices so far, and of every prompt once. How many were cached is known in the end.
    #[must_use]
    pub fn usage_so_far(&self) -> Usage {
        let (mut prompts, mut generated) = (0, 0);
        for (index, choice) in self.choices.iter().enumerate() {
            let (prompt, answer) = choice.tokens();
            prompts += if index % self.n == 0 { prompt } else { 0 };
            generated += answer;
        }
        Usage { prompt_tokens_details: None, ..Usage::new(prompts as u64, generated as u64) }
    }

    /// A body with the usage of all prompts and without choices.
    #[must_use]
    pub fn usage_body(&self) -> CompletionResponse {
        CompletionResponse { usage: Some(self.usage()), ..self.body(Vec::new()) }
    }

    /// The whole answer, from all outputs of all choices.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of the first choice that failed.
    pub fn whole(&mut self, outputs: Vec<(usize, Output)>) -> Result<CompletionResponse> {
        let mut choices: Vec<CompletionChoice> = (0..self.choices.len())
            .map(|index| CompletionChoice { index, ..CompletionChoice::default() })
            .collect();
        for (index, output) in outputs {
            for piece in self.pieces(index, output)? {
                append(&mut choices[piece.index], piece);
            }
        }
        let prompts = self.timings.chunks(self.n);
        let prompts =
            prompts.filter_map(|choices| choices.iter().flatten().copied().reduce(Timings::with_choice));
        let timings = prompts.reduce(Timings::with_prompt);
        Ok(CompletionResponse { usage: Some(self.usage()), timings, ..self.body(choices) })
    }
}

fn append(whole: &mut CompletionChoice, piece: CompletionChoice) {
    whole.text += &piece.text;
    whole.finish_reason = piece.finish_reason.or(whole.finish_reason);
    whole.stop_reason = piece.stop_reason.or(whole.stop_reason.take());
    extend(&mut whole.output_ids, piece.output_ids);
    extend(&mut whole.token_ids, piece.token_ids);
    whole.prompt_token_ids = piece.prompt_token_ids.or(whole.prompt_token_ids.take());
    whole.prompt_logprobs = piece.prompt_logprobs.or(whole.prompt_logprobs.take());
    extend(&mut whole.output_token_logprobs, piece.output_token_logprobs);
    match (&mut whole.logprobs, piece.logprobs) {
        (Some(whole), Some(more)) => append_logprobs(whole, more),
        (slot @ None, more) => *slot = more,
        (Some(_), None) => {}
    }
}

fn append_logprobs(whole: &mut CompletionLogprobs, more: CompletionLogprobs) {
    whole.tokens.extend(more.tokens);
    whole.token_logprobs.extend(more.token_logprobs);
    whole.text_offset.extend(more.text_offset);
    if let (Some(tops), Some(more)) = (&mut whole.top_logprobs, more.top_logprobs) {
        tops.extend(more);
    }
}

fn extend<T>(whole: &mut Option<Vec<T>>, more: Option<Vec<T>>) {
    if let Some(more) = more {
        whole.get_or_insert_default().extend(more);
    }
}

fn usage(finished: &Finished) -> Usage {
    let usage = Usage::new(finished.prompt_tokens as u64, finished.generated_tokens as u64);
    usage.with_cached(finished.cached_tokens as u64)
}
