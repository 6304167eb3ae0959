//! [`TruncationSide`]: which end of a prompt is cut off.

use serde::{Deserialize, Serialize};

/// Which end of a prompt that is too long is cut off.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TruncationSide {
    /// The beginning: the last tokens are kept.
    #[default]
    Left,
    /// The end: the first tokens are kept.
    Right,
}
