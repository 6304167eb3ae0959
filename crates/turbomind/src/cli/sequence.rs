//! [`Sequence`]: one sequence of tokens that has an engine to itself, and probabilities from logits.

use std::ops::Range;

use crate::{Engine, Error, LogitEntries, LogitRows, Outputs, Result, SeqStep};

/// A sequence that owns all blocks of an engine.
pub(super) struct Sequence {
    blocks: Vec<u32>,
    /// Number of tokens whose keys and values are stored.
    length: usize,
    outputs: Outputs,
}

impl Sequence {
    /// An empty sequence that may use every block of the engine.
    pub(super) fn new(engine: &Engine) -> Self {
        let blocks = (0..engine.kv_config().blocks as u32).collect();
        Self { blocks, length: 0, outputs: Outputs::default() }
    }

    /// Runs one pass over `tokens`, part of `whole` tokens that are known; returns the logits, `[rows, vocab]`.
    pub(super) fn feed(
        &mut self,
        engine: &mut Engine,
        tokens: &[u32],
        whole: usize,
        rows: LogitRows,
    ) -> Result<&[f32]> {
        let step = SeqStep::new(tokens, self.length, &self.blocks).with_rope_len(whole).with_logits(rows);
        engine.forward(&[step], LogitEntries::All, &mut self.outputs)?;
        if let Some(fault) = self.outputs.non_finite.first() {
            return Err(Error::NonFinite { layer: fault.layer, sequence: fault.sequence });
        }
        self.length += tokens.len();
        Ok(&self.outputs.logits)
    }

    /// Forgets all tokens.
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }
}

/// Cuts `0..length` into pieces of at most `chunk`.
pub(super) fn pieces(length: usize, chunk: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length).step_by(chunk).map(move |start| start..(start + chunk).min(length))
}

/// Computes the logarithm of the sum of the exponentials of a row of logits.
pub(super) fn log_sum_exp(logits: &[f32]) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
    f64::from(largest) + sum.ln()
}

/// The `count` best entries of a row of logits, best first; among equal logits the lower id comes first.
pub(super) fn best(logits: &[f32], count: usize) -> Vec<u32> {
    let mut ids: Vec<u32> = (0..logits.len() as u32).collect();
    let order = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
    if count < ids.len() {
        ids.select_nth_unstable_by(count, order);
        ids.truncate(count);
    }
    ids.sort_unstable_by(order);
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_entries_are_in_order() {
        let logits = [0.5, 2.0, -1.0, 2.0, 1.0];
        assert_eq!(best(&logits, 3), [1, 3, 4]);
        assert_eq!(best(&logits, 9), [1, 3, 4, 0, 2]);
        assert!(best(&logits, 0).is_empty());
    }

    #[test]
    fn probabilities_of_large_logits_stay_finite() {
        let sum = log_sum_exp(&[1000.0, 1000.0]);
        assert!((sum - 1000.0 - 2.0_f64.ln()).abs() < 1e-12, "{sum}");
    }

    #[test]
    fn pieces_cover_everything_once() {
        assert_eq!(pieces(7, 3).collect::<Vec<_>>(), [0..3, 3..6, 6..7]);
        assert_eq!(pieces(0, 3).count(), 0);
    }
}
