//! [`RepeatedPattern`]: which repetitions at the end of a text end it, and [`PatternStop`], which finds them.

use internlm_model::TokenId;

/// Patterns of ids that end a text when they are repeated at its end, one right after the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RepeatedPattern {
    /// Minimum number of ids in a pattern, at least 1.
    pub min_size: usize,
    /// Maximum number of ids in a pattern.
    pub max_size: usize,
    /// How many times a pattern must be there to end the text, at least 2.
    pub count: usize,
}

/// Finds the patterns of one generated text as it grows, as vLLM's `check_sequence_repetition` does
/// (`vllm/v1/core/sched/utils.py`).
///
/// The last ids are `count` times a pattern of `size` ids when each of the last `(count - 1) * size` ids is the one that
/// comes `size` places before it. So one number per size is kept: for how many ids in a row that has been true.
#[derive(Clone, Debug)]
pub(super) struct PatternStop {
    pattern: RepeatedPattern,
    /// For each size, the number of last ids that are equal to the ones `size` places before them.
    runs: Vec<usize>,
}

impl PatternStop {
    pub(super) fn new(pattern: RepeatedPattern) -> Self {
        let sizes = pattern.max_size.saturating_add(1).saturating_sub(pattern.min_size);
        Self { pattern, runs: vec![0; sizes] }
    }

    /// Takes the id that was generated after `generated`; says whether a pattern is there often enough to end the text.
    pub(super) fn push(&mut self, generated: &[TokenId], id: TokenId) -> bool {
        let RepeatedPattern { min_size, count, .. } = self.pattern;
        let mut is_found = false;
        for (size, run) in (min_size..).zip(&mut self.runs) {
            let before = generated.len().checked_sub(size).and_then(|place| generated.get(place));
            *run = if before == Some(&id) { *run + 1 } else { 0 };
            is_found |= *run >= size.saturating_mul(count.saturating_sub(1));
        }
        is_found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(ids: &[u32]) -> Vec<TokenId> {
        ids.iter().copied().map(TokenId).collect()
    }

    /// How many ids it takes until the patterns end the text.
    fn length(text: &[TokenId], pattern: RepeatedPattern) -> Option<usize> {
        let mut stop = PatternStop::new(pattern);
        (0..text.len()).find(|place| stop.push(&text[..*place], text[*place])).map(|place| place + 1)
    }

    /// The definition: the end of the text is made of equal pieces.
    fn naive(text: &[TokenId], pattern: RepeatedPattern) -> Option<usize> {
        (1..=text.len()).find(|length| {
            (pattern.min_size..=pattern.max_size).any(|size| {
                let Some(start) = length.checked_sub(size * pattern.count) else { return false };
                let mut pieces = text[start..*length].chunks(size);
                let first = pieces.next();
                pieces.all(|piece| Some(piece) == first)
            })
        })
    }

    #[test]
    fn texts_of_vllms_tests_end_where_a_pattern_repeats() {
        let of = |min_size, max_size, count| RepeatedPattern { min_size, max_size, count };
        assert_eq!(length(&ids(&[1, 2, 3, 1, 2, 3, 1, 2, 3]), of(2, 3, 3)), Some(9));
        assert_eq!(length(&ids(&[1, 2, 3, 1, 2, 3]), of(2, 3, 3)), None);
        assert_eq!(length(&ids(&[1, 2, 1, 2, 1, 2, 1, 2]), of(2, 5, 4)), Some(8));
        assert_eq!(length(&ids(&[1, 2, 3, 4, 5, 6, 7, 8, 9]), of(2, 5, 2)), None);
        assert_eq!(length(&ids(&[1, 2, 9, 1, 2, 9, 9]), of(1, 3, 2)), Some(6));
        assert_eq!(length(&ids(&[7, 1, 2, 7, 1, 2]), of(1, 2, 2)), None, "the pattern is too long");
        assert_eq!(length(&ids(&[7, 7]), of(1, 1, 2)), Some(2));
    }

    proptest! {
        #[test]
        fn a_text_ends_where_the_definition_ends_it(
            text in prop::collection::vec(0_u32..3, 0..40),
            min_size in 1_usize..4,
            more in 0_usize..4,
            count in 2_usize..5,
        ) {
            let pattern = RepeatedPattern { min_size, max_size: min_size + more, count };
            let text = ids(&text);
            prop_assert_eq!(length(&text, pattern), naive(&text, pattern));
        }
    }
}
