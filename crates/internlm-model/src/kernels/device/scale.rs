//! Multiplying a gradient by a factor that is on the GPU.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Grid, empty, rows, size};

/// Each row times its factor; one factor is for all rows.
///
/// # Shapes
/// - matrix, output: `[rows, width]`
/// - factors: `[rows]` or `[1]`
pub(super) fn scale(matrix: CubeTensor, factors: &CubeTensor) -> CubeTensor {
    // Nobody else holds the memory of a gradient that is used once: the result takes it.
    let alone = matrix.can_mut() && matrix.is_contiguous();
    let y = if alone { matrix.clone() } else { empty(&matrix, [size(&matrix, 0), size(&matrix, 1)]) };
    let Grid { count, dim } = Grid::units(&y.client, y.meta.num_elements());
    let (client, factors) = (y.client.clone(), rows(factors.clone()).into_tensor_arg());
    if alone {
        scale_in_place::launch(&client, count, dim, y.clone().into_tensor_arg(), factors);
    } else {
        let matrix = rows(matrix).into_tensor_arg();
        scale_rows::launch(&client, count, dim, matrix, factors, y.clone().into_tensor_arg());
    }
    y
}

/// The factor of a row.
#[cube]
fn factor_of(factors: &Tensor<f32>, row: usize) -> f32 {
    factors[min(row, factors.shape(0) - 1)]
}

#[cube(launch)]
fn scale_in_place(matrix: &mut Tensor<f32>, factors: &Tensor<f32>) {
    let (row, column) = (ABSOLUTE_POS / matrix.shape(1), ABSOLUTE_POS % matrix.shape(1));
    if row >= matrix.shape(0) {
        terminate!();
    }
    let at = row * matrix.stride(0) + column;
    matrix[at] *= factor_of(factors, row);
}

#[cube(launch)]
fn scale_rows(matrix: &Tensor<f32>, factors: &Tensor<f32>, y: &mut Tensor<f32>) {
    let (row, column) = (ABSOLUTE_POS / y.shape(1), ABSOLUTE_POS % y.shape(1));
    if row >= y.shape(0) {
        terminate!();
    }
    let value = matrix[row * matrix.stride(0) + column];
    let to = row * y.stride(0) + column;
    y[to] = value * factor_of(factors, row);
}
