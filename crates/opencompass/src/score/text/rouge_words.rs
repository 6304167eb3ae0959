//! ROUGE of the packages `rouge-chinese` 1.0.3 and `rouge` 1.0.1, which read words between spaces. Both add 1e-8 to the
//! denominator of the F-measure.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use super::lcs::{self, Numbering, Prefer};
use super::words::{built_in, is_space, single_spaced};

/// The F-measures of rouge-chinese.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::score) struct ChineseRouge {
    /// F-measure of the sets of words.
    pub(in crate::score) rouge1: f64,
    /// F-measure of the sets of pairs of words.
    pub(in crate::score) rouge2: f64,
    /// F-measure of the longest common subsequence.
    pub(in crate::score) rouge_l: f64,
}

static SENTENCE_ENDS: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    [
        (built_in(r"([。！？?])([^”’])"), "${1}\n${2}"),
        (built_in(r"(\.{6})([^”’])"), "${1}\n${2}"),
        (built_in(r"(…{2})([^”’])"), "${1}\n${2}"),
        (built_in(r"([。！？?][”’])([^，。！？?])"), "${1}\n${2}"),
    ]
});

/// Computes the measures of rouge-chinese for texts with spaces between their words. `None` if a side has no sentence,
/// which is an error upstream.
pub(in crate::score) fn chinese(prediction: &str, reference: &str) -> Option<ChineseRouge> {
    let (prediction, reference) = (chinese_sentences(prediction), chinese_sentences(reference));
    if prediction.is_empty() || reference.is_empty() {
        return None;
    }
    let mut numbering = Numbering::default();
    let ours = numbering.of(prediction.iter().flat_map(|sentence| sentence.split(' ')));
    let theirs = numbering.of(reference.iter().flat_map(|sentence| sentence.split(' ')));
    Some(ChineseRouge {
        rouge1: set_measure(&ours, &theirs, 1),
        rouge2: set_measure(&ours, &theirs, 2),
        rouge_l: f_measure(lcs::length(&theirs, &ours), ours.len(), theirs.len()),
    })
}

/// Divides a text at the marks that end a sentence.
fn chinese_sentences(text: &str) -> Vec<String> {
    let has_end = text.contains(['。', '！', '？', '?', '…', '.', '\n']);
    let mut divided = text.to_owned();
    if has_end {
        for (end, replacement) in SENTENCE_ENDS.iter() {
            divided = end.replace_all(&divided, *replacement).into_owned();
        }
    }
    let lines = divided.trim_end_matches(is_space).split('\n');
    lines.filter(|line| !line.is_empty()).map(single_spaced).collect()
}

fn set_measure(ours: &[u32], theirs: &[u32], size: usize) -> f64 {
    let ours: HashSet<&[u32]> = ours.windows(size).collect();
    let theirs: HashSet<&[u32]> = theirs.windows(size).collect();
    f_measure(ours.intersection(&theirs).count(), ours.len(), theirs.len())
}

fn f_measure(hits: usize, predicted: usize, expected: usize) -> f64 {
    let share = |count: usize| if count == 0 { 0.0 } else { hits as f64 / count as f64 };
    let (precision, recall) = (share(predicted), share(expected));
    2.0 * ((precision * recall) / (precision + recall + 1e-8))
}

/// ROUGE-L of the package `rouge`: the union of the longest common subsequences of all pairs of sentences as a set of
/// words, against the sets of words of both sides. `None` if a side has no sentence, which is an error upstream.
///
/// Upstream finds the subsequence by recursion and fails where Python's stack ends, at about 1,000 words; here it is
/// found for texts of every length.
pub(in crate::score) fn rouge_l(prediction: &str, reference: &str) -> Option<f64> {
    let (prediction, reference) = (dot_sentences(prediction), dot_sentences(reference));
    if prediction.is_empty() || reference.is_empty() {
        return None;
    }
    let mut numbering = Numbering::default();
    let ours: Vec<Vec<u32>> = prediction.iter().map(|sentence| numbering.of(sentence.split(' '))).collect();
    let theirs: Vec<Vec<u32>> = reference.iter().map(|sentence| numbering.of(sentence.split(' '))).collect();
    let mut union = BTreeSet::new();
    for sentence in &theirs {
        for other in &ours {
            union
                .extend(lcs::places(sentence, other, Prefer::Other).into_iter().map(|place| sentence[place]));
        }
    }
    let different = |sentences: &[Vec<u32>]| sentences.iter().flatten().collect::<HashSet<_>>().len();
    Some(f_measure(union.len(), different(&ours), different(&theirs)))
}

/// Divides a text at every full stop.
fn dot_sentences(text: &str) -> Vec<String> {
    text.split('.').filter(|sentence| !sentence.is_empty()).map(single_spaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_measures_are_those_of_the_package() {
        for (prediction, reference, [rouge1, rouge2, rouge_l]) in [
            (
                "我 来到 北京 。 他 也 来 了",
                "他 来到 了 北京 。 我 也 来 了",
                [0.999999995, 0.3999999950222222, 0.7058823479584776],
            ),
            ("一 一 二", "一 二 二 三", [0.7999999952000001, 0.39999999520000007, 0.5714285665306124]),
            ("x", "y", [0.0, 0.0, 0.0]),
            (
                "a ？ b …… c ...... d 。”e",
                "a ？ b …… c ...... d 。”e f",
                [0.9473684160664821, 0.9411764656055364, 0.9473684160664821],
            ),
        ] {
            let found = chinese(prediction, reference).expect("sentences");
            let pairs = [(found.rouge1, rouge1), (found.rouge2, rouge2), (found.rouge_l, rouge_l)];
            for (found, expected) in pairs {
                let difference: f64 = found - expected;
                assert!(difference.abs() < 1e-12, "{prediction:?} {reference:?}: {found} {expected}");
            }
        }
        assert_eq!(chinese("", "一"), None);
    }

    #[test]
    fn rouge_l_is_that_of_the_package() {
        for (prediction, reference, expected) in [
            ("the cat sat on the mat. it was red", "the mat was red. the cat sat", 0.8571428522448981),
            ("a b a c", "a c b a", 0.6666666616666668),
            (" . a", "a . b", 0.4999999950000001),
            ("x", "y", 0.0),
        ] {
            let found: f64 = rouge_l(prediction, reference).expect("sentences");
            assert!((found - expected).abs() < 1e-12, "{prediction:?} {reference:?}: {found} {expected}");
        }
        assert_eq!(rouge_l("...", "a"), None);
    }
}
