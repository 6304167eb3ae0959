//! What the failure of a member means, for the kinds of teams that can do without an answer.

use serde::{Deserialize, Serialize};

/// What the failure of one member means for the team.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The team fails for the same reason.
    #[default]
    Fail,
    /// The others continue without the answer. The team fails only when no member answers.
    Skip,
}
