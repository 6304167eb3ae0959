//! [`State`]: what a run needs besides tensors to continue.

use serde::{Deserialize, Serialize};

/// The counters of a run after `step` steps. Data order and learning rate are pure functions of the step.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Steps done, skipped ones included.
    pub step: u64,
    /// Updates done: the t of AdamW's bias corrections.
    pub updates: u64,
    /// Steps skipped because loss or gradients were not finite.
    pub skipped: u64,
    /// Of these, the ones in a row up to now.
    pub skipped_in_a_row: u64,
    /// Tokens consumed.
    pub tokens: u64,
    /// Model FLOPs done.
    pub flops: f64,
    /// Seconds of training, over all sessions of the run.
    pub seconds: f64,
    /// Running mean of the loss: the newest step weighs 1/50, or 1/n in the first 50 steps.
    pub loss: f64,
    /// Identifies data and order, see [`crate::RowSource::fingerprint`].
    pub data: String,
    /// The resolved settings of the run, for the comparison when it resumes.
    pub config: serde_json::Value,
}
