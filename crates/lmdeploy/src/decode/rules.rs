//! [`LogitRules`]: what a request changes in rows of logits before an id is sampled from them, and [`RowRules`], which
//! does so for one sequence.

use internlm_model::TokenId;
use internlm_model::sampling::penalized;

use super::RepeatedPattern;

/// What a request changes in the rows of logits, and which repetitions end its text. The default changes nothing.
///
/// In this order, before temperature, top-k, top-p and min-p: `bias`, `bad_words`, the grammar, the penalties. The
/// repetition penalty is in [`SamplingConfig`](internlm_model::sampling::SamplingConfig): it weakens what is in the prompt
/// or generated, and comes before the other two penalties, which count generated ids alone (as in vLLM).
///
/// ```
/// use internlm_model::TokenId;
/// use lmdeploy::engine::LogitRules;
///
/// let rules = LogitRules::default().with_bias([(TokenId(7), -100.0)]).with_presence_penalty(0.5);
/// assert!(rules.changes_logits());
/// assert!(!LogitRules::default().with_ngram_stop(4, 8).changes_logits());
/// assert!(LogitRules::default().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LogitRules {
    /// Numbers that are added to the logits of ids, as `logit_bias` of the OpenAI API.
    pub bias: Vec<(TokenId, f32)>,
    /// Words as ids. The last id of a word is never sampled where the ids before it end the text, prompt included.
    pub bad_words: Vec<Vec<TokenId>>,
    /// The only ids that may be sampled, ascending; empty: all of them.
    pub allowed: Vec<TokenId>,
    /// Subtracted from the logits of all ids that were generated before.
    pub presence_penalty: f32,
    /// Subtracted from the logits of generated ids as many times as they were generated.
    pub frequency_penalty: f32,
    /// Number of ids in the n-grams whose repetition ends the text; 0: none does.
    pub ngram_size: usize,
    /// The text ends when its last n-gram has been generated this many times, overlaps included; 0: it does not.
    pub ngram_threshold: usize,
    /// Patterns whose repetition at the end of the text ends it. Default: none do.
    pub pattern: Option<RepeatedPattern>,
}

impl LogitRules {
    /// Sets the numbers that are added to the logits of ids.
    #[must_use]
    pub fn with_bias(self, bias: impl IntoIterator<Item = (TokenId, f32)>) -> Self {
        Self { bias: bias.into_iter().collect(), ..self }
    }

    /// Sets the words, as ids, that the text does not contain.
    #[must_use]
    pub fn with_bad_words(self, bad_words: impl IntoIterator<Item = Vec<TokenId>>) -> Self {
        Self { bad_words: bad_words.into_iter().collect(), ..self }
    }

    /// Sets the only ids that may be sampled; without any, all may.
    #[must_use]
    pub fn with_allowed(self, allowed: impl IntoIterator<Item = TokenId>) -> Self {
        let mut allowed: Vec<TokenId> = allowed.into_iter().collect();
        allowed.sort_unstable();
        allowed.dedup();
        Self { allowed, ..self }
    }

    /// Sets what is subtracted from the logits of ids that were generated before.
    #[must_use]
    pub fn with_presence_penalty(self, presence_penalty: f32) -> Self {
        Self { presence_penalty, ..self }
    }

    /// Sets what is subtracted from the logits of ids for each time they were generated.
    #[must_use]
    pub fn with_frequency_penalty(self, frequency_penalty: f32) -> Self {
        Self { frequency_penalty, ..self }
    }

    /// Ends the text when its last `size` ids have been generated `threshold` times in this order.
    #[must_use]
    pub fn with_ngram_stop(self, size: usize, threshold: usize) -> Self {
        Self { ngram_size: size, ngram_threshold: threshold, ..self }
    }

    /// Ends the text when a pattern is repeated at its end.
    #[must_use]
    pub fn with_pattern_stop(self, pattern: RepeatedPattern) -> Self {
        Self { pattern: Some(pattern), ..self }
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.changes_logits() && !self.stops_repetitions()
    }

