//! Matrix products on slices: a checked, safe face of the `gemm` crate.
//!
//! The order of the additions inside one element depends on the shapes only, never on the number of threads: the
//! crate splits rows and columns among threads, not the summed dimension (verified by a test).

#![allow(unsafe_code, reason = "the `gemm` crate takes pointers; every block says why it is sound")]

use gemm::Parallelism;

/// A read-only matrix inside a slice, any strides.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `rows` rows of `columns` consecutive values.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// Rows of `columns` consecutive values, `row_stride` apart.
    pub(crate) fn strided(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(rows == 0 || (rows - 1) * row_stride + columns <= data.len(), "the matrix is in the slice");
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// One row of a row-major matrix.
    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        &self.data[row * self.row_stride..][..self.columns]
    }

    /// Columns `first .. first + count`.
    pub(crate) fn columns_range(self, first: usize, count: usize) -> Self {
        assert!(first + count <= self.columns, "the columns are in the matrix");
        let data = &self.data[(first * self.column_stride).min(self.data.len())..];
        Self { data, columns: count, ..self }
    }

    /// Rows `first .. first + count`.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn rows_range(self, first: usize, count: usize) -> Self {
        self.transposed().columns_range(first, count).transposed()
    }

    /// Distances in floats between rows and between columns.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn strides(&self) -> [usize; 2] {
        [self.row_stride, self.column_stride]
    }

    /// The memory from an element on.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn tail(&self, row: usize, column: usize) -> &'a [f32] {
        &self.data[row * self.row_stride + column * self.column_stride..]
    }

    /// The transposed matrix, same memory.
    pub(crate) fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// A matrix to be written, row-major with a row stride.
pub(crate) struct MatrixMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// `rows` rows of `columns` consecutive values.
    pub(crate) fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// Rows of `columns` consecutive values, `row_stride` apart.
    pub(crate) fn strided(data: &'a mut [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(columns <= row_stride || rows <= 1, "rows do not overlap");
        assert!(rows == 0 || (rows - 1) * row_stride + columns <= data.len(), "the matrix is in the slice");
        Self { data, rows, columns, row_stride }
    }
}

/// What happens to the old content of the result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    /// It is overwritten.
    Set,
    /// The product is added to it.
    Add,
}

/// Who computes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Threads {
    /// This thread only: inside a task of a parallel loop.
    One,
    /// All threads when the product is worth it.
    All,
}

/// Multiply-adds below which waking other threads costs more than it brings.
const PARALLEL_THRESHOLD: usize = 1 << 21;

/// `c = factor * a b` or `c += factor * a b`.
pub(crate) fn multiply(
    c: MatrixMut<'_>,
    target: Target,
    a: Matrix<'_>,
    b: Matrix<'_>,
    factor: f32,
    threads: Threads,
) {
    let (m, n, k) = (a.rows, b.columns, a.columns);
    assert_eq!(k, b.rows, "inner sizes of a product agree");
    assert_eq!((m, n), (c.rows, c.columns), "the result has the rows of a and the columns of b");
    let parallelism = match threads {
        Threads::All if m * n * k >= PARALLEL_THRESHOLD => Parallelism::Rayon(0),
        _ => Parallelism::None,
    };
    // SAFETY: the constructors checked that every element of the three matrices is inside its slice; `c` is
    // borrowed exclusively and its rows do not overlap.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.data.as_mut_ptr(),
            1,
            c.row_stride as isize,
            target == Target::Add,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            factor,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| (((i * 7919 + seed * 104_729) % 2003) as f32 - 1001.0) / 1001.0).collect()
    }

    fn product(pool: &rayon::ThreadPool, [m, n, k]: [usize; 3]) -> Vec<f32> {
        let (a, b) = (values(m * k, 1), values(n * k, 2));
        let mut c = vec![0.0; m * n];
        pool.install(|| {
            let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, n, k).transposed());
            multiply(MatrixMut::new(&mut c, m, n), Target::Set, a, b, 1.0, Threads::All);
        });
        c
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let pool = |threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of a few threads")
        };
        let (one, two, five) = (pool(1), pool(2), pool(5));
        for shape in [[300, 256, 512], [2048, 256, 64], [65, 130, 2049], [1, 1000, 4096], [512, 3, 2000]] {
            let expected = product(&one, shape);
            assert!(product(&two, shape) == expected, "two threads, {shape:?}");
            assert!(product(&five, shape) == expected, "five threads, {shape:?}");
        }
    }

    #[test]
    fn strided_transposed_and_accumulated_products_agree_with_loops() {
        let (m, n, k) = (5, 4, 3);
        let (a, b) = (values(m * 8, 1), values(n * 8, 2));
        let mut c = values(m * 6, 3);
        let before = c.clone();
        let (left, right) = (Matrix::strided(&a, m, k, 8), Matrix::strided(&b, n, k, 8).transposed());
        multiply(MatrixMut::strided(&mut c, m, n, 6), Target::Add, left, right, 0.5, Threads::One);
        for (i, row) in c.chunks(6).enumerate() {
            for (j, &found) in row.iter().enumerate() {
                let sum = || (0..k).map(|x| a[i * 8 + x] * b[j * 8 + x]).sum::<f32>();
                let expected = before[i * 6 + j] + if j < n { 0.5 * sum() } else { 0.0 };
                assert!((found - expected).abs() < 1e-6, "{i} {j}: {found} {expected}");
            }
        }
    }
}
