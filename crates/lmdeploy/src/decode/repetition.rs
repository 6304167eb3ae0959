//! [`RepetitionStop`]: ends a text that repeats itself, and [`NgramStop`], which counts its n-grams.

use std::collections::HashMap;

use internlm_model::TokenId;

use super::LogitRules;
use super::pattern::PatternStop;

/// Base of the rolling hash: odd, so that no id is lost from it.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// What ends one generated text because of its repetitions.
#[derive(Clone, Debug)]
pub(crate) struct RepetitionStop {
    ngrams: Option<NgramStop>,
    patterns: Option<PatternStop>,
}

impl RepetitionStop {
    /// The rules of a request; none when repetitions do not end its text.
    pub(crate) fn new(rules: &LogitRules) -> Option<Self> {
        let stop = Self { ngrams: NgramStop::new(rules), patterns: rules.pattern.map(PatternStop::new) };
        (stop.ngrams.is_some() || stop.patterns.is_some()).then_some(stop)
    }

    /// Takes the id that was generated after `generated`; says whether the text ends with it.
    pub(crate) fn push(&mut self, generated: &[TokenId], id: TokenId) -> bool {
        let by_ngram = self.ngrams.as_mut().is_some_and(|ngrams| ngrams.push(generated, id));
        let by_pattern = self.patterns.as_mut().is_some_and(|patterns| patterns.push(generated, id));
        by_ngram || by_pattern
    }
}

/// Counts the n-grams of one generated text as it grows, overlapping ones included, as upstream's
/// `_filter_repetition_ngram_` does (`lmdeploy/pytorch/engine/logits_process.py`).
///
/// N-grams are counted by a rolling hash, and compared id by id when a count is reached: an id costs the same however
/// long the text is, and n-grams of equal hash cannot end it.
#[derive(Clone, Debug)]
struct NgramStop {
    size: usize,
    threshold: usize,
    /// Hash of the last `size` ids: `sum of (id + 1) * BASE^k`, where k counts from the end of the text.
    hash: u64,
    /// `BASE^size`
    first: u64,
    counts: HashMap<u64, usize>,
}

impl NgramStop {
    /// The rule of a request; none when n-grams do not end its text.
    fn new(rules: &LogitRules) -> Option<Self> {
        let is_on = rules.ngram_size > 0 && rules.ngram_threshold > 0;
        // No text is longer than a u32 counts.
        let power = u32::try_from(rules.ngram_size).ok().filter(|_| is_on)?;
        Some(Self {
            size: rules.ngram_size,
            threshold: rules.ngram_threshold,
            hash: 0,
            first: BASE.wrapping_pow(power),
            counts: HashMap::new(),
        })
    }

    /// Takes the id that was generated after `generated`; says whether the n-gram that it completes occurs often enough to
    /// end the text.
    fn push(&mut self, generated: &[TokenId], id: TokenId) -> bool {
        self.hash = self.hash.wrapping_mul(BASE).wrapping_add(u64::from(id.0) + 1);
        if let Some(left) = generated.len().checked_sub(self.size) {
            let left = (u64::from(generated[left].0) + 1).wrapping_mul(self.first);
            self.hash = self.hash.wrapping_sub(left);
        }
        if generated.len() + 1 < self.size {
            return false;
        }
        let count = self.counts.entry(self.hash).or_insert(0);
        *count += 1;
        *count >= self.threshold && occurrences(generated, id, self.size) >= self.threshold
    }
}

/// How many times the last `size` ids of a text, which ends with `id` after `generated`, occur in it.
fn occurrences(generated: &[TokenId], id: TokenId, size: usize) -> usize {
    let before = &generated[generated.len() + 1 - size..];
    let is_last = |ngram: &&[TokenId]| ngram.split_last() == Some((&id, before));
    1 + generated.windows(size).filter(is_last).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::RepeatedPattern;

    /// How many ids it takes until the rule ends the text.
    fn length(text: &[TokenId], size: usize, threshold: usize) -> Option<usize> {
        let mut stop = NgramStop::new(&LogitRules::default().with_ngram_stop(size, threshold))?;
        (0..text.len()).find(|place| stop.push(&text[..*place], text[*place])).map(|place| place + 1)
    }

    /// The definition: the last n-gram is looked for in the whole text.
    fn naive(text: &[TokenId], size: usize, threshold: usize) -> Option<usize> {
        (size.max(1)..=text.len()).find(|length| {
            let last = &text[length - size..*length];
            size > 0
                && threshold > 0
                && text[..*length].windows(size).filter(|ngram| *ngram == last).count() >= threshold
        })
    }

    fn ids(ids: &[u32]) -> Vec<TokenId> {
        ids.iter().copied().map(TokenId).collect()
    }

    #[test]
    fn texts_of_upstreams_test_end_where_its_last_ngram_repeats() {
        assert_eq!(length(&ids(&[2, 3, 4, 1, 2, 3, 4, 2, 3, 4]), 3, 3), Some(10));
        assert_eq!(length(&ids(&[9, 8, 7, 3, 8, 7, 5, 9, 8, 7]), 3, 3), None);
        assert_eq!(length(&ids(&[9, 8, 7, 3, 8, 7, 5, 9, 8, 7]), 2, 3), Some(10));
        assert_eq!(length(&ids(&[0; 10]), 3, 3), Some(5), "occurrences may overlap");
    }

    #[test]
    fn a_rule_that_is_off_or_too_long_ends_nothing() {
        for (size, threshold) in [(0, 3), (3, 0), (11, 1), (usize::MAX, 1)] {
            assert_eq!(length(&ids(&[0; 10]), size, threshold), None, "{size} {threshold}");
        }
    }

    #[test]
    fn equal_hashes_of_different_ngrams_do_not_end_a_text() {
        let mut stop = NgramStop::new(&LogitRules::default().with_ngram_stop(2, 2)).expect("a rule");
        let text = ids(&[1, 2, 3]);
        stop.push(&[], text[0]);
        stop.push(&text[..1], text[1]);
        let mut other = stop.clone();
        other.push(&text[..2], text[2]);
        stop.counts.insert(other.hash, 9);
        assert!(!stop.push(&text[..2], text[2]), "[2, 3] occurs once");
    }

    #[test]
    fn either_rule_ends_a_text() {
        let ngrams = LogitRules::default().with_ngram_stop(2, 2);
        let pattern = RepeatedPattern { min_size: 1, max_size: 2, count: 2 };
        let text = ids(&[1, 2, 9, 1, 2, 1, 2]);
        let length = |rules: &LogitRules| {
            let mut stop = RepetitionStop::new(rules)?;
            (0..text.len()).find(|place| stop.push(&text[..*place], text[*place]))
        };
        assert_eq!(length(&ngrams), Some(4));
        assert_eq!(length(&LogitRules::default().with_pattern_stop(pattern)), Some(6));
        assert_eq!(length(&ngrams.with_pattern_stop(pattern)), Some(4));
        assert!(RepetitionStop::new(&LogitRules::default()).is_none());
    }

    proptest! {
        #[test]
        fn a_text_ends_where_the_definition_ends_it(
            text in prop::collection::vec(0_u32..3, 0..60), size in 0_usize..6, threshold in 0_usize..6,
        ) {
            let text = ids(&text);
            prop_assert_eq!(length(&text, size, threshold), naive(&text, size, threshold));
        }
    }
}
