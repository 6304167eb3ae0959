//! [`Recompute`]: memory of one layer instead of all of them, for one more forward pass (Chen et al., "Training Deep Nets
//! with Sublinear Memory Cost", 2016).

use serde::{Deserialize, Serialize};

/// What the forward pass of training keeps for the backward pass. The results are equal bit for bit on the CPU.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recompute {
    /// Everything that is needed; the default.
    #[default]
    None,
    /// The input of each layer; the rest is computed again, which takes about a third more time.
    Layers,
}

impl Recompute {
    /// Whether everything is kept: what a config does not write.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}
