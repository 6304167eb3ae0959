//! The confidence interval of a proportion.

/// The 97.5 % quantile of the standard normal distribution, for a two-sided interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Computes Wilson's 95 % interval of `correct` out of `count` (Wilson 1927), in percent.
///
/// Unlike the normal approximation it stays inside 0..100 and is meaningful for small counts, which is what
/// evaluations on a part of a set produce.
///
/// ```
/// let (low, high) = opencompass::score::wilson(50.0, 100);
/// assert!((low - 40.383).abs() < 1e-3 && (high - 59.617).abs() < 1e-3);
/// ```
#[must_use]
pub fn wilson(correct: f64, count: usize) -> (f64, f64) {
    if count == 0 {
        return (0.0, 100.0);
    }
    let n = count as f64;
    let p = correct / n;
    let center = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 100.0 / (1.0 + Z * Z / n);
    ((center - half).max(0.0) * scale, (center + half) * scale)
}
