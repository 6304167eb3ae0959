//! [`CompletionAnswer`]: the engine's outputs -> pieces of a completion, or the whole answer.

use super::completion_choice::ChoiceState;
use crate::Result;
use crate::engine::{Finished, Output};
use crate::protocol::{CompletionChoice, CompletionLogprobs, CompletionResponse, Usage};

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
    /// What each choice has used, once it has ended.
    pub(super) usages: Vec<Option<Usage>>,
}

impl CompletionAnswer {
    /// The piece that an output of choice `index` gives; none while no text is certain.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    ///
    /// # Panics
    /// When there is no choice `index`.
    pub fn choice(&mut self, index: usize, output: Output) -> Result<Option<CompletionChoice>> {
        if let Output::Finished(finished) = &output {
            self.usages[index] = Some(usage(finished));
        }
        let choice = self.choices[index].push(output)?;
        Ok(choice.map(|choice| CompletionChoice { index, ..choice }))
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

    /// What has been used so far: every prompt once, and the ids of all choices that have ended.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let prompts = self.usages.chunks(self.n);
        let prompts =
            prompts.filter_map(|choices| choices.iter().flatten().copied().reduce(Usage::with_choice));
        prompts.reduce(Usage::with_prompt).unwrap_or_else(|| Usage::new(0, 0))
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
            if let Some(piece) = self.choice(index, output)? {
                append(&mut choices[index], piece);
            }
        }
        Ok(CompletionResponse { usage: Some(self.usage()), ..self.body(choices) })
    }
}

fn append(whole: &mut CompletionChoice, piece: CompletionChoice) {
    whole.text += &piece.text;
    whole.finish_reason = piece.finish_reason.or(whole.finish_reason);
    whole.stop_reason = piece.stop_reason.or(whole.stop_reason.take());
    extend(&mut whole.output_ids, piece.output_ids);
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
