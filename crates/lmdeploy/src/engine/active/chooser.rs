//! [`Chooser`]: the row of logits after a text -> the next id, by the rules and the grammar of one request.
//!
//! In this order: logit bias, bad words and the minimum length, grammar, penalties; then temperature, top-k, top-p and
//! min-p. Without rules and grammar a row is read where it is, or only its largest entries are. With them it is copied
//! once, into memory that the thread keeps for the rows after it.

use std::cell::RefCell;

use internlm_model::TokenId;
use internlm_model::sampling::{SamplingConfig, sample_best, sample_row};

use crate::decode::{Grammar, GrammarState, RepetitionStop, RowRules, forbid};
use crate::engine::{GenerateRequest, Row};

/// Why a sequence without rules has no next id.
const NO_NUMBERS: &str = "the logits are not numbers";
/// Why a sequence with rules has no next id.
const NOTHING_ALLOWED: &str =
    "no token is allowed: logit_bias, bad_words, min_new_tokens and the grammar forbid all";
/// The executor gave less than the request asks for; the runner checks it before.
const PARTIAL_ROW: &str = "found the largest entries of a row, expected all of it";

thread_local! {
    /// The row that the rules are applied to.
    static CHANGED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Chooses the ids of one request.
pub(super) struct Chooser {
    sampling: SamplingConfig,
    rules: RowRules,
    guide: Option<Guide>,
    repetition: Option<RepetitionStop>,
    /// Ids that end the text, which they cannot before it has `min_new` ids.
    stop_ids: Vec<TokenId>,
    min_new: usize,
    /// Length of the prompt.
    prompt: usize,
    /// Number of ids that the tokenizer knows; the padding of a row is never chosen.
    known_ids: usize,
}

/// A grammar on its way through the text.
struct Guide {
    state: GrammarState,
    /// Whether the mask for the next id has been computed.
    prepared: bool,
}

/// Whether the text continues after an id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Course {
    /// More ids may follow.
    Continues,
    /// The grammar is complete, or the text repeats itself.
    Ends,
}

impl Chooser {
    /// Chooses among the first `known_ids` ids.
    pub(super) fn new(request: &GenerateRequest, known_ids: usize) -> Self {
        let prompt = request.prompt.len();
        let guide = |grammar: &Grammar| Guide { state: grammar.start(), prepared: false };
        Self {
            sampling: request.sampling.clone(),
            rules: RowRules::new(request.rules.clone(), request.sampling.repetition_penalty, prompt),
            guide: request.grammar.as_ref().map(guide),
            repetition: RepetitionStop::new(&request.rules),
            stop_ids: if request.min_new > 0 { request.stop_ids.clone() } else { Vec::new() },
            min_new: request.min_new,
            prompt,
            known_ids,
        }
    }

    /// Whether [`Chooser::prepare`] has something to do.
    pub(super) fn prepares(&self) -> bool {
        self.guide.as_ref().is_some_and(|guide| !guide.prepared)
    }

    /// Computes ahead which ids the grammar allows next.
    pub(super) fn prepare(&mut self) {
        if let Some(guide) = self.guide.as_mut().filter(|guide| !guide.prepared) {
            guide.state.prepare();
            guide.prepared = true;
        }
    }

    /// The id after `history`, or why it does not exist. A full row and its largest entries give the same id.
    ///
    /// # Shapes
    /// - row: `[vocab]`, or its largest entries
    /// - history: all ids of the text, prompt included
    pub(super) fn choose(&mut self, row: Row<'_>, history: &[TokenId]) -> Result<TokenId, String> {
        let position = self.generated(history) as u64;
        let changes = self.changes_rows(history);
        let chosen = match row {
            Row::Full(row) => {
                let row = &row[..row.len().min(self.known_ids)];
                if changes {
                    CHANGED.with_borrow_mut(|changed| {
                        changed.clear();
                        changed.extend_from_slice(row);
                        self.change(changed, history);
                        sample_row(changed, &self.sampling, position)
                    })
                } else {
                    sample_row(row, &self.sampling, position)
                }
            }
            Row::Top(_) if changes => return Err(PARTIAL_ROW.to_owned()),
            Row::Top(entries) if entries.iter().all(|(id, _)| id.index() < self.known_ids) => {
                sample_best(entries, &self.sampling, position)
            }
            Row::Top(entries) => {
                let known = entries.iter().copied().filter(|(id, _)| id.index() < self.known_ids);
                sample_best(&known.collect::<Vec<_>>(), &self.sampling, position)
            }
        };
        chosen.ok_or_else(|| if changes { NOTHING_ALLOWED } else { NO_NUMBERS }.to_owned())
    }

    /// Whether the grammar, where there is one, allows an id next that the row does not decide.
    pub(super) fn allows(&mut self, id: TokenId) -> bool {
        self.guide.as_mut().is_none_or(|guide| guide.state.allows(id))
    }

    /// Takes the id that was chosen after `history` and is part of the text.
    ///
    /// # Errors
    /// The grammar does not allow it, in the grammar's words.
    pub(super) fn accept(&mut self, id: TokenId, history: &[TokenId]) -> Result<Course, String> {
        let generated = &history[self.prompt.min(history.len())..];
        let repeats = self.repetition.as_mut().is_some_and(|repetition| repetition.push(generated, id));
        if repeats && generated.len() + 1 >= self.min_new {
            return Ok(Course::Ends);
        }
        let Some(guide) = &mut self.guide else { return Ok(Course::Continues) };
        guide.state.accept(id)?;
        guide.prepared = false;
        Ok(if guide.state.is_finished() { Course::Ends } else { Course::Continues })
    }

    /// Number of ids in the text that are not the prompt's.
    fn generated(&self, history: &[TokenId]) -> usize {
        history.len().saturating_sub(self.prompt)
    }

    /// Whether the next id is chosen from anything but the row as it is.
    fn changes_rows(&self, history: &[TokenId]) -> bool {
        self.guide.is_some() || self.rules.changes_logits() || self.generated(history) < self.min_new
    }

    /// Applies everything that comes before the temperature.
    fn change(&mut self, row: &mut [f32], history: &[TokenId]) {
        self.rules.bias(row, history);
        if self.generated(history) < self.min_new {
            self.stop_ids.iter().for_each(|id| forbid(row, *id));
        }
        if let Some(guide) = &mut self.guide {
            guide.state.allow(row);
        }
        self.rules.penalize(row, history);
    }
}
