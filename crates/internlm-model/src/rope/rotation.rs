//! [`Rope`]: the rotation of one model, its frequencies and angles; the formulas are in the module's documentation.

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
            scaling: config.rope_scaling,
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

    /// Cosines and sines of positions, `[positions, d / 2]` each, for one base.
    ///
    /// Angles are rounded to f32 as in the reference: at position 2000 that is worth 1e-4 radians.
    #[must_use]
    pub fn angles(&self, base: f64, positions: Range<usize>) -> (Vec<f32>, Vec<f32>) {
        let frequencies = self.inverse_frequencies(base);
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

    fn inverse_frequencies(&self, base: f64) -> Vec<f32> {
        let d = self.head_dim as f64;
        let frequencies = (0..self.head_dim / 2).map(|i| 1.0 / base.powf(2.0 * i as f64 / d) as f32);
        let RopeScaling::Yarn { factor, original_max_position, beta_fast, beta_slow, .. } = self.scaling
        else {
            return frequencies.collect();
        };
        let length = original_max_position.unwrap_or(self.max_position) as f64;
        // The index of the frequency that turns `rotations` times over the first context.
        let index =
            |rotations: f64| d * (length / (rotations * 2.0 * std::f64::consts::PI)).ln() / (2.0 * base.ln());
        let low = index(beta_fast).floor().max(0.0);
        let high = index(beta_slow).ceil().min(d - 1.0).max(low + 0.001);
        let blend = frequencies.enumerate().map(|(i, frequency)| {
            let slow = ((i as f64 - low) / (high - low)).clamp(0.0, 1.0) as f32;
            frequency / factor as f32 * slow + frequency * (1.0 - slow)
        });
        blend.collect()
    }

    /// What cosines and sines are multiplied by.
    fn attention_factor(&self) -> f32 {
        match self.scaling {
            RopeScaling::Yarn { factor, attention_factor, .. } => {
                attention_factor.unwrap_or(0.1 * factor.max(1.0).ln() + 1.0) as f32
            }
            _ => 1.0,
        }
    }
}
