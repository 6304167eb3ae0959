//! [`rotate`]: the Hadamard rotation that spreads outliers over a head before 4-bit storage.

/// Multiplies each run of `n` numbers by the normalized Hadamard matrix of size n, the largest power of two that
/// divides `x.len()`; n is at least 16. The matrix is its own inverse, and products of rotated vectors are those of
/// the vectors.
#[inline(always)]
pub(crate) fn rotate(x: &mut [f32]) {
    let lines = x.as_chunks_mut().0;
    let n = 1_usize << lines.len().trailing_zeros();
    let scale = ((16 * n) as f32).sqrt().recip();
    for run in lines.chunks_exact_mut(n) {
        run.iter_mut().for_each(|line| rotate_line(line, scale));
        let mut half = 1;
        while half < n {
            for pair in run.chunks_exact_mut(2 * half) {
                let (low, high) = pair.split_at_mut(half);
                low.iter_mut().zip(high).for_each(|(low, high)| butterfly(low, high));
            }
            half *= 2;
        }
    }
}

/// The stages of 2 to 16 numbers, and the factor.
#[inline(always)]
fn rotate_line(line: &mut [f32; 16], scale: f32) {
    for half in [1, 2, 4, 8] {
        let x = *line;
        *line = std::array::from_fn(|i| {
            let other = x[i ^ half];
            if i & half == 0 { x[i] + other } else { other - x[i] }
        });
    }
    line.iter_mut().for_each(|x| *x *= scale);
}

/// Replaces pairs of numbers by their sums and differences.
#[inline(always)]
fn butterfly(low: &mut [f32; 16], high: &mut [f32; 16]) {
    for (low, high) in low.iter_mut().zip(high) {
        (*low, *high) = (*low + *high, *low - *high);
    }
}
