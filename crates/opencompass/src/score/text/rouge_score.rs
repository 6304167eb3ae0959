//! ROUGE of Google's package `rouge_score`, as Hugging Face's metric calls it: English words without a stemmer, F-measure.
//!
//! Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use super::lcs::{self, Numbering, Prefer};

/// The names of the measures, in upstream's order.
pub(in crate::score) const MEASURES: [&str; 4] = ["rouge1", "rouge2", "rougeL", "rougeLsum"];

/// Returns the F-measures of [`MEASURES`], from 0 to 1, the best one over the references for each.
pub(in crate::score) fn best_measures(prediction: &str, references: &[String]) -> [f64; 4] {
    let mut best = [0.0_f64; 4];
    for reference in references {
        for (best, found) in best.iter_mut().zip(measures(prediction, reference)) {
            *best = best.max(found);
        }
    }
    best
}

/// Returns the F-measures of [`MEASURES`] for one reference.
pub(in crate::score) fn measures(prediction: &str, reference: &str) -> [f64; 4] {
    let (prediction, reference) = (prediction.to_lowercase(), reference.to_lowercase());
    let mut numbering = Numbering::default();
    let (ours, theirs) = (sentences(&prediction, &mut numbering), sentences(&reference, &mut numbering));
    let (flat, flat_reference) = (ours.concat(), theirs.concat());
    let longest = lcs::length(&flat_reference, &flat);
    let sum = match (ours.len(), theirs.len()) {
        // The union of one subsequence is that subsequence.
        (1, 1) => longest,
        _ => union_hits(&ours, &theirs),
    };
    [
        ngram_measure(&flat, &flat_reference, 1),
        ngram_measure(&flat, &flat_reference, 2),
        f_measure(longest, flat.len(), flat_reference.len()),
        f_measure(sum, flat.len(), flat_reference.len()),
    ]
}

/// The words of each line as numbers: runs of ASCII letters and digits. Empty lines are left out.
fn sentences<'a>(text: &'a str, numbering: &mut Numbering<'a>) -> Vec<Vec<u32>> {
    let lines = text.split('\n').filter(|line| !line.is_empty());
    let is_word = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    lines
        .map(|line| numbering.of(line.split(|letter: char| !is_word(letter)).filter(|word| !word.is_empty())))
        .collect()
}

fn ngram_measure(prediction: &[u32], reference: &[u32], size: usize) -> f64 {
    let (ours, theirs) = (counted(prediction.windows(size)), counted(reference.windows(size)));
    let same = ours.iter().map(|(ngram, count)| (*count).min(theirs.get(ngram).copied().unwrap_or(0))).sum();
    f_measure(same, (prediction.len() + 1).saturating_sub(size), (reference.len() + 1).saturating_sub(size))
}

fn counted<K: Eq + Hash>(elements: impl Iterator<Item = K>) -> HashMap<K, usize> {
    let mut counts = HashMap::new();
    for element in elements {
        *counts.entry(element).or_default() += 1;
    }
    counts
}

/// The F-measure of a number of hits among so many predicted and expected.
fn f_measure(hits: usize, predicted: usize, expected: usize) -> f64 {
    // An empty side counts as one element: `max(count, 1)` for n-grams, and 0 hits otherwise.
    let precision = hits as f64 / predicted.max(1) as f64;
    let recall = hits as f64 / expected.max(1) as f64;
    if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
}

/// The hits of ROUGE-Lsum: per reference sentence the union of its longest common subsequences with all predicted
/// sentences, every word at most as often as both texts have it.
fn union_hits(ours: &[Vec<u32>], theirs: &[Vec<u32>]) -> usize {
    let mut left = counted(ours.iter().flatten().copied());
    let mut left_reference = counted(theirs.iter().flatten().copied());
    let mut hits = 0;
    for sentence in theirs {
        let places = ours.iter().flat_map(|ours| lcs::places(sentence, ours, Prefer::One));
        let union: BTreeSet<usize> = places.collect();
        for place in union {
            let word = sentence[place];
            let (Some(ours), Some(theirs)) = (left.get_mut(&word), left_reference.get_mut(&word)) else {
                continue;
            };
            if *ours > 0 && *theirs > 0 {
                hits += 1;
                *ours -= 1;
                *theirs -= 1;
            }
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_those_of_the_package() {
        for (prediction, reference, expected) in [
            ("the cat sat", "the cat sat", [1.0, 1.0, 1.0, 1.0]),
            (
                "the cat\nsat on the mat",
                "on the mat\nthe cat sat",
                [1.0, 0.8000000000000002, 0.5, 0.8333333333333334],
            ),
            (
                "a b a b\nc d a",
                "a a b\nb c d d",
                [0.8571428571428571, 0.5, 0.7142857142857143, 0.8571428571428571],
            ),
            ("", "a", [0.0, 0.0, 0.0, 0.0]),
            ("A-1, b", "a 1 B\n\nc", [0.8571428571428571, 0.8, 0.8571428571428571, 0.8571428571428571]),
            ("...", "x", [0.0, 0.0, 0.0, 0.0]),
        ] {
            let found = measures(prediction, reference);
            for (found, expected) in found.iter().zip::<[f64; 4]>(expected) {
                assert!((found - expected).abs() < 1e-12, "{prediction:?} {reference:?}: {found} {expected}");
            }
        }
    }

    #[test]
    fn the_best_reference_counts() {
        let references = ["x y".to_owned(), "a b".to_owned()];
        assert_eq!(best_measures("a b", &references), [1.0; 4]);
        assert_eq!(best_measures("a b", &[]), [0.0; 4]);
    }
}
