//! Parallel loops over the rows of matrices, cut the same way for any number of threads.

use rayon::prelude::*;

/// Rows per task of an elementwise loop: small enough to balance, large enough to hide the cost of a task.
pub(crate) const ROWS: usize = 64;

/// Calls `work(first row, rows of a)` for consecutive groups of [`ROWS`] rows.
pub(crate) fn for_each(a: &mut [f32], width: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    a.par_chunks_mut(ROWS * width).enumerate().for_each(|(task, a)| work(task * ROWS, a));
}

/// A row-major matrix to be written.
pub(crate) struct RowsMut<'a> {
    pub(crate) numbers: &'a mut [f32],
    /// Numbers per row.
    pub(crate) width: usize,
}

/// Calls `work(first row, rows of a, rows of b)`; the matrices have as many rows each.
pub(crate) fn for_each2(a: RowsMut<'_>, b: RowsMut<'_>, work: impl Fn(usize, &mut [f32], &mut [f32]) + Sync) {
    let (a, b) = (a.numbers.par_chunks_mut(ROWS * a.width), b.numbers.par_chunks_mut(ROWS * b.width));
    a.zip(b).enumerate().for_each(|(task, (a, b))| work(task * ROWS, a, b));
}

/// Adds up vectors of length `width` in their order: the last step of a reduction over rows.
pub(crate) fn sum_in_order(partial: &[f32], total: &mut [f32]) {
    total.fill(0.0);
    for part in partial.chunks_exact(total.len()) {
        for (total, value) in total.iter_mut().zip(part) {
            *total += value;
        }
    }
}
