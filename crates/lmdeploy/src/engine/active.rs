//! One request on the engine thread: from its rows of logits to its next id, text and scores, or from its hidden states to
//! a vector.

mod chooser;
mod embedding;
mod stopwatch;
mod thinking;

use internlm_model::tokenizer::{Special, StreamDecoder};
use internlm_model::{TokenId, Tokenizer};

use self::chooser::{Chooser, Course};
use self::embedding::Embedding;
use self::stopwatch::Stopwatch;
use self::thinking::Thinking;
use super::mailbox::Mailbox;
use super::{End, Finished, GenerateRequest, LogitsWanted, Piece, Row, SequencePart, StepResult, StopCause};
use crate::decode::{StopMatcher, StopText, TokenScores, is_broken, named_scores, scores};

/// What the engine thread keeps of one request; the scheduler keeps its ids and blocks.
pub(super) struct Active {
    request: GenerateRequest,
    tokenizer: Option<Tokenizer>,
    decoder: Option<StreamDecoder>,
    chooser: Chooser,
    thinking: Option<Thinking>,
    stops: StopMatcher,
    mailbox: Mailbox,
    /// The sampled id, which is sent once the scheduler has confirmed it.
    next: Option<Piece>,
    prompt_scores: Vec<Option<TokenScores>>,
    embedding: Option<Embedding>,
    watch: Stopwatch,
    /// Number of ids that the scheduler has confirmed.
    generated: usize,
    /// Number of them that were sent: an id that ends the text is not, unless it is part of it.
    sent: usize,
    /// Number of the prompt's tokens that came from the prefix cache.
    cached: usize,
    /// Number of ids that the tokenizer knows; the padding of a row is neither chosen nor scored.
    known_ids: usize,
}

impl Active {
    pub(super) fn new(request: GenerateRequest, tokenizer: Option<&Tokenizer>, mailbox: Mailbox) -> Self {
        let known_ids = tokenizer.map_or(usize::MAX, Tokenizer::vocab_size);
        let shown = if request.include_stop { StopText::Shown } else { StopText::Hidden };
        let thinking = request.thinking.as_ref().zip(tokenizer);
        let prompt_scores = match request.prompt_logprobs {
            Some(_) => vec![None; request.prompt.len()],
            None => Vec::new(),
        };
        Self {
            tokenizer: tokenizer.cloned(),
            decoder: tokenizer.map(|tokenizer| request.decoder(tokenizer)),
            chooser: Chooser::new(&request, known_ids),
            thinking: thinking.map(|(budget, tokenizer)| Thinking::new(budget, tokenizer)),
            embedding: request.pooling.map(Embedding::new),
            stops: StopMatcher::new(request.stop.clone(), shown),
            request,
            mailbox,
            next: None,
            prompt_scores,
            watch: Stopwatch::default(),
            generated: 0,
            sent: 0,
            cached: 0,
            known_ids,
        }
    }

    /// Notes how many of the prompt's tokens came from the prefix cache, when the request begins to run.
    pub(super) fn set_cached(&mut self, tokens: usize) {
        self.cached = tokens;
        self.watch.begin();
    }

    /// Whether [`Active::prepare`] has something to do.
    pub(super) fn prepares(&self) -> bool {
        self.chooser.prepares()
    }

    /// Computes what the next id needs and the logits do not decide, while the logits are computed.
    pub(super) fn prepare(&mut self) {
        self.chooser.prepare();
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
        if rows.iter().any(|row| row.full().is_some_and(is_broken)) {
            return StepResult::Failed("the logits are not numbers".to_owned());
        }
        if step.logits == LogitsWanted::All {
            self.score_prompt(step, rows);
        }
        let last = step.position + step.tokens.len() == history.len();
        match rows.last() {
            Some(row) if last && self.request.max_new > 0 => {
                self.sample(*row, history).unwrap_or_else(StepResult::Failed)
            }
            _ => StepResult::Computed,
        }
    }

    /// Takes the hidden states of this request's part of a step.
    ///
    /// # Shapes
    /// - rows: `step.hidden_rows()` rows
    pub(super) fn take_hidden(&mut self, step: &SequencePart, rows: &[&[f32]]) -> StepResult {
        if rows.iter().any(|row| row.iter().any(|value| !value.is_finite())) {
            return StepResult::Failed("the hidden states are not numbers".to_owned());
        }
        if let Some(embedding) = &mut self.embedding {
            // They are those of the last tokens of the part.
            embedding.take(step.position + step.tokens.len() - rows.len(), rows);
        }
        StepResult::Computed
    }

