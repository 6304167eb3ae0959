//! Tiles in shared memory: where a number is, and how it gets there.
//!
//! Rows are cut into chunks of 8 numbers, 16 bytes of 16-bit numbers: what `ldmatrix` and `cp.async` move at once. The
//! distance of two rows is an odd number of chunks, so that the 8 chunks that `ldmatrix` reads together, one below the
//! other, are in different banks.

use cubecl::prelude::barrier::copy_async_checked;
use cubecl::prelude::*;

use super::form::{CHUNK, TileForm};

/// Chunks from one row of a tile to the next.
pub(in crate::kernels::device) const fn pitch(columns: usize) -> usize {
    (columns / CHUNK) | 1
}

/// Copies the `count` numbers from `from` on, 8 or none, to chunk `to` of a stage, and zeros when the count is 0; with
/// [`TileForm::Mma`] they arrive after [`commit`] and [`wait`].
#[cube]
pub(in crate::kernels::device) fn copy_chunk<F: Float, N: Size>(
    matrix: &Tensor<Vector<F, N>>,
    from: usize,
    count: usize,
    stage: &mut Shared<[Vector<F, N>]>,
    to: usize,
    #[comptime] form: TileForm,
) {
    if comptime!(form == TileForm::Mma) {
        // No byte of a missing chunk is read, but its address must be one.
        let first = select(count > 0, from / CHUNK, 0usize);
        copy_async_checked(
            &matrix.as_slice()[first..first + count / CHUNK],
            &mut stage[to..to + 1],
            comptime!(CHUNK as u32),
        );
    } else {
        let first = select(count > 0, from, 0usize);
        for i in 0..CHUNK {
            let value = matrix[first + i];
            stage[to * CHUNK + i] = select(count > 0, value, Vector::<F, N>::new(F::new(0.0)));
        }
    }
}

/// Ends a group of copies.
#[cube]
pub(in crate::kernels::device) fn commit(#[comptime] form: TileForm) {
    if comptime!(form == TileForm::Mma) {
        gpu_asm!("cp.async.commit_group;");
    }
}

/// Waits until the unit's own copies have arrived, except those of the last `pending` groups; a barrier must follow
/// before other units read them.
#[cube]
pub(in crate::kernels::device) fn wait(#[comptime] pending: usize, #[comptime] form: TileForm) {
    if comptime!(form == TileForm::Mma) {
        gpu_asm!("cp.async.wait_group {pending};", pending = const pending);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of all banks of shared memory, in chunks of 16-bit numbers.
    const BANKS: usize = 8;

    #[test]
    fn chunks_that_are_read_together_are_in_different_banks() {
        for columns in (16..=256).step_by(16) {
            let mut banks: Vec<usize> = (0..8).map(|row| row * pitch(columns) % BANKS).collect();
            banks.sort_unstable();
            assert_eq!(banks, [0, 1, 2, 3, 4, 5, 6, 7], "{columns} columns");
            assert!(pitch(columns) * CHUNK >= columns);
        }
    }
}
