//! [`RepetitionDetection`]: vLLM's way to end a text that repeats itself.

use serde::{Deserialize, Serialize};

use super::whole::whole;

/// Which patterns of ids end a text when they are repeated at its end, one right after the other.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct RepetitionDetection {
    /// Maximum number of ids in a pattern; 0, the default, turns the detection off.
    #[serde(deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_pattern_size: Option<u32>,
    /// Minimum number of ids in a pattern. Default, and the meaning of 0: 1.
    #[serde(deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub min_pattern_size: Option<u32>,
    /// How many times a pattern must be there to end the text, at least 2.
    #[serde(deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub min_count: Option<u32>,
}
