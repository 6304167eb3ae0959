//! [`RopeScaling`]: how rotary positions are stretched; the formulas are in `rope/mod.rs`.

use serde::{Deserialize, Serialize};

/// How rotary positions are stretched beyond the trained length.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
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
    /// Llama 3.1: frequencies with short waves stay, those with long ones are divided by `factor`, with a smooth
    /// transition in between.
    Llama3 {
        /// The divisor of the slow frequencies, >= 1.
        factor: f64,
        /// Waves longer than `original_max_position / low_freq_factor` are slow.
        low_freq_factor: f64,
        /// Waves shorter than `original_max_position / high_freq_factor` are fast; greater than `low_freq_factor`.
        high_freq_factor: f64,
        /// Context length trained first, in tokens.
        original_max_position: usize,
    },
    /// LongRoPE (Ding et al., 2024): every frequency has a divisor of its own, in sequences longer than
    /// `original_max_position` another one than in shorter ones. The factors of a GGUF file's `rope_freqs.weight` are
    /// both at once.
    #[serde(rename = "longrope")]
    LongRope {
        /// Divisors of the frequencies in sequences up to `original_max_position`, one for each of `head_dim / 2`.
        short_factor: Vec<f64>,
        /// Divisors in longer sequences.
        long_factor: Vec<f64>,
        /// Context length trained first, in tokens.
        original_max_position: usize,
        /// Factor of cosines and sines; 1 leaves them alone.
        attention_factor: f64,
    },
}

impl RopeScaling {
    /// The name in config files and messages: `llama3`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Linear { .. } => "linear",
            Self::Dynamic { .. } => "dynamic",
            Self::Yarn { .. } => "yarn",
            Self::Llama3 { .. } => "llama3",
            Self::LongRope { .. } => "longrope",
        }
    }

    /// The factor; `None` without scaling and for scaling by a list of factors.
    #[must_use]
    pub const fn factor(&self) -> Option<f64> {
        match self {
            Self::None | Self::LongRope { .. } => None,
            Self::Linear { factor }
            | Self::Dynamic { factor }
            | Self::Yarn { factor, .. }
            | Self::Llama3 { factor, .. } => Some(*factor),
        }
    }

    /// The attention factor of LongRoPE for a context that is `factor` times as long as the one trained first:
    /// `sqrt(1 + ln factor / ln original_max_position)`.
    #[must_use]
    pub fn longrope_attention(factor: f64, original_max_position: usize) -> f64 {
        if factor <= 1.0 {
            return 1.0;
        }
        (1.0 + factor.ln() / (original_max_position as f64).ln()).sqrt()
    }

    /// Everything about the numbers that does not fit together, for heads of `head_dim` dimensions.
    pub(super) fn problems(&self, head_dim: usize) -> Vec<String> {
        let positive = |value: &f64| *value > 0.0 && value.is_finite();
        let mut problems = Vec::new();
        if let Some(factor) = self.factor().filter(|factor| !positive(factor)) {
            problems.push(format!("rope-scaling factor: found {factor}, expected > 0"));
        }
        match self {
            Self::None | Self::Linear { .. } | Self::Dynamic { .. } => {}
            Self::Yarn { original_max_position, attention_factor, beta_fast, beta_slow, .. } => {
                let numbers = [*beta_fast, *beta_slow, attention_factor.unwrap_or(1.0)];
                if !numbers.iter().all(positive) || *original_max_position == Some(0) {
                    problems.push(format!("rope-scaling: found {self:?}, expected numbers > 0"));
                }
            }
            Self::Llama3 { low_freq_factor, high_freq_factor, original_max_position, .. } => {
                let ordered = positive(low_freq_factor)
                    && high_freq_factor > low_freq_factor
                    && high_freq_factor.is_finite();
                if !ordered || *original_max_position == 0 {
                    let expected = "expected numbers > 0 and a high-freq-factor above the low-freq-factor";
                    problems.push(format!("rope-scaling: found {self:?}, {expected}"));
                }
            }
            Self::LongRope { short_factor, long_factor, original_max_position, attention_factor } => {
                for (key, list) in [("short", short_factor), ("long", long_factor)] {
                    if list.len() != head_dim / 2 || !list.iter().all(positive) {
                        let found = format!("{} numbers ({list:?})", list.len());
                        let expected = format!("expected {} numbers > 0, half of head-dim", head_dim / 2);
                        problems.push(format!("rope-scaling {key}-factor: found {found}, {expected}"));
                    }
                }
                // The default attention factor divides by the logarithm of the length.
                if *original_max_position < 2 || !positive(attention_factor) {
                    let found = format!("{original_max_position} and {attention_factor}");
                    let expected = "expected a length above 1 and a factor > 0";
                    problems.push(format!(
                        "rope-scaling original-max-position and attention-factor: found {found}, {expected}"
                    ));
                }
            }
        }
        problems
    }
}

const fn default_beta_fast() -> f64 {
    32.0
}

const fn default_beta_slow() -> f64 {
    1.0
}
