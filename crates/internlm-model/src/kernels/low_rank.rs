//! The products of a low-rank adapter on the CPU: the product with a changed matrix, and sums over tokens.
//!
//! The general product of `x W + s (x D) U` writes the result for the low-rank part and reads it again for every few
//! hundred inputs of W. With AVX-512 a few rows of x are multiplied by D and then by W and U together while they are in
//! the cache, and each number of the result is written once. On other machines, the general product does the same work.
//!
//! The order of the additions inside one element depends on the shapes only, never on the number of threads.

use super::buffer::Buffer;
use super::gemm::{Matrix, MatrixMut, Target, Threads, multiply};

/// A low-rank change of a matrix, `scale down up`.
#[derive(Clone, Copy)]
pub(crate) struct Change<'a> {
    /// D, `[in, rank]`.
    pub(crate) down: Matrix<'a>,
    /// U, `[rank, out]`.
    pub(crate) up: Matrix<'a>,
    /// Factor of the product.
    pub(crate) scale: f32,
}

/// Where the results of a product with a changed matrix go.
pub(crate) struct Changed<'a> {
    /// `x D`, `[T, rank]`.
    pub(crate) inner: &'a mut [f32],
    /// `x W + scale x D U`, `[T, out]`.
    pub(crate) y: &'a mut [f32],
}

/// `inner = x D` and `y = x W + scale inner U`, where W is `[in, out]`.
pub(crate) fn multiply_changed(x: Matrix<'_>, w: Matrix<'_>, change: Change<'_>, out: Changed<'_>) {
    let Change { down, up, scale } = change;
    let (tokens, rank, outputs) = (x.rows(), down.columns(), w.columns());
    assert_eq!((x.columns(), x.columns()), (w.rows(), down.rows()), "both matrices have one row per input");
    assert_eq!((rank, outputs), (up.rows(), up.columns()), "the change has the shape of the matrix");
    assert_eq!(out.inner.len(), tokens * rank, "one number per token and rank");
    assert_eq!(out.y.len(), tokens * outputs, "one number per token and output");
    #[cfg(target_arch = "x86_64")]
    if avx512::takes([tokens, x.columns(), rank, outputs]) {
        return avx512::multiply_changed(x, w, change, out);
    }
    let Changed { inner, y } = out;
    multiply(MatrixMut::new(inner, tokens, rank), Target::Set, x, down, 1.0, Threads::All);
    // The small product first: it writes y without reading it, and the large one adds in its tiles.
    let inner = Matrix::new(inner, tokens, rank);
    multiply(MatrixMut::new(y, tokens, outputs), Target::Set, inner, up, scale, Threads::All);
    multiply(MatrixMut::new(y, tokens, outputs), Target::Add, x, w, 1.0, Threads::All);
}

/// `scale a^T b` for an `a` of few columns: a sum over tokens, `[columns of a, columns of b]`.
///
/// # Shapes
/// - a: `[T, rank]`
/// - b: `[T, n]`, row-major
pub(crate) fn sum_over_tokens(a: Matrix<'_>, b: Matrix<'_>, scale: f32) -> Buffer {
    assert_eq!(a.rows(), b.rows(), "both factors have one row per token");
    let (rank, columns) = (a.columns(), b.columns());
    let mut sum = Buffer::stale(rank * columns);
    #[cfg(target_arch = "x86_64")]
    if avx512::takes([a.rows(), rank, columns, 1]) {
        avx512::sum_over_tokens(a, b, scale, &mut sum);
        return sum;
    }
    multiply(MatrixMut::new(&mut sum, rank, columns), Target::Set, a.transposed(), b, scale, Threads::All);
    sum
}

