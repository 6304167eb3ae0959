//! [`Rope`]: the rotation of one model, its frequencies and angles; the formulas are in the module's documentation.

use std::f64::consts::TAU;
use std::ops::Range;

use crate::config::{ModelConfig, RopeScaling};

/// Computes rotation tables for packed rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    theta: f64,
    scaling: RopeScaling,
    max_position: usize,
    pub(super) head_dim: usize,
}

impl Rope {
    /// The rotation of a model.
    #[must_use]
    pub fn new(config: &ModelConfig) -> Self {
        Self {
            theta: config.rope_theta,
            scaling: config.rope_scaling.clone(),
            max_position: config.max_position,
            head_dim: config.head_dim,
        }
    }

    /// The base for a sequence of `keys` keys.
    #[must_use]
    pub fn base(&self, keys: usize) -> f64 {
        match self.scaling {
            RopeScaling::Dynamic { factor } if keys > self.max_position => {
                let ratio = factor * keys as f64 / self.max_position as f64 - (factor - 1.0);
                let d = self.head_dim as f64;
                self.theta * ratio.powf(d / (d - 2.0))
            }
            _ => self.theta,
        }
    }

    /// Whether sequences of `a` and of `b` keys are rotated with the same frequencies.
    #[must_use]
    pub fn shares_frequencies(&self, a: usize, b: usize) -> bool {
        self.base(a) == self.base(b) && self.is_long(a) == self.is_long(b)
    }

    /// Cosines and sines of positions, `[positions, d / 2]` each, in a sequence of `keys` keys.
    ///
    /// Angles are rounded to f32 as in the reference: at position 2000 that is worth 1e-4 radians.
    #[must_use]
    pub fn angles(&self, keys: usize, positions: Range<usize>) -> (Vec<f32>, Vec<f32>) {
        let frequencies = self.inverse_frequencies(keys);
        let scale = self.attention_factor();
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for position in positions {
            let position = self.scaled_position(position);
            cos.extend(frequencies.iter().map(|frequency| scale * (position * frequency).cos()));
            sin.extend(frequencies.iter().map(|frequency| scale * (position * frequency).sin()));
        }
        (cos, sin)
    }

    fn scaled_position(&self, position: usize) -> f32 {
        match self.scaling {
            RopeScaling::Linear { factor } => position as f32 / factor as f32,
            _ => position as f32,
        }
    }

    /// Whether a sequence has outgrown the context that LongRoPE's short factors are for.
    fn is_long(&self, keys: usize) -> bool {
        match self.scaling {
            RopeScaling::LongRope { original_max_position, .. } => keys > original_max_position,
            _ => false,
        }
    }

    /// Angle per position of each pair of dimensions in a sequence of `keys` keys, `[d / 2]`.
    pub(crate) fn inverse_frequencies(&self, keys: usize) -> Vec<f32> {
        let (base, d) = (self.base(keys), self.head_dim as f64);
        // Every step is rounded to f32 in the order of transformers: an angle is as exact as its frequency's last bit.
        let powers = (0..self.head_dim / 2).map(|i| base.powf(2.0 * i as f64 / d) as f32);
        let plain = powers.clone().map(|power| 1.0 / power);
        match &self.scaling {
            RopeScaling::None | RopeScaling::Linear { .. } | RopeScaling::Dynamic { .. } => plain.collect(),
            RopeScaling::Yarn { factor, original_max_position, beta_fast, beta_slow, .. } => {
                let length = original_max_position.unwrap_or(self.max_position) as f64;
                // The index of the frequency that turns `rotations` times over the first context.
                let index = |rotations: f64| d * (length / (rotations * TAU)).ln() / (2.0 * base.ln());
                let low = index(*beta_fast).floor().max(0.0);
                let high = index(*beta_slow).ceil().min(d - 1.0).max(low + 0.001);
                let slow = |i: usize| ((i as f64 - low) / (high - low)).clamp(0.0, 1.0) as f32;
                let blended = powers.enumerate().map(|(i, power)| {
                    let (stretched, slow) = (1.0 / (*factor as f32 * power), slow(i));
                    stretched * slow + 1.0 / power * (1.0 - slow)
                });
                blended.collect()
            }
            RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position } => {
                let blended = plain.map(|frequency| {
                    let waves = *original_max_position as f64 * f64::from(frequency) / TAU;
                    let fast = (waves - low_freq_factor) / (high_freq_factor - low_freq_factor);
                    blend(frequency, *factor, 1.0 - fast.clamp(0.0, 1.0) as f32)
                });
                blended.collect()
            }
            RopeScaling::LongRope { short_factor, long_factor, .. } => {
                let factors = if self.is_long(keys) { long_factor } else { short_factor };
                powers.zip(factors).map(|(power, factor)| 1.0 / (*factor as f32 * power)).collect()
            }
        }
    }

    /// What cosines and sines are multiplied by.
    fn attention_factor(&self) -> f32 {
        match self.scaling {
            RopeScaling::Yarn { factor, attention_factor, .. } => {
                attention_factor.unwrap_or(0.1 * factor.max(1.0).ln() + 1.0) as f32
            }
            RopeScaling::LongRope { attention_factor, .. } => attention_factor as f32,
            _ => 1.0,
        }
    }
}

/// A frequency of which the share `slow` is divided by the factor.
fn blend(frequency: f32, factor: f64, slow: f32) -> f32 {
    frequency / factor as f32 * slow + frequency * (1.0 - slow)
}
