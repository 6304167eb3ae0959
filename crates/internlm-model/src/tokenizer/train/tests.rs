//! The trainer against byte-pair encoding by its definition: count every pair anew, merge the most frequent one.

use proptest::prelude::*;

use super::*;

/// The first `rounds` merges, spelled out, of words that occur as often as `counts` says.
fn naive(counts: &BTreeMap<Vec<u8>, u64>, rounds: usize, min_frequency: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut tokens: Vec<Vec<u8>> = (0..=255_u8).map(|byte| vec![byte]).collect();
    let mut words: Vec<Vec<usize>> =
        counts.keys().map(|word| word.iter().map(|&byte| usize::from(byte)).collect()).collect();
    let mut merges = Vec::new();
    while merges.len() < rounds {
        let mut pairs: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for (word, count) in words.iter().zip(counts.values()) {
            for pair in word.windows(2) {
                *pairs.entry((pair[0], pair[1])).or_default() += count;
            }
        }
        let best = pairs.iter().max_by_key(|(pair, count)| (**count, Reverse(**pair)));
        let Some((&(left, right), &count)) = best else { break };
        if count < min_frequency.max(1) {
            break;
        }
        let bytes = [&tokens[left][..], &tokens[right]].concat();
        let new = tokens.iter().position(|token| *token == bytes).unwrap_or(tokens.len());
        if new == tokens.len() {
            tokens.push(bytes);
        }
        merges.push((tokens[left].clone(), tokens[right].clone()));
        for word in &mut words {
            *word = merged(word, left, right, new);
        }
    }
    merges
}

/// The word with `new` instead of `left` and `right`, from left to right.
fn merged(word: &[usize], left: usize, right: usize, new: usize) -> Vec<usize> {
    let mut merged: Vec<usize> = Vec::new();
    for &token in word {
        if token == right && merged.last() == Some(&left) {
            merged.pop();
            merged.push(new);
        } else {
            merged.push(token);
        }
    }
    merged
}

proptest! {
    #[test]
    fn merges_are_those_of_the_definition(
        // Three letters: runs, overlapping pairs and ties are frequent.
        counts in prop::collection::btree_map(prop::collection::vec(97_u8..100, 1..9), 1_u64..6, 1..20),
        rounds in 1_usize..40, min_frequency in 0_u64..4,
    ) {
        let mut trainer = Trainer::new(counts.clone());
        while trainer.merges.len() < rounds && trainer.merge_next(min_frequency) {}
        let spelled = |id: u32| trainer.tokens[id as usize].clone();
        let found: Vec<_> = trainer.merges.iter().map(|&(left, right)| (spelled(left), spelled(right))).collect();
        prop_assert_eq!(found, naive(&counts, rounds, min_frequency));
    }
}
