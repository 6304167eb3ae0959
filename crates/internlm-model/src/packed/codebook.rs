//! The values that codes stand for: NF4 and the signed dynamic map of 8 bits.
//!
//! NF4 (Dettmers et al.: "QLoRA", 2023) holds 16 quantiles of the normal distribution; the dynamic map ("8-bit
//! optimizers via block-wise quantization", 2021) is used for the scales of NF4 blocks. Values as in bitsandbytes.

use std::sync::LazyLock;

/// The 16 values of NF4, rising; the code is the index.
pub const NF4: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// The 256 values of the signed dynamic map, rising: for i of 0 to 6, `10^(i - 6)` times the midpoints of an even
/// division of \[0.1, 1\] into `2^i` parts, with both signs; 0 and 1.
pub static DYNAMIC: LazyLock<[f32; 256]> = LazyLock::new(|| {
    let mut values = vec![0.0, 1.0];
    for exponent in 0..7 {
        let parts = 1_i32 << exponent;
        let factor = 10_f64.powi(exponent - 6);
        for part in 0..parts {
            let middle = 0.1 + 0.9 * (f64::from(part) + 0.5) / f64::from(parts);
            values.extend([(factor * middle) as f32, (-factor * middle) as f32]);
        }
    }
    values.sort_by(f32::total_cmp);
    values.try_into().expect("2 values and twice 127")
});

/// The index of the value of the rising list `values` that is nearest to `x`; above the midpoint of two neighbors the
/// upper one.
#[must_use]
pub fn nearest(values: &[f32], x: f32) -> u8 {
    let above = |pair: &[f32]| f64::from(x) > f64::midpoint(f64::from(pair[0]), f64::from(pair[1]));
    let (mut low, mut high) = (0, values.len() - 1);
    while low < high {
        let middle = usize::midpoint(low, high);
        if above(&values[middle..middle + 2]) { low = middle + 1 } else { high = middle }
    }
    low as u8
}
