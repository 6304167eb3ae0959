//! `random`: examples are drawn anew for every question (`RandomRetriever`).

use super::Mt19937;

/// Draws `count` of `train` rows for each of `test` rows, one row after the other.
pub(super) fn random(train: usize, test: usize, count: usize, seed: u32) -> Vec<Vec<usize>> {
    let mut rng = Mt19937::new(seed);
    (0..test).map(|_| rng.choice(train, count)).collect()
}
