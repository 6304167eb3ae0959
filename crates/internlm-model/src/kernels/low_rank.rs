//! The products of a low-rank adapter on the CPU: the product with a changed matrix, and sums over tokens.
//!
//! The general product of `x W + s (x D) U` writes the result for the low-rank part and reads it again for every few
//! hundred inputs of W. With AVX-512 x is multiplied by W and `x D` by U together, and each number of the result is written
//! once. On other machines, the general product does the same work.
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
    //! Each thread takes columns of a matrix, packs them where its second-level cache keeps them, and multiplies all rows.

    use std::ops::Range;

    use super::{Change, Changed};
    use crate::kernels::buffer::Buffer;
    use crate::kernels::gemm::{Matrix, Target};
    use crate::kernels::microkernel::{self, LANES, Left, Part, Right};

    /// Rows of the tiles with 1, 2, 3 and 4 vectors of columns: at most 24 of the 32 registers hold sums.
    const ROWS: [usize; 4] = [12, 12, 8, 6];
    /// Maximum number of terms of one chain of additions: bounds the error, and a panel fits the second-level cache.
    const TERMS: usize = 1600;
    /// Numbers of a left factor that are read for each panel: a part of the last-level cache.
    const LEFT: usize = 1 << 20;
    /// Minimum number of rows that columns are packed for.
    const WORTH_PACKING: usize = 96;

    /// Whether there are enough rows for a tile, something to compute, and the instructions.
    pub(super) fn takes([rows, others @ ..]: [usize; 4]) -> bool {
        rows >= ROWS[3] && !others.contains(&0) && microkernel::available()
    }

    /// A factor of a product, `factor right`, and what it is multiplied by from the left.
    #[derive(Clone, Copy)]
    struct Factors<'a> {
        left: Matrix<'a>,
        right: Matrix<'a>,
        factor: f32,
    }

    pub(super) fn multiply_changed(x: Matrix<'_>, w: Matrix<'_>, change: Change<'_>, out: Changed<'_>) {
        let (rank, outputs) = (change.down.columns(), w.columns());
        multiply_sum(out.inner, rank, Factors { left: x, right: change.down, factor: 1.0 }, None);
        let inner = Matrix::new(out.inner, x.rows(), rank);
        let dense = Factors { left: x, right: w, factor: 1.0 };
        let low = Factors { left: inner, right: change.up, factor: change.scale };
        multiply_sum(out.y, outputs, dense, Some(low));
    }

    pub(super) fn sum_over_tokens(a: Matrix<'_>, b: Matrix<'_>, scale: f32, sum: &mut [f32]) {
        /// Vectors of columns of a tile.
        const WIDE: usize = 3;
        /// Tokens whose sum joins the others: their columns of one tile stay in the cache.
        const TOKENS: usize = 512;
        let width = WIDE * LANES;
        let (tokens, rank, columns) = (a.rows(), a.columns(), b.columns());
        let [token_stride, rank_stride] = a.strides();
        microkernel::for_each_part(sum, columns, [rank, width], |[_, first], mut part| {
            // The last columns are copied, because vectors would end outside of the matrix.
            let copy = (first + width > columns || b.strides()[1] != 1).then(|| {
                let mut lines = Buffer::stale(tokens * width);
                pack(b, 1.0, first, (&mut lines, width));
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
                multiply_rows::<{ ROWS[WIDE - 1] }, WIDE>(&mut part, target, &left, right);
            }
        });
        sum.iter_mut().for_each(|value| *value *= scale);
    }

    /// `product`, or the sum of it and a short one.
    fn multiply_sum(out: &mut [f32], columns: usize, product: Factors<'_>, short: Option<Factors<'_>>) {
        let vectors = vectors(columns);
        let width = vectors * LANES;
        let (rows, terms) = (product.left.rows(), product.left.columns());
        let block = block_rows([rows, terms], columns.div_ceil(width), ROWS[vectors - 1]);
        microkernel::for_each_part(out, columns, [block, width], |[row, column], mut part| {
            for chunk in chunks(terms) {
                let short =
                    short.filter(|_| chunk.end == terms).map(|short| (short, 0..short.left.columns()));
                let pieces = Vec::from_iter([(product, chunk.clone())].into_iter().chain(short));
                let mut lines = Buffer::stale(pieces.iter().map(|(_, terms)| terms.len() * width).sum());
                let mut rest = &mut lines[..];
                for (piece, terms) in &pieces {
                    let own = rest.split_off_mut(..terms.len() * width).expect("the lines of all pieces");
                    let right = piece.right.rows_range(terms.start, terms.len());
                    pack(right, piece.factor, column, (own, width));
                }
                let left = Vec::from_iter(pieces.iter().map(|(piece, terms)| left(piece.left, row, terms)));
                let right = Right { values: &lines, stride: width };
                let target = if chunk.start == 0 { Target::Set } else { Target::Add };
                match vectors {
                    1 => multiply_rows::<{ ROWS[0] }, 1>(&mut part, target, &left, right),
                    2 => multiply_rows::<{ ROWS[1] }, 2>(&mut part, target, &left, right),
                    3 => multiply_rows::<{ ROWS[2] }, 3>(&mut part, target, &left, right),
                    _ => multiply_rows::<{ ROWS[3] }, 4>(&mut part, target, &left, right),
                }
            }
        });
    }

    /// Vectors of columns of a tile: those with which the busiest thread has the fewest columns to compute.
    fn vectors(columns: usize) -> usize {
        let busiest = |vectors: usize| {
            columns.div_ceil(vectors * LANES).div_ceil(rayon::current_num_threads()) * vectors
        };
        match columns.div_ceil(LANES) {
            few @ 1..=2 => few,
            _ if busiest(3) < busiest(4) => 3,
            _ => 4,
        }
    }

    /// Rows of a part: all, unless threads would have nothing to do or the left factor would not stay in the cache.
    fn block_rows([rows, terms]: [usize; 2], panels: usize, tile: usize) -> usize {
        let for_threads = (2 * rayon::current_num_threads()).div_ceil(panels);
        let blocks = (rows * terms).div_ceil(LEFT).max(for_threads);
        rows.div_ceil(blocks).max(WORTH_PACKING).next_multiple_of(tile)
    }

    /// The terms in parts of nearly the same length, at most [`TERMS`] each.
    fn chunks(terms: usize) -> impl Iterator<Item = Range<usize>> {
        let length = terms.div_ceil(terms.div_ceil(TERMS));
        (0..terms).step_by(length).map(move |first| first..terms.min(first + length))
    }

    /// Some terms of the rows of x from `row` on.
    fn left<'a>(x: Matrix<'a>, row: usize, terms: &Range<usize>) -> Left<'a> {
        let [row_stride, term_stride] = x.strides();
        Left { values: x.tail(row, terms.start), row_stride, term_stride, terms: terms.len() }
    }

    /// Writes `factor` times the columns from `first` on as lines of `width` numbers, zeros where there is no column.
    fn pack(matrix: Matrix<'_>, factor: f32, first: usize, (lines, width): (&mut [f32], usize)) {
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

    /// The rows of a part, in tiles of `R` rows while there are so many.
    fn multiply_rows<const R: usize, const V: usize>(
        part: &mut Part<'_>,
        target: Target,
        left: &[Left<'_>],
        right: Right<'_>,
    ) {
        let (mut row, rows) = (0, part.rows());
        while row < rows {
            row += match rows - row {
                rest if rest >= R => {
                    microkernel::multiply::<R, V>(part, row, target, left, right);
                    R
                }
                2.. => {
                    microkernel::multiply::<2, V>(part, row, target, left, right);
                    2
                }
                _ => {
                    microkernel::multiply::<1, V>(part, row, target, left, right);
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
        // Other numbers of threads make other tiles of both shapes; the second has several chains of additions.
        let shapes = [[700, 200, 16, 300], [700, 3300, 16, 100]];
        let (a, b) = (values(700 * 16, 1), values(700 * 300, 2));
        let results = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| {
                let (a, b) = (Matrix::new(&a, 700, 16), Matrix::new(&b, 700, 300));
                let sum = sum_over_tokens(a, b, 1.0).to_vec();
                (shapes.map(|shape| changed(shape, Order::Columns)), sum)
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
