//! `votek`: rows that many others are near to, spread over the set; the same for every question (`VotekRetriever`).
//!
//! Paper: <https://arxiv.org/abs/2209.01975>. Upstream fills up with rows that it draws without a seed; here the seed is
//! that of the dataset.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::Mt19937;
use super::vectors::{product, unit};

/// Number of neighbors that every row votes for, upstream's default.
const NEIGHBORS: usize = 3;

/// Chooses `count` rows.
pub(super) fn votek(train: &[Vec<f32>], count: usize, seed: u32) -> Vec<usize> {
    let votes = votes(train);
    let mut chosen: Vec<usize> = Vec::new();
    for (place, (row, voters)) in votes.iter().enumerate() {
        if chosen.len() >= count {
            break;
        }
        // Upstream compares with all rows before, chosen or not.
        let covered = votes[..place].iter().any(|(_, earlier)| voters.is_subset(earlier));
        if !covered {
            chosen.push(*row);
        }
    }
    if chosen.len() < count {
        let rest: Vec<usize> = (0..train.len()).filter(|row| !chosen.contains(row)).collect();
        let drawn = Mt19937::new(seed).choice(rest.len(), count - chosen.len());
        chosen.extend(drawn.into_iter().map(|place| rest[place]));
    }
    chosen
}

/// The rows with those who voted for them, the most popular first.
fn votes(train: &[Vec<f32>]) -> Vec<(usize, BTreeSet<usize>)> {
    let units: Vec<Vec<f32>> = train.iter().map(|vector| unit(vector)).collect();
    let mut votes: IndexMap<usize, BTreeSet<usize>> = IndexMap::new();
    for (row, vector) in units.iter().enumerate() {
        let likeness: Vec<f64> = units.iter().map(|other| product(other, vector)).collect();
        let mut order: Vec<usize> = (0..units.len()).collect();
        order.sort_by(|a, b| likeness[*a].total_cmp(&likeness[*b]));
        // The last one is the row itself.
        let end = order.len().saturating_sub(1);
        for other in &order[end.saturating_sub(NEIGHBORS)..end] {
            if *other != row {
                votes.entry(*other).or_default().insert(row);
            }
        }
    }
    let mut votes: Vec<(usize, BTreeSet<usize>)> = votes.into_iter().collect();
    votes.sort_by_key(|(_, voters)| std::cmp::Reverse(voters.len()));
    votes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popular_rows_that_others_do_not_cover_are_chosen() {
        let train: Vec<Vec<f32>> =
            (0_u8..8).map(|row| vec![1.0, f32::from(row / 4) * 9.0 + f32::from(row % 4) * 0.1]).collect();
        let found = votek(&train, 3, 1);
        assert_eq!(found.len(), 3);
        assert_eq!(found, votek(&train, 3, 1));
        let different: BTreeSet<&usize> = found.iter().collect();
        assert_eq!(different.len(), 3);
        // A single row has no neighbors and is drawn.
        assert_eq!(votek(&train[..1], 1, 1), [0]);
        assert!(votek(&[], 1, 1).is_empty());
    }
}
