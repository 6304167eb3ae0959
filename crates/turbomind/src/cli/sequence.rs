//! [`Sequence`]: one sequence of tokens on an engine of its own, and probabilities from logits.

use std::ops::Range;

use crate::{Engine, Error, LogitsWanted, Outputs, Result, SeqStep, Want};

/// A sequence that owns all blocks of an engine.
pub(super) struct Sequence {
    blocks: Vec<u32>,
    /// Tokens whose keys and values are stored.
    length: usize,
    outputs: Outputs,
}

impl Sequence {
    /// An empty sequence.
    pub(super) fn new(engine: &Engine) -> Self {
        let blocks = (0..engine.kv_config().blocks as u32).collect();
        Self { blocks, length: 0, outputs: Outputs::default() }
    }

    /// Runs one pass over `tokens`, part of `whole` tokens that are known; gives the logits, `[rows, vocab]`.
    pub(super) fn feed(
        &mut self,
        engine: &mut Engine,
        tokens: &[u32],
        whole: usize,
        logits: LogitsWanted,
    ) -> Result<&[f32]> {
        let (position, blocks) = (self.length, &self.blocks[..]);
        let step = SeqStep { tokens, position, rope_len: whole, blocks, logits };
        engine.forward(&[step], Want::Logits, &mut self.outputs)?;
        if let Some(fault) = self.outputs.non_finite.first() {
            return Err(Error::NonFinite { layer: fault.layer, sequence: fault.sequence });
        }
        self.length += tokens.len();
        Ok(&self.outputs.logits)
    }

    /// Starts again.
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }
}

/// The parts of `0..length` in pieces of at most `chunk`.
pub(super) fn pieces(length: usize, chunk: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length).step_by(chunk).map(move |start| start..(start + chunk).min(length))
}

/// Logarithm of the sum of the exponentials of a row of logits.
pub(super) fn log_sum_exp(logits: &[f32]) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
    f64::from(largest) + sum.ln()
}

/// The `count` best entries of a row of logits, best first, of equal ones the lower id.
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
