//! Squared norm of a gradient with a result that does not depend on the thread count, and the clip.

use rayon::prelude::*;

/// Elements whose squares are summed by one task; fixed, so that the tree of sums is fixed.
const PIECE: usize = 16 * 1024;
/// Independent sums inside a piece, in fixed order.
const LANES: usize = 8;

/// Sum of squares in f64: pieces of fixed size, added in order.
///
/// ```
/// assert_eq!(internlm_train::optim::squared_norm(&[3.0, 4.0]), 25.0);
/// ```
#[must_use]
pub fn squared_norm(values: &[f32]) -> f64 {
    if values.len() <= PIECE {
        return piece_squared_norm(values);
    }
    let sums: Vec<f64> = values.par_chunks(PIECE).map(piece_squared_norm).collect();
    sums.iter().sum()
}

fn piece_squared_norm(values: &[f32]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            let value = f64::from(*value);
            *sum += value * value;
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += f64::from(*value).powi(2);
    }
    sums.iter().sum()
}

/// Factor that brings a gradient of `norm` down to `max_norm`: min(1, max_norm / (norm + 1e-6)).
#[must_use]
pub fn clip_scale(norm: f64, max_norm: f64) -> f64 {
    (max_norm / (norm + 1e-6)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_bits_for_any_thread_count() {
        let values: Vec<f32> = (0..100_003).map(|i| ((i * 7919) % 1000) as f32 * 1e-3 - 0.5).collect();
        let norm = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| squared_norm(&values)).to_bits()
        };
        assert_eq!(norm(1), norm(3));
        assert!(squared_norm(&[f32::NAN]).is_nan() && squared_norm(&[f32::INFINITY]).is_infinite());
    }
}
