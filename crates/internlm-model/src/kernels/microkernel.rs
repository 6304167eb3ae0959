//! The innermost loop of matrix products with AVX-512: a tile of the result is in registers while all its terms are
//! added, so the result is written once (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
//! 2008).
//!
//! Each element is one chain of fused multiply-adds in the order of the terms, whatever the shape of the tile.

#![allow(unsafe_code, reason = "AVX-512 on raw places; every block says why it is sound")]

use std::arch::x86_64::{
    __m512, __mmask16, _mm512_add_ps, _mm512_castpd_ps, _mm512_castps_pd, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_shuffle_f32x4, _mm512_storeu_ps, _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd,
    _mm512_unpacklo_ps,
};
use std::hint::black_box;
use std::marker::PhantomData;

use rayon::prelude::*;

use super::gemm::Target;
use super::vector::{Instructions, instructions};

/// Floats of one vector.
pub(crate) const LANES: usize = 16;

/// A left factor, any strides.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    /// The memory from the first element on.
    pub(crate) values: &'a [f32],
    /// Distance of two rows.
    pub(crate) row_stride: usize,
    /// Distance of two terms of a row.
    pub(crate) term_stride: usize,
    /// Number of terms.
    pub(crate) terms: usize,
}

/// A right factor: the columns of the tile, consecutive for each term.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    /// The memory from the first column of the first term on.
    pub(crate) values: &'a [f32],
    /// Distance of two terms.
    pub(crate) stride: usize,
}

/// Some columns of some rows of a row-major result, which nobody else reads or writes.
pub(crate) struct Part<'a> {
    first: *mut f32,
    rows: usize,
    columns: usize,
    row_stride: usize,
    result: PhantomData<&'a mut [f32]>,
}

/// A place that several threads know.
#[derive(Clone, Copy)]
struct Shared(*mut f32);

// SAFETY: it is only used to make parts that have no number in common.
unsafe impl Sync for Shared {}

impl Shared {
    fn place(&self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

impl Part<'_> {
    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }
}