    /// Whether any logit may be changed, for which the whole row is needed. Repetitions that end the text need none.
    #[must_use]
    pub fn changes_logits(&self) -> bool {
        !self.bias.is_empty()
            || self.bad_words.iter().any(|word| !word.is_empty())
            || !self.allowed.is_empty()
            || self.presence_penalty != 0.0
            || self.frequency_penalty != 0.0
    }

    /// Whether repetitions end the text.
    #[must_use]
    pub fn stops_repetitions(&self) -> bool {
        (self.ngram_size > 0 && self.ngram_threshold > 0) || self.pattern.is_some()
    }
}

/// Applies the rules of one request to its rows. Every id of the text is counted once, however long the text becomes.
#[derive(Clone, Debug)]
pub(crate) struct RowRules {
    rules: LogitRules,
    repetition_penalty: f32,
    /// Length of the prompt, whose ids are not generated.
    prompt: usize,
    /// The ids of the text, ascending, each with how many times it was generated.
    seen: Vec<(TokenId, u32)>,
    /// How many ids of the text have been counted.
    counted: usize,
}

impl RowRules {
    /// Rules for a text that begins with `prompt` ids which were not generated.
    pub(crate) fn new(rules: LogitRules, repetition_penalty: f32, prompt: usize) -> Self {
        Self { rules, repetition_penalty, prompt, seen: Vec::new(), counted: 0 }
    }

    /// Whether any logit may be changed.
    pub(crate) fn changes_logits(&self) -> bool {
        self.rules.changes_logits() || self.repetition_penalty != 1.0
    }

    /// Adds the bias and forbids the last ids of bad words, and ids that are not allowed. Ids outside of the row are
    /// ignored.
    ///
    /// # Shapes
    /// - row: `[vocab]`
    /// - history: all ids of the text, prompt included
    pub(crate) fn bias(&self, row: &mut [f32], history: &[TokenId]) {
        for (id, bias) in &self.rules.bias {
            if let Some(logit) = row.get_mut(id.index()) {
                *logit += bias;
            }
        }
        for word in &self.rules.bad_words {
            if let Some((last, before)) = word.split_last()
                && history.ends_with(before)
            {
                forbid(row, *last);
            }
        }
        if !self.rules.allowed.is_empty() {
            let mut allowed = self.rules.allowed.iter().map(|id| id.index()).peekable();
            for (id, logit) in row.iter_mut().enumerate() {
                if allowed.next_if_eq(&id).is_none() {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
    }

    /// Applies the penalties: repetition, then frequency and presence.
    ///
    /// # Shapes
    /// - row: `[vocab]`
    /// - history: all ids of the text, prompt included; it continues the one of the call before
    pub(crate) fn penalize(&mut self, row: &mut [f32], history: &[TokenId]) {
        let LogitRules { presence_penalty, frequency_penalty, .. } = self.rules;
        let repetition_penalty = self.repetition_penalty;
        if (presence_penalty, frequency_penalty, repetition_penalty) == (0.0, 0.0, 1.0) {
            return;
        }
        self.count(history);
        for (id, generated) in &self.seen {
            let Some(logit) = row.get_mut(id.index()) else { continue };
            if repetition_penalty != 1.0 {
                *logit = penalized(*logit, repetition_penalty);
            }
            if *generated > 0 {
                *logit -= frequency_penalty * *generated as f32 + presence_penalty;
            }
        }
    }

    /// Counts the ids that have been added to the text since the last call.
    fn count(&mut self, history: &[TokenId]) {
        for (place, id) in history.iter().enumerate().skip(self.counted) {
            let index = self.seen.binary_search_by_key(id, |entry| entry.0).unwrap_or_else(|index| {
                self.seen.insert(index, (*id, 0));
                index
            });
            self.seen[index].1 += u32::from(place >= self.prompt);
        }
        self.counted = history.len();
    }
}

/// Makes sure that `id` is not sampled.
pub(crate) fn forbid(row: &mut [f32], id: TokenId) {
    if let Some(logit) = row.get_mut(id.index()) {
        *logit = f32::NEG_INFINITY;
    }
}

#[cfg(test)]
mod tests;
