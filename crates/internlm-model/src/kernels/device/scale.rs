//! Multiplying a gradient by a factor that is on the GPU.

use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::launch::{Grid, empty, rows, size};

/// Each row times its factor; one factor is for all rows.
///
/// # Shapes
/// - matrix, output: `[rows, width]`
/// - factors: `[rows]` or `[1]`, f32
pub(super) fn scale(matrix: CubeTensor, factors: &CubeTensor) -> CubeTensor {
    // Nobody else holds the memory of a gradient that is used once: the result takes it.
    let alone = matrix.can_mut() && matrix.is_contiguous();
    let y = if alone { matrix.clone() } else { empty(&matrix, [size(&matrix, 0), size(&matrix, 1)]) };
    let Grid { count, dim } = Grid::units(&y.client, y.meta.num_elements());
    let (client, format) = (y.client.clone(), dtype_to_storage_type(y.dtype));
    let factors = rows(factors.clone()).into_tensor_arg();
    if alone {
        scale_in_place::launch(&client, count, dim, y.clone().into_tensor_arg(), factors, format);
    } else {
        let matrix = rows(matrix).into_tensor_arg();
        scale_rows::launch(&client, count, dim, matrix, factors, y.clone().into_tensor_arg(), format);
    }
    y
}

/// The factor of a row.
#[cube]
fn factor_of(factors: &Tensor<f32>, row: usize) -> f32 {
    factors[min(row, factors.shape(0) - 1)]
}

#[cube(launch)]
fn scale_in_place<F: Float>(matrix: &mut Tensor<F>, factors: &Tensor<f32>, #[define(F)] _format: ElemType) {
    let (row, column) = (ABSOLUTE_POS / matrix.shape(1), ABSOLUTE_POS % matrix.shape(1));
    if row >= matrix.shape(0) {
        terminate!();
    }
    let at = row * matrix.stride(0) + column;
    let value = f32::cast_from(matrix[at]) * factor_of(factors, row);
    matrix[at] = F::cast_from(value);
}

#[cube(launch)]
fn scale_rows<F: Float>(
    matrix: &Tensor<F>,
    factors: &Tensor<f32>,
    y: &mut Tensor<F>,
    #[define(F)] _format: ElemType,
) {
    let (row, column) = (ABSOLUTE_POS / y.shape(1), ABSOLUTE_POS % y.shape(1));
    if row >= y.shape(0) {
        terminate!();
    }
    let value = f32::cast_from(matrix[row * matrix.stride(0) + column]);
    let to = row * y.stride(0) + column;
    y[to] = F::cast_from(value * factor_of(factors, row));
}