/// Cuts a result of `columns` columns into parts of at most `rows` rows and `width` columns, and calls `work` with the
/// row and the column where each begins, on all threads.
pub(crate) fn for_each_part(
    result: &mut [f32],
    columns: usize,
    [rows, width]: [usize; 2],
    work: impl Fn([usize; 2], Part<'_>) + Sync,
) {
    assert!(columns > 0 && rows > 0 && width > 0, "there is something in a part");
    let all = result.len() / columns;
    assert_eq!(all * columns, result.len(), "the result has whole rows");
    let (across, down) = (columns.div_ceil(width), all.div_ceil(rows));
    // The parts are the cells of a grid over the result, cut at its edges; the result stays borrowed until all are done.
    let shared = Shared(result.as_mut_ptr());
    (0..across * down).into_par_iter().with_max_len(1).for_each(|part| {
        // The parts of the same rows follow one another: their left factor stays in the cache.
        let (row, column) = (part / across * rows, part % across * width);
        let first = shared.place(row * columns + column);
        let (rows, width) = (rows.min(all - row), width.min(columns - column));
        work([row, column], Part { first, rows, columns: width, row_stride: columns, result: PhantomData });
    });
}

/// Whether this machine has the instructions.
pub(crate) fn available() -> bool {
    instructions() == Instructions::Avx512
}

/// `R` rows from `row` on and up to `16 V` columns of `left right`, where the terms of several left factors follow one
/// another.
pub(crate) fn multiply<const R: usize, const V: usize>(
    part: &mut Part<'_>,
    row: usize,
    target: Target,
    left: &[Left<'_>],
    right: Right<'_>,
) {
    assert!(available(), "the caller has asked for the instructions");
    let terms = left.iter().map(|part| part.terms).sum::<usize>();
    assert!(part.columns <= V * LANES, "the part has at most V vectors of columns");
    assert!(row <= part.rows && R <= part.rows - row, "the part has these rows");
    assert!(
        terms == 0 || (terms - 1) * right.stride + V * LANES <= right.values.len(),
        "the right factor is in its slice"
    );
    for factor in left.iter().filter(|factor| factor.terms > 0) {
        let last = (row + R - 1) * factor.row_stride + (factor.terms - 1) * factor.term_stride;
        assert!(last < factor.values.len(), "the left factor is in its slice");
    }
    // SAFETY: the processor has the instructions, every element that is read is in its slice, and the part is the only
    // way to what is written.
    unsafe { write::<R, V>(part, row, target, left, right) }
}

/// Sixteen numbers of each of sixteen rows, times `factor`, as sixteen lines with a number of every row.
pub(crate) fn transpose(
    (rows, row_stride): (&[f32], usize),
    factor: f32,
    (lines, width): (&mut [f32], usize),
) {
    assert!(available(), "the caller has asked for the instructions");
    assert!((LANES - 1) * row_stride + LANES <= rows.len(), "the rows are in their slice");
    assert!((LANES - 1) * width + LANES <= lines.len(), "the lines are in their slice");
    // SAFETY: the processor has the instructions, and every element that is read or written is in its slice.
    unsafe { transpose_square((rows, row_stride), factor, (lines, width)) }
}

/// # Safety
/// Sixteen numbers of sixteen rows and lines are in their slices.
#[target_feature(enable = "avx512f")]
unsafe fn transpose_square(
    (rows, row_stride): (&[f32], usize),
    factor: f32,
    (lines, width): (&mut [f32], usize),
) {
    let factor = _mm512_set1_ps(factor);
    let mut square = [_mm512_setzero_ps(); LANES];
    for (row, vector) in square.iter_mut().enumerate() {
        // SAFETY: the caller promises sixteen numbers of every row.
        *vector = _mm512_mul_ps(factor, unsafe { _mm512_loadu_ps(rows.as_ptr().add(row * row_stride)) });
    }
    // Four rows at a time, so that quarter q of vector c has the numbers 4 q + c of the four.
    for four in square.chunks_exact_mut(4) {
        let low = [0, 2].map(|row| _mm512_castps_pd(_mm512_unpacklo_ps(four[row], four[row + 1])));
        let high = [0, 2].map(|row| _mm512_castps_pd(_mm512_unpackhi_ps(four[row], four[row + 1])));
        four[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low[0], low[1]));
        four[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low[0], low[1]));
        four[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high[0], high[1]));
        four[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high[0], high[1]));
    }
    /// The quarters 0 and 2 of both vectors.
    const EVEN: i32 = 0b10_00_10_00;
    /// The quarters 1 and 3 of both vectors.
    const ODD: i32 = 0b11_01_11_01;
    for c in 0..4 {
        let even = [0, 8].map(|row| _mm512_shuffle_f32x4::<EVEN>(square[row + c], square[row + 4 + c]));
        let odd = [0, 8].map(|row| _mm512_shuffle_f32x4::<ODD>(square[row + c], square[row + 4 + c]));
        let columns = [
            _mm512_shuffle_f32x4::<EVEN>(even[0], even[1]),
            _mm512_shuffle_f32x4::<EVEN>(odd[0], odd[1]),
            _mm512_shuffle_f32x4::<ODD>(even[0], even[1]),
            _mm512_shuffle_f32x4::<ODD>(odd[0], odd[1]),
        ];
        for (quarter, column) in columns.into_iter().enumerate() {
            // SAFETY: the caller promises sixteen numbers of every line.
            unsafe { _mm512_storeu_ps(lines.as_mut_ptr().add((4 * quarter + c) * width), column) };
        }
    }
}

