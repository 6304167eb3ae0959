//! Stretched rotary positions against the formulas of their papers, in f64.

use std::f64::consts::TAU;

use internlm_model::config::RopeScaling;
use internlm_model::rope::Rope;
use internlm_model::{ModelConfig, ModelSize};
use proptest::prelude::*;

const THETA: f64 = 10_000.0;
const MAX_POSITION: usize = 1024;

/// The rotation of one head of `2 * half` values.
fn rope(half: usize, scaling: RopeScaling) -> Rope {
    let size = ModelSize { hidden: 2 * half, layers: 1, heads: 1, inter: 1, vocab: 4 };
    let config = ModelConfig::new(size).with_rope_theta(THETA).with_max_position(MAX_POSITION);
    Rope::new(&config.with_rope_scaling(scaling))
}

/// Radians per position of pair number `pair` of `half`.
fn frequency(base: f64, pair: usize, half: usize) -> f64 {
    base.powf(-(pair as f64) / half as f64)
}

proptest! {
    #[test]
    fn linear_scaling_divides_positions_by_the_factor(
        half in 1_usize..17, position in 0_usize..500, factor in 1.0_f64..16.0,
    ) {
        let rope = rope(half, RopeScaling::Linear { factor });
        let (cos, sin) = rope.angles(position + 1, position..position + 1);
        prop_assert_eq!((cos.len(), sin.len()), (half, half));
        for (pair, (cos, sin)) in cos.iter().zip(&sin).enumerate() {
            let angle = position as f64 / factor * frequency(THETA, pair, half);
            // The angle is rounded to f32: 500 radians to 3e-5.
            prop_assert!((f64::from(*cos) - angle.cos()).abs() < 2e-4, "pair {pair}");
            prop_assert!((f64::from(*sin) - angle.sin()).abs() < 2e-4, "pair {pair}");
        }
    }

    /// What the base of dynamic NTK is made for: the slowest pair turns as if positions were interpolated.
    #[test]
    fn dynamic_scaling_slows_the_last_pair_down_by_the_ratio_of_lengths(
        half in 2_usize..65, keys in MAX_POSITION + 1..100_000, factor in 1.0_f64..8.0,
    ) {
        let base = rope(half, RopeScaling::Dynamic { factor }).base(keys);
        let slower = frequency(THETA, half - 1, half) / frequency(base, half - 1, half);
        let expected = factor * keys as f64 / MAX_POSITION as f64 - (factor - 1.0);
        prop_assert!((slower / expected - 1.0).abs() < 1e-9, "{slower} instead of {expected}");
    }

    #[test]
    fn yarn_keeps_fast_pairs_interpolates_slow_ones_and_scales_by_the_attention_factor(
        half in 2_usize..65, length in 64_usize..5000, factor in 1.0_f64..32.0,
    ) {
        let (beta_fast, beta_slow) = (32.0, 1.0);
        let original_max_position = Some(length);
        let rope = rope(
            half,
            RopeScaling::Yarn { factor, original_max_position, attention_factor: None, beta_fast, beta_slow },
        );
        let (cos, sin) = rope.angles(2, 1..2);
        prop_assert_eq!((cos.len(), sin.len()), (half, half));
        for (pair, (cos, sin)) in cos.iter().zip(&sin).enumerate() {
            let (cos, sin) = (f64::from(*cos), f64::from(*sin));
            prop_assert!((cos.hypot(sin) - (0.1 * factor.ln() + 1.0)).abs() < 1e-5, "pair {pair}");
            let (found, plain) = (sin.atan2(cos), frequency(THETA, pair, half));
            let (least, most) = (plain / factor * (1.0 - 1e-5), plain * (1.0 + 1e-5));
            prop_assert!((least..=most).contains(&found), "pair {pair}: {found} outside of {least} to {most}");
            let rotations = length as f64 * plain / TAU;
            if rotations > beta_fast * 1.001 {
                prop_assert!((found / plain - 1.0).abs() < 1e-5, "pair {pair} is fast");
            }
            if rotations < beta_slow * 0.999 {
                prop_assert!((found * factor / plain - 1.0).abs() < 1e-5, "pair {pair} is slow");
            }
        }
    }

    #[test]
    fn llama3_keeps_short_waves_and_divides_long_ones_by_the_factor(
        half in 2_usize..65, length in 64_usize..9000, factor in 1.0_f64..32.0, low in 0.5_f64..2.0, more in 0.5_f64..8.0,
    ) {
        let (low_freq_factor, high_freq_factor) = (low, low + more);
        let scaling =
            RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position: length };
        let (cos, sin) = rope(half, scaling).angles(2, 1..2);
        for (pair, (cos, sin)) in cos.iter().zip(&sin).enumerate() {
            let (found, plain) = (f64::from(*sin).atan2(f64::from(*cos)), frequency(THETA, pair, half));
            let waves = length as f64 * plain / TAU;
            let (least, most) = (plain / factor * (1.0 - 1e-5), plain * (1.0 + 1e-5));
            prop_assert!((least..=most).contains(&found), "pair {pair}: {found} outside of {least} to {most}");
            if waves > high_freq_factor * 1.001 {
                prop_assert!((found / plain - 1.0).abs() < 1e-5, "pair {pair} is fast");
            }
            if waves < low_freq_factor * 0.999 {
                prop_assert!((found * factor / plain - 1.0).abs() < 1e-5, "pair {pair} is slow");
            }
        }
    }

    #[test]
    fn longrope_divides_each_frequency_by_the_factor_for_the_length(
        divisors in prop::collection::vec((1.0_f64..64.0, 1.0_f64..64.0), 1..33), length in 2_usize..500, long in any::<bool>(),
    ) {
        let (short_factor, long_factor): (Vec<f64>, Vec<f64>) = divisors.iter().copied().unzip();
        let half = divisors.len();
        let rope = rope(half, RopeScaling::LongRope {
            short_factor, long_factor, original_max_position: length, attention_factor: 1.25,
        });
        let keys = length + usize::from(long);
        let (cos, sin) = rope.angles(keys, 1..2);
        for (pair, (cos, sin)) in cos.iter().zip(&sin).enumerate() {
            let (cos, sin) = (f64::from(*cos), f64::from(*sin));
            prop_assert!((cos.hypot(sin) - 1.25).abs() < 1e-5, "pair {pair}");
            let divisor = if long { divisors[pair].1 } else { divisors[pair].0 };
            let expected = frequency(THETA, pair, half) / divisor;
            prop_assert!((sin.atan2(cos) / expected - 1.0).abs() < 1e-5, "pair {pair}");
        }
        prop_assert_eq!(rope.shares_frequencies(keys, 1), !long);
        prop_assert!(rope.shares_frequencies(keys, keys));
    }
}
