//! The confidence interval of a proportion.

/// The 97.5 % quantile of the standard normal distribution, for a two-sided interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Computes Wilson's 95 % interval of `correct` out of `count` (Wilson 1927), in percent.
///
/// Unlike the normal approximation it stays inside 0..100 and is meaningful for small counts, which is what
/// evaluations on a part of a set produce.
///
/// ```
/// let (low, high) = opencompass::statistics::wilson(50.0, 100);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The bounds are the roots of |p - x| = z sqrt(x (1 - x) / n), written as a quadratic equation in x.
    #[test]
    fn bounds_solve_the_equation_that_defines_them() {
        for (correct, count) in
            [(0.0, 1), (1.0, 1), (3.0, 10), (50.0, 100), (659.0, 1319), (14_042.0, 14_042)]
        {
            let n = count as f64;
            let p = correct / n;
            let (low, high) = wilson(correct, count);
            for bound in [low / 100.0, high / 100.0] {
                let equation = (p - bound).powi(2) - Z * Z * bound * (1.0 - bound) / n;
                assert!(equation.abs() < 1e-12, "{correct} of {count}: {equation}");
            }
            assert!(low <= 100.0 * p + 1e-9 && 100.0 * p <= high + 1e-9, "{correct} of {count}");
        }
        assert_eq!(wilson(0.0, 0), (0.0, 100.0));
    }
}
