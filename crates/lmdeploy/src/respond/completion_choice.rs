//! [`ChoiceState`]: one choice of a completion, from the outputs of its request to its pieces.

use internlm_model::TokenId;
use internlm_model::tokenizer::StreamDecoder;

use super::echo::EchoedPrompt;
use super::refusal::{finish_reason, stop_reason};
use super::token_names::TokenNames;
use crate::Result;
use crate::decode::TokenScores;
use crate::engine::{Finished, GenerateRequest, Output, Piece};
use crate::protocol::{CompletionChoice, CompletionLogprobs, CompletionRequest, PromptLogprobs};

/// What the pieces of a choice have in addition to the text.
#[derive(Clone, Debug)]
pub(super) struct ChoiceOptions {
    /// How log-probabilities name their ids.
    pub(super) names: TokenNames,
    /// Number of most likely ids per place; none: no log-probabilities.
    pub(super) logprobs: Option<usize>,
    /// The same for the places of the prompt, without an echo.
    pub(super) prompt_logprobs: Option<usize>,
    /// Whether the ids are returned.
    pub(super) token_ids: bool,
    /// Whether the ids are returned with their log-probabilities.
    pub(super) token_logprobs: bool,
    /// The stop ids of the request itself.
    pub(super) stop_ids: Vec<u32>,
}

impl ChoiceOptions {
    /// What `request` asks for, without log-probabilities.
    pub(super) fn new(request: &CompletionRequest, names: TokenNames) -> Self {
        Self {
            names,
            logprobs: None,
            prompt_logprobs: None,
            token_ids: request.return_token_ids == Some(true),
            token_logprobs: request.return_logprob == Some(true),
            stop_ids: request.stop_token_ids.clone().unwrap_or_default(),
        }
    }

    /// The scores that the engine has to give with each id.
    pub(super) fn scores(&self) -> Option<usize> {
        self.logprobs.or(self.token_logprobs.then_some(0))
    }
}

/// One choice that is being generated.
#[derive(Debug)]
pub(super) struct ChoiceState {
    options: ChoiceOptions,
    /// Counts the characters of generated ids.
    decoder: StreamDecoder,
    /// Number of characters before the next id.
    characters: usize,
    /// The prompt, until it is sent.
    echo: Option<EchoedPrompt>,
    /// Number of ids in the prompt.
    prompt_tokens: usize,
    /// Number of generated ids so far.
    generated: usize,
    /// What belongs to ids whose text has not been sent yet.
    unsent: Unsent,
}

/// What waits for text to be sent with.
#[derive(Debug, Default)]
struct Unsent {
    scores: CompletionLogprobs,
    ids: Vec<u32>,
    id_scores: Vec<(f32, u32)>,
    prompt_ids: Option<Vec<u32>>,
    prompt_scores: Option<PromptLogprobs>,
}

impl ChoiceState {
    pub(super) fn new(request: &GenerateRequest, echo: Option<EchoedPrompt>, options: ChoiceOptions) -> Self {
        let prompt_ids = || request.prompt.iter().map(|id| id.0).collect();
        let unsent = Unsent { prompt_ids: options.token_ids.then(prompt_ids), ..Unsent::default() };
        Self {
            decoder: request.decoder(options.names.tokenizer()),
            options,
            characters: 0,
            echo,
            prompt_tokens: request.prompt.len(),
            generated: 0,
            unsent,
        }
    }

    /// Number of ids in the prompt, and of those that have been generated so far.
    pub(super) fn tokens(&self) -> (usize, usize) {
        (self.prompt_tokens, self.generated)
    }

    /// The piece that an output gives; none while no text is certain. Its index is 0.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    pub(super) fn push(&mut self, output: Output) -> Result<Option<CompletionChoice>> {
        let (text, end) = match output {
            Output::Prompt(scores) => {
                let (names, count) = (&self.options.names, self.options.prompt_logprobs);
                self.unsent.prompt_scores = count.map(|count| names.prompt_logprobs(&scores, count));
                (self.prompt(&scores), None)
            }
            Output::Pieces(pieces) => {
                // An echo whose prompt was not scored.
                let mut text = self.prompt(&[]);
                for piece in pieces {
                    self.piece(&piece);
                    text += &piece.text;
                }
                (text, None)
            }
            Output::Finished(finished) => {
                let reason = finish_reason(&finished.end)?;
                (self.prompt(&[]) + &finished.rest, Some((reason, finished)))
            }
        };
        // A piece without text is the last one.
        Ok((!text.is_empty() || end.is_some()).then(|| {
            let stop = |(_, finished): &(_, Finished)| stop_reason(finished, &self.options.stop_ids);
            let stop_reason = end.as_ref().and_then(stop);
            CompletionChoice {
                text,
                finish_reason: end.map(|(reason, _)| reason),
                stop_reason,
                ..self.take()
            }
        }))
    }

    /// The echoed prompt; its first id has no score.
    fn prompt(&mut self, scores: &[Option<TokenScores>]) -> String {
        let Some(prompt) = self.echo.take() else { return String::new() };
        if self.options.logprobs.is_some() {
            let offsets = prompt.offsets(self.options.names.tokenizer());
            let count = self.options.logprobs.unwrap_or(0);
            for ((id, offset), score) in prompt.ids.iter().zip(offsets).zip(scores) {
                self.score((*id, offset), score.as_ref(), count);
            }
        }
        self.characters = prompt.text.chars().count();
        prompt.text
    }

    fn piece(&mut self, piece: &Piece) {
        self.generated += 1;
        self.unsent.ids.push(piece.id.0);
        let Some(scores) = &piece.scores else { return };
        self.unsent.id_scores.push((scores.chosen.logprob, piece.id.0));
        if self.options.logprobs.is_some() {
            let offset = self.characters;
            self.characters += self.decoder.push(piece.id).chars().count();
            // The engine has given those that were asked for.
            self.score((piece.id, offset), Some(scores), scores.top.len());
        }
    }

    /// Takes an id with its offset in the text and its scores, of which the `count` most likely ids are shown.
    fn score(&mut self, (id, offset): (TokenId, usize), scores: Option<&TokenScores>, count: usize) {
        let names = &self.options.names;
        let unsent = &mut self.unsent.scores;
        unsent.tokens.push(names.exact(id));
        unsent.text_offset.push(offset);
        unsent.token_logprobs.push(scores.map(|scores| scores.chosen.logprob));
        let tops = unsent.top_logprobs.get_or_insert_default();
        tops.push(scores.map(|scores| names.top(scores, count)));
    }

    /// What has been waiting for text, as far as it was asked for.
    fn take(&mut self) -> CompletionChoice {
        let Unsent { mut scores, ids, id_scores, prompt_ids, prompt_scores } =
            std::mem::take(&mut self.unsent);
        // Without ids it is an empty list: null would say that nothing was asked for.
        scores.top_logprobs.get_or_insert_default();
        let ids = self.options.token_ids.then_some(ids);
        CompletionChoice {
            logprobs: self.options.logprobs.map(|_| scores),
            output_ids: ids.clone(),
            token_ids: ids,
            output_token_logprobs: self.options.token_logprobs.then_some(id_scores),
            prompt_token_ids: prompt_ids,
            prompt_logprobs: prompt_scores,
            ..CompletionChoice::default()
        }
    }
}
