//! [`RopeScaling`]: how rotary positions are stretched; the formulas are in `rope/mod.rs`.

use serde::{Deserialize, Serialize};

/// How rotary positions are stretched beyond the trained length.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", tag = "type")]
#[non_exhaustive]
pub enum RopeScaling {
    /// Positions are used as they are.
    #[default]
    None,
    /// Positions are divided by `factor`.
    Linear {
        /// The divisor of positions, greater than 0.
        factor: f64,
    },
    /// Dynamic NTK: beyond `max_position` the base grows with the length of the sequence.
    Dynamic {
        /// The factor `s` of the formula, >= 1.
        factor: f64,
    },
    /// YaRN (Peng et al., 2023): fast frequencies stay, slow ones are interpolated, attention is sharpened.
    Yarn {
        /// How much longer the context is than the one trained first, >= 1.
        factor: f64,
        /// Context length trained first, in tokens; without it `max_position`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        original_max_position: Option<usize>,
        /// Factor of cosines and sines; without it `0.1 ln(factor) + 1`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attention_factor: Option<f64>,
        /// Rotations over the first context above which a frequency stays. Default 32.
        #[serde(default = "default_beta_fast")]
        beta_fast: f64,
        /// Rotations below which a frequency is interpolated fully. Default 1.
        #[serde(default = "default_beta_slow")]
        beta_slow: f64,
    },
}

impl RopeScaling {
    /// The factor; `None` without scaling.
    #[must_use]
    pub const fn factor(self) -> Option<f64> {
        match self {
            Self::None => None,
            Self::Linear { factor } | Self::Dynamic { factor } | Self::Yarn { factor, .. } => Some(factor),
        }
    }
}

const fn default_beta_fast() -> f64 {
    32.0
}

const fn default_beta_slow() -> f64 {
    1.0
}
