//! Products with a matrix of few columns, as the low-rank parts of adapters have them.
//!
//! A general product keeps as many sums in registers as its result has columns for; with 16 columns it waits for its own
//! additions. Here sixteen rows of the result are summed at a time, one vector of 16 columns each. On machines without
//! AVX-512 the general product does the same work.
//!
//! The order of the additions inside one element depends on the shapes only, never on the number of threads.

#![allow(unsafe_code, reason = "AVX-512 on raw places; every block says why it is sound")]

use super::buffer::Buffer;
use super::gemm::{Matrix, MatrixMut, Target, Threads, multiply};

/// `factor * a b` as rows of `b.columns()` floats; quick for a `b` of few columns.
pub(crate) fn skinny_product(a: Matrix<'_>, b: Matrix<'_>, factor: f32) -> Buffer {
    let mut product = Buffer::stale(a.rows() * b.columns());
    #[cfg(target_arch = "x86_64")]
    if avx512::multiply(&mut product, a, b, factor) {
        return product;
    }
    let out = MatrixMut::new(&mut product, a.rows(), b.columns());
    multiply(out, Target::Set, a, b, factor, Threads::All);
    product
}

/// `factor * (a b)^T`, row-major; quick for a `b` of few columns.
pub(crate) fn skinny_product_transposed(a: Matrix<'_>, b: Matrix<'_>, factor: f32) -> Buffer {
    let (rows, columns) = (a.rows(), b.columns());
    let product = skinny_product(a, b, factor);
    let mut transposed = Buffer::stale(rows * columns);
    for (row, values) in product.chunks_exact(columns.max(1)).enumerate() {
        for (column, value) in values.iter().enumerate() {
            transposed[column * rows + row] = *value;
        }
    }
    transposed
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mul_ps, _mm512_set1_ps,
        _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use rayon::prelude::*;

    use crate::kernels::buffer::Buffer;
    use crate::kernels::gemm::Matrix;
    use crate::kernels::vector::{Instructions, instructions};

    /// Columns of one vector.
    const LANES: usize = 16;
    /// Rows whose sums are kept in registers at a time; transposed, they are one cache line.
    const ROWS: usize = 16;
    /// Terms that are summed before the sum joins the others: keeps the error of long sums small.
    const TERMS: usize = 512;
    /// Columns up to which this is faster than the general product.
    const MAX_COLUMNS: usize = 4 * LANES;
    /// Blocks of rows that one task computes at least.
    const TASK: usize = 4;

    /// Sixteen columns of b, `[terms, LANES]`, padded with zeros.
    struct Panel {
        values: Buffer,
        first: usize,
    }

    /// Writes `factor * a b` and says so; false for shapes and machines of the general product.
    pub(super) fn multiply(product: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, factor: f32) -> bool {
        let columns = b.columns();
        if instructions() != Instructions::Avx512 || columns == 0 || columns > MAX_COLUMNS || a.columns() == 0
        {
            return false;
        }
        assert_eq!(a.columns(), b.rows(), "inner sizes of a product agree");
        let panels: Vec<Panel> = (0..columns).step_by(LANES).map(|first| panel(b, first)).collect();
        product.par_chunks_mut(ROWS * columns).with_min_len(TASK).enumerate().for_each(|(block, rows)| {
            let first = block * ROWS;
            for panel in &panels {
                if rows.len() == ROWS * columns {
                    write::<ROWS>(rows, a, first, panel, factor);
                    continue;
                }
                for (row, values) in rows.chunks_exact_mut(columns).enumerate() {
                    write::<1>(values, a, first + row, panel, factor);
                }
            }
        });
        true
    }

    fn panel(b: Matrix<'_>, first: usize) -> Panel {
        let count = LANES.min(b.columns() - first);
        let mut values = Buffer::zeroed(b.rows() * LANES);
        for (term, lanes) in values.chunks_exact_mut(LANES).enumerate() {
            for (lane, value) in lanes[..count].iter_mut().enumerate() {
                *value = b.at(term, first + lane);
            }
        }
        Panel { values, first }
    }

    /// Computes the columns of one panel for the `N` rows from `first` on; `rows` are whole rows of the product.
    fn write<const N: usize>(rows: &mut [f32], a: Matrix<'_>, first: usize, panel: &Panel, factor: f32) {
        let mut sums = [[0.0; LANES]; N];
        // SAFETY: `multiply` checked that the processor has AVX-512.
        unsafe { sum::<N>(&mut sums, a, first, &panel.values, factor) };
        let columns = rows.len() / N;
        let count = LANES.min(columns - panel.first);
        for (row, sums) in rows.chunks_exact_mut(columns).zip(&sums) {
            row[panel.first..][..count].copy_from_slice(&sums[..count]);
        }
    }

    #[target_feature(enable = "avx512f")]
    fn sum<const N: usize>(
        sums: &mut [[f32; LANES]; N],
        a: Matrix<'_>,
        first: usize,
        panel: &[f32],
        factor: f32,
    ) {
        let terms = a.columns();
        assert!(first + N <= a.rows() && panel.len() == terms * LANES, "all terms are in the matrices");
        let (row_stride, column_stride) = a.strides();
        let corner = a.rows_from(first).as_ptr();
        let mut totals = [_mm512_setzero_ps(); N];
        for start in (0..terms).step_by(TERMS) {
            let mut part: [__m512; N] = [_mm512_setzero_ps(); N];
            for term in start..terms.min(start + TERMS) {
                // SAFETY: the panel has LANES floats for every term.
                let b = unsafe { _mm512_loadu_ps(panel.as_ptr().add(term * LANES)) };
                for (row, sum) in part.iter_mut().enumerate() {
                    // SAFETY: row `first + row` and column `term` are in the matrix, whose elements are in its slice.
                    let a = unsafe { *corner.add(row * row_stride + term * column_stride) };
                    *sum = _mm512_fmadd_ps(_mm512_set1_ps(a), b, *sum);
                }
            }
            for (total, part) in totals.iter_mut().zip(part) {
                *total = _mm512_add_ps(*total, part);
            }
        }
        for (sums, total) in sums.iter_mut().zip(totals) {
            // SAFETY: an array of LANES floats.
            unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), _mm512_mul_ps(total, _mm512_set1_ps(factor))) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| (((i * 7919 + seed * 104_729) % 2003) as f32 - 1001.0) / 1001.0).collect()
    }

    #[test]
    fn products_agree_with_sums_in_f64() {
        for [rows, terms, columns] in [[1, 1, 1], [40, 576, 16], [17, 1300, 8], [33, 5, 64], [16, 30, 100]] {
            let (a, b) = (values(rows * terms, 1), values(terms * columns, 2));
            // Both in other strides as well: a by columns, b by columns.
            let by_columns = |m: &[f32], rows: usize, columns: usize| -> Vec<f32> {
                (0..rows * columns).map(|i| m[i % rows * columns + i / rows]).collect()
            };
            let (a_columns, b_columns) = (by_columns(&a, rows, terms), by_columns(&b, terms, columns));
            let (a, b) = (Matrix::new(&a, rows, terms), Matrix::new(&b, terms, columns));
            let other = Matrix::new(&a_columns, terms, rows).transposed();
            let other_b = Matrix::new(&b_columns, columns, terms).transposed();
            let found = skinny_product(a, b, 0.5);
            assert!(found[..] == skinny_product(other, other_b, 0.5)[..], "strides change no bit");
            let transposed = skinny_product_transposed(a, b, 0.5);
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                let terms = (0..terms).map(|k| f64::from(a.at(row, k)) * f64::from(b.at(k, column)));
                let (expected, found) = (0.5 * terms.sum::<f64>(), found[row * columns + column]);
                assert!((f64::from(found) - expected).abs() < 2e-5, "{row} {column}: {found} {expected}");
                assert_eq!(transposed[column * rows + row].to_bits(), found.to_bits());
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let (a, b) = (values(700 * 600, 1), values(600 * 16, 2));
        let product = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| skinny_product(Matrix::new(&a, 700, 600), Matrix::new(&b, 600, 16), 1.0).to_vec())
        };
        assert!(product(1) == product(3));
    }
}
