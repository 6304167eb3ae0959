//! Confidence intervals of proportions.

/// The 97.5 % point of the standard normal.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % interval of `correct` out of `count`, in percent (Wilson 1927).
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