/// The transposed copy of a row-major matrix with rows of `columns` numbers.
pub(crate) fn transposed(matrix: &[f32], columns: usize) -> Buffer {
    let rows = matrix.len() / columns.max(1);
    let mut result = Buffer::stale(matrix.len());
    for (column, line) in result.chunks_exact_mut(rows.max(1)).enumerate() {
        let source = matrix[column..].iter().step_by(columns);
        line.iter_mut().zip(source).for_each(|(to, from)| *to = *from);
    }
    result
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    //! Rows of x in blocks of the size of the second-level cache, columns of the matrices in packed panels.

    use std::ops::Range;

    use rayon::prelude::*;

    use super::{Change, Changed};
    use crate::kernels::buffer::Buffer;
    use crate::kernels::gemm::{Matrix, Target};
    use crate::kernels::microkernel::{self, LANES, Left, Right, Tile};

    /// Rows of a tile of the result, which has [`WIDE`] vectors of columns: 24 of the 32 registers hold sums.
    const ROWS: usize = 6;
    /// Vectors of columns of such a tile.
    const WIDE: usize = 4;
    /// Rows of a tile with one or two vectors of columns.
    const MANY_ROWS: usize = 12;
    /// Maximum number of terms of one chain of additions: bounds the error, and a panel fits the second-level cache.
    const TERMS: usize = 1600;
    /// Numbers of x in one block of rows: 768 KB of the second-level cache.
    const BLOCK: usize = 192 << 10;
    /// Maximum number of rows of a block.
    const BLOCK_ROWS: usize = 240;

    /// Whether there are enough rows for a tile, something to compute, and the instructions.
    pub(super) fn takes([rows, others @ ..]: [usize; 4]) -> bool {
        rows >= ROWS && !others.contains(&0) && microkernel::available()
    }

    /// A right factor with columns in panels: for each panel and each term, a line of consecutive columns, and zeros
    /// where there is no column.
    struct Panels {
        values: Buffer,
        /// Columns of a panel.
        width: usize,
        /// Terms of a panel.
        terms: usize,
    }

    /// A matrix and what it is multiplied by.
    #[derive(Clone, Copy)]
    struct Scaled<'a> {
        matrix: Matrix<'a>,
        factor: f32,
    }

    impl Panels {
        /// Panels of matrices with the same columns; the rows of the next follow those of the one before.
        fn new(matrices: &[Scaled<'_>], width: usize) -> Self {
            let terms = matrices.iter().map(|scaled| scaled.matrix.rows()).sum::<usize>();
            let count = matrices[0].matrix.columns().div_ceil(width);
            let mut values = Buffer::stale(count * terms * width);
            values.par_chunks_mut(terms * width).enumerate().for_each(|(panel, mut lines)| {
                for scaled in matrices {
                    let (own, rest) = lines.split_at_mut(scaled.matrix.rows() * width);
                    scaled.pack(panel * width, own, width);
                    lines = rest;
                }
            });
            Self { values, width, terms }
        }
    }

    impl<'a> Scaled<'a> {
        /// Some rows of a matrix as they are.
        fn rows(matrix: Matrix<'a>, rows: &Range<usize>) -> Self {
            Self { matrix: matrix.rows_range(rows.start, rows.len()), factor: 1.0 }
        }

        /// Writes the columns from `first` on as lines of `width` numbers.
        fn pack(&self, first: usize, lines: &mut [f32], width: usize) {
            let Self { matrix, factor } = *self;
            let count = width.min(matrix.columns() - first);
            let [row_stride, column_stride] = matrix.strides();
            if column_stride == 1 {
                for (row, line) in lines.chunks_exact_mut(width).enumerate() {
                    let source = &matrix.tail(row, first)[..count];
                    line.iter_mut().zip(source).for_each(|(to, from)| *to = factor * from);
                    line[count..].fill(0.0);
                }
                return;
            }
            // Sixteen rows at a time: of a transposed matrix, a cache line of each column.
            for (block, lines) in lines.chunks_mut(LANES * width).enumerate() {
                let is_whole = row_stride == 1 && lines.len() == LANES * width;
                let squares = if is_whole { count - count % LANES } else { 0 };
                for column in (0..squares).step_by(LANES) {
                    let source = matrix.tail(block * LANES, first + column);
                    microkernel::transpose((source, column_stride), factor, (&mut lines[column..], width));
                }
                for column in squares..count {
                    let source = matrix.tail(block * LANES, first + column).iter().step_by(row_stride);
                    let lines = lines.chunks_exact_mut(width).zip(source);
                    lines.for_each(|(line, from)| line[column] = factor * from);
                }
                lines.chunks_exact_mut(width).for_each(|line| line[count..].fill(0.0));
            }
        }
    }

    pub(super) fn multiply_changed(x: Matrix<'_>, w: Matrix<'_>, change: Change<'_>, out: Changed<'_>) {
        let (rank, outputs) = (change.down.columns(), w.columns());
        let chunks = chunks(x.columns());
        let down = chunks.iter().map(|chunk| Panels::new(&[Scaled::rows(change.down, chunk)], narrow(rank)));
        let down = Vec::from_iter(down);
        let up = Scaled { matrix: change.up, factor: change.scale };
        // The low-rank part joins the last chunk.
        let parts = |chunk: &Range<usize>| if chunk.end == x.columns() { 2 } else { 1 };
        let dense = chunks
            .iter()
            .map(|chunk| Panels::new(&[Scaled::rows(w, chunk), up][..parts(chunk)], WIDE * LANES));
        let dense = Vec::from_iter(dense);
        let rows = block_rows(x.rows(), x.columns().min(TERMS));
        let blocks = out.y.par_chunks_mut(rows * outputs).zip(out.inner.par_chunks_mut(rows * rank));
        blocks.enumerate().for_each(|(block, (y, inner))| {
            for (chunk, panels) in chunks.iter().zip(&down) {
                let left = [left(x, block * rows, chunk)];
                multiply_block(inner, rank, &left, panels, target(chunk));
            }
            let inner = Left { values: inner, row_stride: rank, term_stride: 1, terms: rank };
            for (chunk, panels) in chunks.iter().zip(&dense) {
                let left = [left(x, block * rows, chunk), inner];
                multiply_block(y, outputs, &left[..parts(chunk)], panels, target(chunk));
            }
        });
    }

    pub(super) fn sum_over_tokens(a: Matrix<'_>, b: Matrix<'_>, scale: f32, sum: &mut [f32]) {
        /// Rows and vectors of a tile: a usual rank of 16 makes two of them.
        const SHAPE: [usize; 2] = [8, 3];
        /// Tokens whose sum joins the others: their columns of one tile stay in the cache.
        const TOKENS: usize = 512;
        let width = SHAPE[1] * LANES;
        let (tokens, rank, columns) = (a.rows(), a.columns(), b.columns());
        let [token_stride, rank_stride] = a.strides();
        let mut strips = Buffer::stale(columns.div_ceil(width) * rank * width);
        strips.par_chunks_mut(rank * width).enumerate().for_each(|(strip, sums)| {
            let first = strip * width;
            // The last columns are copied, because vectors would end outside of the matrix.
            let copy = (first + width > columns || b.strides()[1] != 1).then(|| {
                let mut lines = Buffer::stale(tokens * width);
                Scaled { matrix: b, factor: 1.0 }.pack(first, &mut lines, width);
                lines
            });
            let (lines, stride) = match &copy {
                Some(lines) => (&lines[..], width),
                None => (b.tail(0, first), b.strides()[0]),
            };
            for token in (0..tokens).step_by(TOKENS) {
                let left = [Left {
                    values: a.tail(token, 0),
                    row_stride: rank_stride,
                    term_stride: token_stride,
                    terms: TOKENS.min(tokens - token),
                }];
                let right = Right { values: &lines[token * stride..], stride };
                let target = if token == 0 { Target::Set } else { Target::Add };
                let tiles = Tile { values: &mut *sums, row_stride: width, columns: width, target };
                multiply_rows::<{ SHAPE[0] }, { SHAPE[1] }>(tiles, rank, &left, right);
            }
        });
        for (row, line) in sum.chunks_exact_mut(columns).enumerate() {
            for (part, strip) in line.chunks_mut(width).zip(strips.chunks_exact(rank * width)) {
                part.iter_mut().zip(&strip[row * width..]).for_each(|(to, from)| *to = scale * from);
            }
        }
    }

    /// Columns of a panel of a matrix with `rank` columns.
    fn narrow(rank: usize) -> usize {
        rank.div_ceil(LANES).next_power_of_two().min(WIDE) * LANES
    }

    /// The terms in parts of nearly the same length, at most [`TERMS`] each.
    fn chunks(terms: usize) -> Vec<Range<usize>> {
        let length = terms.div_ceil(terms.div_ceil(TERMS));
        (0..terms).step_by(length).map(|first| first..terms.min(first + length)).collect()
    }

    /// The first chunk overwrites, the others add.
    fn target(chunk: &Range<usize>) -> Target {
        if chunk.start == 0 { Target::Set } else { Target::Add }
    }

    /// Rows of a block: as many blocks for each thread, of whole tiles.
    fn block_rows(rows: usize, terms: usize) -> usize {
        let most = (BLOCK / terms).clamp(MANY_ROWS, BLOCK_ROWS);
        let blocks = rows.div_ceil(most).next_multiple_of(rayon::current_num_threads());
        rows.div_ceil(blocks).next_multiple_of(ROWS)
    }

    /// Some terms of the rows of x from `row` on.
    fn left<'a>(x: Matrix<'a>, row: usize, terms: &Range<usize>) -> Left<'a> {
        let [row_stride, term_stride] = x.strides();
        Left { values: x.tail(row, terms.start), row_stride, term_stride, terms: terms.len() }
    }

    /// Some rows of `left right`, each of `columns` numbers.
    fn multiply_block(out: &mut [f32], columns: usize, left: &[Left<'_>], right: &Panels, target: Target) {
        let (rows, width) = (out.len() / columns, right.width);
        for (panel, lines) in right.values.chunks_exact(right.terms * width).enumerate() {
            let first = panel * width;
            let tiles = Tile {
                values: &mut out[first..],
                row_stride: columns,
                columns: width.min(columns - first),
                target,
            };
            let right = Right { values: lines, stride: width };
            match width / LANES {
                1 => multiply_rows::<MANY_ROWS, 1>(tiles, rows, left, right),
                2 => multiply_rows::<MANY_ROWS, 2>(tiles, rows, left, right),
                _ => multiply_rows::<ROWS, WIDE>(tiles, rows, left, right),
            }
        }
    }

    /// The tiles of `rows` rows, of `R` rows each while there are so many.
    fn multiply_rows<const R: usize, const V: usize>(
        tiles: Tile<'_>,
        rows: usize,
        left: &[Left<'_>],
        right: Right<'_>,
    ) {
        let Tile { values, row_stride, columns, target } = tiles;
        let mut row = 0;
        while row < rows {
            let tile = Tile { values: &mut values[row * row_stride..], row_stride, columns, target };
            row += match rows - row {
                rest if rest >= R => {
                    microkernel::multiply::<R, V>(tile, left, row, right);
                    R
                }
                2.. => {
                    microkernel::multiply::<2, V>(tile, left, row, right);
                    2
                }
                _ => {
                    microkernel::multiply::<1, V>(tile, left, row, right);
                    1
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| (((i * 7919 + seed * 104_729) % 2003) as f32 - 1001.0) / 1001.0).collect()
    }

    /// `a b` in f64, both row-major, `a` with rows of `inner` numbers and `b` with rows of `columns`.
    fn product(a: &[f32], b: &[f32], inner: usize, columns: usize) -> Vec<f32> {
        let rows = a.len() / inner;
        let element = |row: usize, column: usize| {
            let term = |k: usize| f64::from(a[row * inner + k]) * f64::from(b[k * columns + column]);
            (0..inner).map(term).sum::<f64>() as f32
        };
        (0..rows * columns).map(|place| element(place / columns, place % columns)).collect()
    }

    fn close(found: &[f32], expected: &[f32], what: &str) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let norm =
            |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x * x)).sum::<f64>().sqrt();
        let size = norm(&mut expected.iter().copied());
        let error = norm(&mut found.iter().zip(expected).map(|(found, expected)| found - expected));
        assert!(error <= 4e-6 * size + 1e-6, "{what}: error {error}, size {size}");
    }

    /// How matrices are in memory.
    #[derive(Clone, Copy)]
    enum Order {
        Rows,
        Columns,
    }

    /// Both results of a product with a changed matrix, W and D in the given order.
    fn changed([tokens, inputs, rank, outputs]: [usize; 4], order: Order) -> [Vec<f32>; 2] {
        let (x, w) = (values(tokens * inputs, 1), values(inputs * outputs, 2));
        let (down, up) = (values(inputs * rank, 3), values(rank * outputs, 4));
        let (other_w, other_down) = (transposed(&w, outputs), transposed(&down, rank));
        let (w, down) = match order {
            Order::Rows => (Matrix::new(&w, inputs, outputs), Matrix::new(&down, inputs, rank)),
            Order::Columns => (
                Matrix::new(&other_w, outputs, inputs).transposed(),
                Matrix::new(&other_down, rank, inputs).transposed(),
            ),
        };
        let change = Change { down, up: Matrix::new(&up, rank, outputs), scale: 0.5 };
        let (mut inner, mut y) = (vec![f32::NAN; tokens * rank], vec![f32::NAN; tokens * outputs]);
        let out = Changed { inner: &mut inner, y: &mut y };
        multiply_changed(Matrix::new(&x, tokens, inputs), w, change, out);
        [inner, y]
    }

    #[test]
    fn products_with_changed_matrices_agree_with_sums_in_f64() {
        let shapes = [
            [5, 40, 3, 30],
            [6, 1, 1, 1],
            [23, 100, 16, 64],
            [260, 37, 17, 130],
            [31, 70, 40, 65],
            [7, 20, 70, 100],
            [9, 4001, 8, 20],
        ];
        for shape in shapes {
            let [tokens, inputs, rank, outputs] = shape;
            let (x, w) = (values(tokens * inputs, 1), values(inputs * outputs, 2));
            let (down, up) = (values(inputs * rank, 3), values(rank * outputs, 4));
            let expected_inner = product(&x, &down, inputs, rank);
            let low = product(&expected_inner, &up, rank, outputs);
            let dense = product(&x, &w, inputs, outputs);
            let expected = Vec::from_iter(dense.iter().zip(low).map(|(dense, low)| dense + 0.5 * low));
            let [inner, y] = changed(shape, Order::Rows);
            close(&inner, &expected_inner, &format!("inner {shape:?}"));
            close(&y, &expected, &format!("y {shape:?}"));
            let other = changed(shape, Order::Columns);
            close(&other[0], &expected_inner, &format!("inner of other strides {shape:?}"));
            close(&other[1], &expected, &format!("y of other strides {shape:?}"));
        }
    }

    #[test]
    fn sums_over_tokens_agree_with_sums_in_f64() {
        for [tokens, rank, columns] in [[3, 2, 5], [40, 16, 96], [1100, 3, 50], [600, 21, 47], [64, 1, 1]] {
            let (a, b) = (values(tokens * rank, 1), values(tokens * columns, 2));
            let expected = product(&transposed(&a, rank), &b, tokens, columns);
            let scaled = Vec::from_iter(expected.iter().map(|value| 0.5 * value));
            let (a, b) = (Matrix::new(&a, tokens, rank), Matrix::new(&b, tokens, columns));
            close(&sum_over_tokens(a, b, 0.5), &scaled, &format!("{tokens} {rank} {columns}"));
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let (a, b) = (values(700 * 16, 1), values(700 * 300, 2));
        let results = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| {
                let [inner, y] = changed([700, 200, 16, 300], Order::Columns);
                let (a, b) = (Matrix::new(&a, 700, 16), Matrix::new(&b, 700, 300));
                [inner, y, sum_over_tokens(a, b, 1.0).to_vec()]
            })
        };
        let expected = results(1);
        assert!(results(2) == expected && results(5) == expected);
    }

    #[test]
    fn rows_become_columns() {
        assert_eq!(transposed(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3)[..], [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
