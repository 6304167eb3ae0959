//! How counts become features: logarithms and shares.

use std::sync::LazyLock;

/// Natural logarithm of one more than a count, so that 0 stays 0.
pub(crate) fn log(count: u32) -> f32 {
    // Most counts are small, so their logarithms are looked up.
    static SMALL: LazyLock<Vec<f32>> =
        LazyLock::new(|| (0..2048_u16).map(|n| (f32::from(n) + 1.0).ln()).collect());
    SMALL.get(count as usize).copied().unwrap_or_else(|| (count as f32 + 1.0).ln())
}

/// A part of a whole, 0 to 1; 0 if the whole is empty.
pub(crate) fn share(part: u32, whole: u32) -> f32 {
    part as f32 / whole.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_formula_agree_at_their_border() {
        assert_eq!(log(0), 0.0);
        assert_eq!(log(1), std::f32::consts::LN_2);
        for count in [2, 2046, 2047, 2048, 2049, 1 << 30, u32::MAX] {
            assert_eq!(log(count), (count as f32 + 1.0).ln(), "{count}");
        }
        for count in 0..4096 {
            assert!(log(count) < log(count + 1), "{count}");
        }
    }

    #[test]
    fn shares_of_nothing_are_nothing() {
        assert_eq!([share(0, 0), share(0, 5), share(1, 4), share(4, 4)], [0.0, 0.0, 0.25, 1.0]);
    }
}
