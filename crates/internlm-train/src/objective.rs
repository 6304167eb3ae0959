//! [`Objective`]: losses other than cross entropy, as functions of one number per token.
//!
//! A preference, reward or policy loss is a small function of what the head gives for each token: the log-probability
//! of its label, or the value of a reward model. The trainer computes these numbers and propagates their derivatives; the
//! objective gives the loss and its derivative by each number, on the host, in f64. Nothing of it needs a tensor.

use std::ops::Range;

use crate::{Result, Row};

/// What the head gives for each token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Head {
    /// `log p(label)`, 0 where the token has no label.
    LogProbabilities,
    /// The first output of the head: the value of a reward model or a critic.
    Values,
}

/// Rows of a step that go through the model together.
#[derive(Clone, Debug)]
pub struct Pass<'a> {
    /// Number of the step, from 0.
    pub step: u64,
    /// Which rows of the step these are.
    pub rows: Range<usize>,
    /// The rows, packed end to end.
    pub row: &'a Row,
}

/// The share of one pass in the loss of its step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PassLoss {
    /// Loss of the pass; the step's is the sum over its passes.
    pub loss: f64,
    /// Derivative of the loss by the head's number for each token.
    pub gradient: Vec<f32>,
}

/// A loss of one number per token.
pub trait Objective {
    /// What the head gives for each token.
    fn head(&self) -> Head;

    /// Called before the passes of step `step` (from 0), with all its rows.
    ///
    /// # Errors
    /// Rows that this objective did not make.
    fn prepare(&mut self, _step: u64, _rows: &[Row]) -> Result<()> {
        Ok(())
    }

    /// Loss of a pass and its derivative, from the head's number for each token.
    ///
    /// # Errors
    /// Any error here ends the run.
    fn loss(&mut self, pass: &Pass<'_>, outputs: &[f32]) -> Result<PassLoss>;

    /// Names and values of what the last step measured, for `metrics.jsonl`; over the rows of this rank.
    fn measured(&mut self) -> Vec<(String, f64)> {
        Vec::new()
    }
}