    fn sample(&mut self, row: Row<'_>, history: &[TokenId]) -> Result<StepResult, String> {
        let forced = self.thinking.as_ref().and_then(Thinking::forced);
        // Inside of a character a grammar allows nothing but the rest of it.
        let id = match forced.filter(|id| self.chooser.allows(*id)) {
            Some(id) => id,
            None => self.chooser.choose(row, history)?,
        };
        let is_end = self.request.stop_ids.contains(&id);
        if is_end && !self.request.include_stop {
            // There is no piece: the end itself names the id.
            self.next = None;
            return Ok(StepResult::Sampled(id));
        }
        // A grammar does not know the id that ends the text.
        let course = if is_end { Course::Continues } else { self.chooser.accept(id, history)? };
        let (mut text, stopped) = self.text(id, history);
        if course == Course::Ends && !stopped {
            text += &self.rest(self.generated + 1);
        }
        let scores = self.request.logprobs.zip(row.full()).map(|(top, row)| self.scores(row, id, top));
        self.next = Some(Piece { id, text, scores });
        let ends = stopped || course == Course::Ends;
        Ok(if ends { StepResult::Stopped(id) } else { StepResult::Sampled(id) })
    }

    /// The text that becomes certain with the id after `history`, and whether a stop string is complete.
    fn text(&mut self, id: TokenId, history: &[TokenId]) -> (String, bool) {
        let text = match (&mut self.decoder, &mut self.thinking) {
            (Some(decoder), Some(thinking)) => thinking.decode(decoder, id, history),
            (Some(decoder), None) => decoder.push(id),
            (None, _) => String::new(),
        };
        // A stop string cannot span a token without text: what was held back comes before it.
        let hidden = self.request.special == Special::Skip && self.is_special(id);
        if hidden || !self.looks_for_stops(self.generated + 1) {
            (self.stops.finish() + &text, false)
        } else {
            self.stops.push(&text)
        }
    }

    /// Whether stop strings are looked for in the text of generated id number `number`, counted from 1.
    fn looks_for_stops(&self, number: usize) -> bool {
        number > self.request.min_new
    }

    fn is_special(&self, id: TokenId) -> bool {
        self.tokenizer.as_ref().is_some_and(|tokenizer| tokenizer.is_special(id))
    }

    /// The scores of a generated id, with those of the `top` most likely ids or of the ids that the request names.
    fn scores(&self, row: &[f32], id: TokenId, top: usize) -> TokenScores {
        match self.request.score_ids.as_slice() {
            [] => scores(self.known(row), id, top),
            named => named_scores(self.known(row), id, named),
        }
    }

    /// The row without its padding.
    fn known<'a>(&self, row: &'a [f32]) -> &'a [f32] {
        &row[..row.len().min(self.known_ids)]
    }

    /// The row at position p scores the prompt's id at p + 1; the scores are sent when the last one is there.
    fn score_prompt(&mut self, step: &SequencePart, rows: &[Row<'_>]) {
        let top = self.request.prompt_logprobs.unwrap_or(0);
        for (row, place) in rows.iter().filter_map(|row| row.full()).zip(step.position + 1..) {
            let row = self.known(row);
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
        self.watch.token();
        if let Some(piece) = self.next.take() {
            self.sent += 1;
            self.mailbox.piece(piece);
        }
    }

    /// Sends the end; gives the number of generated tokens for the gauges, with the one that ended the text.
    pub(super) fn finish(mut self, end: End) -> usize {
        let by_text = end == End::Stop(StopCause::Text);
        // An id that was sampled and not confirmed is not part of the answer, and what is held back may be its text.
        let unconfirmed = self.next.is_some();
        let rest = match &end {
            // What is held back comes after the stop string, or belongs to an answer that nobody reads.
            End::Stop(StopCause::Text) | End::Error(_) => String::new(),
            End::Abort(_) if unconfirmed => String::new(),
            End::Stop(_) | End::Length | End::Abort(_) => self.rest(self.generated),
        };
        let prompt_tokens = self.request.prompt.len();
        self.mailbox.finish(Finished {
            end,
            rest,
            prompt_tokens,
            generated_tokens: self.sent,
            cached_tokens: self.cached,
            stop_string: self.stops.found().filter(|_| by_text).map(str::to_owned),
            times: self.watch.times(),
            embedding: self.embedding.and_then(|embedding| embedding.vector(prompt_tokens)),
        });
        self.generated
    }

    /// Text that was held back because more might have followed the id of this number.
    fn rest(&mut self, number: usize) -> String {
        let last = self.decoder.as_mut().map(StreamDecoder::finish).unwrap_or_default();
        if !self.looks_for_stops(number) {
            return self.stops.finish() + &last;
        }
        let (mut text, stopped) = self.stops.push(&last);
        if !stopped {
            text += &self.stops.finish();
        }
        text
    }
}
