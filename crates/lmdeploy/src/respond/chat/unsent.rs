//! [`Unsent`]: scores and ids that the chunks of a chat answer have not shown yet.

use crate::engine::Piece;
use crate::protocol::{ChatChunkChoice, ChatLogprobs, ChatRequest, TokenLogprob};
use crate::respond::token_names::TokenNames;

/// Scores and ids that wait for a chunk; none: not asked for.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    pub(super) logprobs: Option<Vec<TokenLogprob>>,
    pub(super) ids: Option<Vec<u32>>,
    pub(super) id_logprobs: Option<Vec<(f32, u32)>>,
}

impl Unsent {
    /// What `request` asks for besides log-probabilities in OpenAI's form.
    pub(super) fn new(request: &ChatRequest, logprobs: Option<Vec<TokenLogprob>>) -> Self {
        Self {
            logprobs,
            ids: (request.return_token_ids == Some(true)).then(Vec::new),
            id_logprobs: (request.return_logprob == Some(true)).then(Vec::new),
        }
    }

    pub(super) fn add(&mut self, names: &TokenNames, piece: &Piece) {
        if let Some(ids) = &mut self.ids {
            ids.push(piece.id.0);
        }
        let Some(scores) = &piece.scores else { return };
        if let Some(logprobs) = &mut self.logprobs {
            logprobs.push(names.token_logprob(scores));
        }
        if let Some(logprobs) = &mut self.id_logprobs {
            logprobs.push((scores.chosen.logprob, scores.chosen.id.0));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let has_ids = self.ids.as_ref().is_some_and(|ids| !ids.is_empty());
        let has_logprobs = self.logprobs.as_ref().is_some_and(|logprobs| !logprobs.is_empty());
        !has_ids && !has_logprobs && self.id_logprobs.as_ref().is_none_or(Vec::is_empty)
    }

    /// A piece of the choice with all of it, and with nothing else.
    pub(super) fn take(&mut self) -> ChatChunkChoice {
        let logprobs = self.logprobs.as_mut().map(std::mem::take).filter(|scores| !scores.is_empty());
        let ids = self.ids.as_mut().map(std::mem::take);
        ChatChunkChoice {
            logprobs: logprobs.map(|content| ChatLogprobs { content }),
            output_ids: ids.clone(),
            token_ids: ids,
            output_token_logprobs: self.id_logprobs.as_mut().map(std::mem::take),
            ..ChatChunkChoice::default()
        }
    }
}