/// # Safety
/// The part has the rows, and every element of the factors is in its slice.
#[target_feature(enable = "avx512f")]
unsafe fn write<const R: usize, const V: usize>(
    part: &mut Part<'_>,
    row: usize,
    target: Target,
    left: &[Left<'_>],
    right: Right<'_>,
) {
    let mut sums = [[_mm512_setzero_ps(); V]; R];
    let mut line = right.values.as_ptr();
    for factor in left {
        let first = factor.values.as_ptr().wrapping_add(row * factor.row_stride);
        // Two places that the compiler cannot relate: it would step one through all rows, and with few columns so many
        // additions in a row take longer than the products.
        let half = R / 2;
        let mut columns = [first, black_box(first.wrapping_add(half * factor.row_stride))];
        for _ in 0..factor.terms {
            let mut vectors = [_mm512_setzero_ps(); V];
            for (place, vector) in vectors.iter_mut().enumerate() {
                // SAFETY: the caller promises V vectors for every term.
                *vector = unsafe { _mm512_loadu_ps(line.add(place * LANES)) };
            }
            for (offset, sums) in sums.iter_mut().enumerate() {
                let (column, offset) =
                    if offset < half { (columns[0], offset) } else { (columns[1], offset - half) };
                // SAFETY: the caller promises R rows of every term.
                let number = _mm512_set1_ps(unsafe { *column.add(offset * factor.row_stride) });
                for (sum, vector) in sums.iter_mut().zip(&vectors) {
                    *sum = _mm512_fmadd_ps(number, *vector, *sum);
                }
            }
            line = line.wrapping_add(right.stride);
            columns = columns.map(|column| column.wrapping_add(factor.term_stride));
        }
    }
    // SAFETY: the caller promises that the part has these rows.
    unsafe { store(part, row, target, &sums) }
}

/// # Safety
/// The part has R rows from `row` on.
#[target_feature(enable = "avx512f")]
unsafe fn store<const R: usize, const V: usize>(
    part: &mut Part<'_>,
    row: usize,
    target: Target,
    sums: &[[__m512; V]; R],
) {
    let mut line = part.first.wrapping_add(row * part.row_stride);
    for sums in sums {
        for (vector, sum) in sums.iter().enumerate() {
            let (place, mask) = (line.wrapping_add(vector * LANES), mask(part.columns, vector));
            let old = match target {
                // SAFETY: only columns of the part are read.
                Target::Add => unsafe { _mm512_maskz_loadu_ps(mask, place) },
                Target::Set => _mm512_setzero_ps(),
            };
            // SAFETY: only columns of the part are written.
            unsafe { _mm512_mask_storeu_ps(place, mask, _mm512_add_ps(old, *sum)) };
        }
        line = line.wrapping_add(part.row_stride);
    }
}

/// The columns of a vector that are among the first `columns`.
fn mask(columns: usize, vector: usize) -> __mmask16 {
    let count = columns.saturating_sub(vector * LANES).min(LANES);
    ((1_u32 << count) - 1) as __mmask16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every number of a result belongs to one part.
    #[test]
    fn parts_cover_a_result_once() {
        if !available() {
            return;
        }
        let mut result = vec![1.0; 7 * 37];
        for_each_part(&mut result, 37, [3, 16], |[row, column], mut part| {
            let one = [(100 * row + column) as f32];
            let left = [Left { values: &one, row_stride: 0, term_stride: 1, terms: 1 }];
            let right = Right { values: &[1.0; 16], stride: 16 };
            for row in 0..part.rows() {
                multiply::<1, 1>(&mut part, row, Target::Add, &left, right);
            }
        });
        for (place, number) in result.into_iter().enumerate() {
            let (row, column) = (place / 37 / 3 * 3, place % 37 / 16 * 16);
            assert_eq!(number, 1.0 + (100 * row + column) as f32, "number {place}");
        }
    }

    #[test]
    fn rows_become_lines() {
        if !available() {
            return;
        }
        let rows = Vec::from_iter((0..15 * 19 + 16).map(|number| number as f32));
        let mut lines = vec![-1.0; 16 * 20];
        transpose((&rows, 19), 2.0, (&mut lines, 20));
        for (line, numbers) in lines.chunks_exact(20).enumerate() {
            let expected = Vec::from_iter((0..16).map(|row| 2.0 * (row * 19 + line) as f32));
            assert_eq!((&numbers[..16], &numbers[16..]), (&expected[..], &[-1.0; 4][..]), "line {line}");
        }
    }
}
