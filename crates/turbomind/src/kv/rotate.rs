//! [`rotate`]: the Hadamard rotation that spreads outliers over a head before 4-bit storage.

/// Multiplies each run of `n` numbers by the normalized Hadamard matrix of size n, the largest power of two that
/// divides `x.len()`. The matrix is its own inverse, and products of rotated vectors are those of the vectors.
#[inline(always)]
pub(crate) fn rotate(x: &mut [f32]) {
    if x.is_empty() {
        return;
    }
    let n = 1_usize << x.len().trailing_zeros();
    let scale = (n as f32).sqrt().recip();
    for run in x.chunks_exact_mut(n) {
        let mut half = 1;
        while half < n {
            for pair in run.chunks_exact_mut(2 * half) {
                let (low, high) = pair.split_at_mut(half);
                for (low, high) in low.iter_mut().zip(high) {
                    (*low, *high) = (*low + *high, *low - *high);
                }
            }
            half *= 2;
        }
        run.iter_mut().for_each(|x| *x *= scale);
    }
}
