//! [`ChoiceState`]: one choice of a completion, from the outputs of its request to its pieces.

use std::collections::BTreeMap;

use internlm_model::tokenizer::StreamDecoder;
use internlm_model::{TokenId, Tokenizer};

use super::echo::EchoedPrompt;
use super::refusal::{finish_reason, stop_reason};
use crate::Result;
use crate::decode::TokenScores;
use crate::engine::{Finished, GenerateRequest, Output, Piece};
use crate::protocol::{CompletionChoice, CompletionLogprobs, CompletionRequest};

/// What the pieces of a choice have in addition to the text.
#[derive(Clone, Debug)]
pub(super) struct ChoiceOptions {
    /// Number of most likely ids per place; none: no log-probabilities.
    pub(super) logprobs: Option<usize>,
    /// Whether the ids are returned.
    token_ids: bool,
    /// Whether the ids are returned with their log-probabilities.
    token_logprobs: bool,
    /// The stop ids of the request itself.
    stop_ids: Vec<u32>,
}

impl ChoiceOptions {
    pub(super) fn new(request: &CompletionRequest, logprobs: Option<usize>) -> Self {
        Self {
            logprobs,
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
    tokenizer: Tokenizer,
    options: ChoiceOptions,
    /// Counts the characters of generated ids.
    decoder: StreamDecoder,
    /// Number of characters before the next id.
    characters: usize,
    /// The prompt, until it is sent.
    echo: Option<EchoedPrompt>,
    /// What belongs to ids whose text has not been sent yet.
    unsent: Unsent,
}

/// What waits for text to be sent with.
#[derive(Debug, Default)]
struct Unsent {
    scores: CompletionLogprobs,
    ids: Vec<u32>,
    id_scores: Vec<(f32, u32)>,
}

impl ChoiceState {
    pub(super) fn new(
        tokenizer: &Tokenizer,
        request: &GenerateRequest,
        echo: Option<EchoedPrompt>,
        options: ChoiceOptions,
    ) -> Self {
        let decoder = request.decoder(tokenizer);
        let tokenizer = tokenizer.clone();
        Self { tokenizer, options, decoder, characters: 0, echo, unsent: Unsent::default() }
    }

    /// The piece that an output gives; none while no text is certain. Its index is 0.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    pub(super) fn push(&mut self, output: Output) -> Result<Option<CompletionChoice>> {
        let (text, end) = match output {
            Output::Prompt(scores) => (self.prompt(scores), None),
            Output::Pieces(pieces) => {
                // An echo whose prompt was not scored.
                let mut text = self.prompt(Vec::new());
                for piece in pieces {
                    self.piece(&piece);
                    text += &piece.text;
                }
                (text, None)
            }
            Output::Finished(finished) => {
                let reason = finish_reason(&finished.end)?;
                (self.prompt(Vec::new()) + &finished.rest, Some((reason, finished)))
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
    fn prompt(&mut self, scores: Vec<Option<TokenScores>>) -> String {
        let Some(prompt) = self.echo.take() else { return String::new() };
        if self.options.logprobs.is_some() {
            for ((id, offset), score) in prompt.ids.iter().zip(prompt.offsets(&self.tokenizer)).zip(scores) {
                self.score(*id, offset, score.as_ref());
            }
        }
        self.characters = prompt.text.chars().count();
        prompt.text
    }

    fn piece(&mut self, piece: &Piece) {
        self.unsent.ids.push(piece.id.0);
        let Some(scores) = &piece.scores else { return };
        self.unsent.id_scores.push((scores.chosen.logprob, piece.id.0));
        if self.options.logprobs.is_some() {
            let offset = self.characters;
            self.characters += self.decoder.push(piece.id).chars().count();
            self.score(piece.id, offset, Some(scores));
        }
    }

    fn score(&mut self, id: TokenId, offset: usize, scores: Option<&TokenScores>) {
        let unsent = &mut self.unsent.scores;
        unsent.tokens.push(token_text(&self.tokenizer, id));
        unsent.text_offset.push(offset);
        unsent.token_logprobs.push(scores.map(|scores| scores.chosen.logprob));
        if self.options.logprobs.is_some_and(|count| count > 0) {
            let tops = unsent.top_logprobs.get_or_insert_default();
            tops.push(scores.map(|scores| top(&self.tokenizer, scores)));
        }
    }

    /// What has been waiting for text, as far as it was asked for.
    fn take(&mut self) -> CompletionChoice {
        let Unsent { mut scores, ids, id_scores } = std::mem::take(&mut self.unsent);
        if self.options.logprobs.is_some_and(|count| count > 0) {
            // Without ids it is an empty list: null would say that nothing was asked for.
            scores.top_logprobs.get_or_insert_default();
        }
        CompletionChoice {
            logprobs: self.options.logprobs.map(|_| scores),
            output_ids: self.options.token_ids.then_some(ids),
            output_token_logprobs: self.options.token_logprobs.then_some(id_scores),
            ..CompletionChoice::default()
        }
    }
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
