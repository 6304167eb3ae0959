//! One request on the engine thread: from its rows of logits to its next id, text and scores.

use internlm_model::sampling::{sample, sample_best};
use internlm_model::tokenizer::{Special, StreamDecoder};
use internlm_model::{TokenId, Tokenizer};

use super::mailbox::Mailbox;
use super::{End, Finished, GenerateRequest, LogitsWanted, Piece, Row, SequencePart, StepResult, StopCause};
use crate::decode::{StopMatcher, TokenScores, has_nan, scores};

/// What the engine thread keeps of one request; the scheduler keeps its ids and blocks.
pub(super) struct Active {
    request: GenerateRequest,
    tokenizer: Option<Tokenizer>,
    decoder: Option<StreamDecoder>,
    stops: StopMatcher,
    mailbox: Mailbox,
    /// The sampled id, which is sent once the scheduler has confirmed it.
    next: Option<Piece>,
    prompt_scores: Vec<Option<TokenScores>>,
    generated: usize,
    /// Number of ids that the tokenizer knows; the padding of a row is never chosen.
    known_ids: usize,
}

/// Numbers of tokens of a request that has ended.
pub(super) struct TokenCounts {
    pub(super) prompt: usize,
    pub(super) generated: usize,
}

impl Active {
    pub(super) fn new(request: GenerateRequest, tokenizer: Option<&Tokenizer>, mailbox: Mailbox) -> Self {
        let known_ids = tokenizer.map_or(usize::MAX, Tokenizer::vocab_size);
        let decoder = tokenizer.map(|tokenizer| request.decoder(tokenizer));
        let stops = StopMatcher::new(request.stop.clone());
        let prompt_scores = match request.prompt_logprobs {
            Some(_) => vec![None; request.prompt.len()],
            None => Vec::new(),
        };
        let tokenizer = tokenizer.cloned();
        Self {
            request,
            tokenizer,
            decoder,
            stops,
            mailbox,
            next: None,
            prompt_scores,
            generated: 0,
            known_ids,
        }
    }

    /// Takes the rows of this request's part of a step: scores the prompt, or samples the next id.
    ///
    /// # Shapes
    /// - rows: `step.rows()` rows
    /// - history: all known ids, which end with those of the step unless more of the prompt follows
    pub(super) fn take_rows(
        &mut self,
        step: &SequencePart,
        rows: &[Row<'_>],
        history: &[TokenId],
    ) -> StepResult {
        if rows.iter().any(|row| row.full().is_some_and(has_nan)) {
            return StepResult::Failed("the logits are not numbers".to_owned());
        }
        if step.logits == LogitsWanted::All {
            self.score_prompt(step, rows);
        }
        let last = step.position + step.tokens.len() == history.len();
        match rows.last() {
            Some(row) if last && self.request.max_new > 0 => self.sample(*row, history),
            _ => StepResult::Computed,
        }
    }

    fn sample(&mut self, row: Row<'_>, history: &[TokenId]) -> StepResult {
        let Some(id) = self.choose(row, history) else {
            return StepResult::Failed("the logits are not numbers".to_owned());
        };
        if self.request.stop_ids.contains(&id) {
            // There is no piece: the end itself names the id.
            self.next = None;
            return StepResult::Sampled(id);
        }
        let text = self.decoder.as_mut().map(|decoder| decoder.push(id)).unwrap_or_default();
        let (text, stopped) = match self.request.special {
            // A stop string cannot span a token without text: what was held back comes before it.
            Special::Skip if self.is_special(id) => (self.stops.finish() + &text, false),
            _ => self.stops.push(&text),
        };
        let scores = self.request.logprobs.zip(row.full()).map(|(top, row)| scores(row, id, top));
        self.next = Some(Piece { id, text, scores });
        if stopped { StepResult::Stopped(id) } else { StepResult::Sampled(id) }
    }

    /// The next id; none when no entry is a number. A full row and its largest entries give the same id.
    fn choose(&self, row: Row<'_>, history: &[TokenId]) -> Option<TokenId> {
        let (sampling, position) = (&self.request.sampling, self.generated as u64);
        match row {
            Row::Full(row) => {
                Some(sample(&row[..row.len().min(self.known_ids)], history, sampling, position))
            }
            Row::Top(entries) if entries.iter().all(|(id, _)| id.index() < self.known_ids) => {
                sample_best(entries, sampling, position)
            }
            Row::Top(entries) => {
                let known = entries.iter().copied().filter(|(id, _)| id.index() < self.known_ids);
                sample_best(&known.collect::<Vec<_>>(), sampling, position)
            }
        }
    }

    fn is_special(&self, id: TokenId) -> bool {
        self.tokenizer.as_ref().is_some_and(|tokenizer| tokenizer.is_special(id))
    }

    /// The row at position p scores the prompt's id at p + 1; the scores are sent when the last one is there.
    fn score_prompt(&mut self, step: &SequencePart, rows: &[Row<'_>]) {
        let top = self.request.prompt_logprobs.unwrap_or(0);
        for (row, place) in rows.iter().filter_map(|row| row.full()).zip(step.position + 1..) {
            if let (Some(id), Some(slot)) =
                (self.request.prompt.get(place), self.prompt_scores.get_mut(place))
            {
                *slot = Some(scores(row, *id, top));
            }
        }
        if step.position + step.tokens.len() >= self.request.prompt.len() && !self.prompt_scores.is_empty() {
            self.mailbox.prompt(std::mem::take(&mut self.prompt_scores));
        }
    }

    /// Sends the sampled id, which the scheduler has now confirmed.
    pub(super) fn confirm(&mut self) {
        self.generated += 1;
        if let Some(piece) = self.next.take() {
            self.mailbox.piece(piece);
        }
    }

    /// Sends the end; gives the numbers of tokens for the gauges.
    pub(super) fn finish(mut self, end: End) -> TokenCounts {
        let rest = match &end {
            // What is held back now is the stop string itself, or part of an answer that nobody reads.
            End::Stop(StopCause::Text) | End::Abort(_) | End::Error(_) => String::new(),
            End::Stop(_) | End::Length => self.rest(),
        };
        let (prompt_tokens, generated_tokens) = (self.request.prompt.len(), self.generated);
        self.mailbox.finish(Finished { end, rest, prompt_tokens, generated_tokens });
        TokenCounts { prompt: prompt_tokens, generated: generated_tokens }
    }

    /// Text that was held back because more might have followed.
    fn rest(&mut self) -> String {
        let last = self.decoder.as_mut().map(StreamDecoder::finish).unwrap_or_default();
        let (mut text, stopped) = self.stops.push(&last);
        if !stopped {
            text += &self.stops.finish();
        }
        text
    }
}
