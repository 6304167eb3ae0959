//! RMSNorm on a GPU: one cube per row forward and backward, the weight's gradient in blocks of rows.

use burn::backend::Dispatch;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::Tensor as BurnTensor;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::backend::{DeviceBackend, DeviceOp};
use super::launch::{Grid, empty, empty_f32, rows, size};
use super::reduce::{cube_sum, sum_rows};

/// Rows whose part of the weight's gradient one unit adds up.
const BLOCK: usize = 64;

/// `y = x / sqrt(mean(x^2) + eps) * weight`.
pub(in crate::kernels) fn apply(x: BurnTensor<2>, weight: BurnTensor<1>, eps: f64) -> BurnTensor<2> {
    let op = RmsNormOp { eps: eps as f32 };
    BurnTensor::from_dispatch(Dispatch::device2(op, x.into_dispatch(), weight.into_dispatch()))
}

#[derive(Clone, Copy, Debug)]
struct RmsNormOp {
    eps: f32,
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct Saved {
    x: CubeTensor,
    weight: CubeTensor,
    /// `1 / rms` of each row, `[T]`, f32.
    inverse: CubeTensor,
}

impl DeviceOp<2> for RmsNormOp {
    type Saved = Saved;

    fn forward(self, [x, weight]: [CubeTensor; 2], _wanted: [bool; 2]) -> (CubeTensor, Saved) {
        let (x, weight) = (rows(x), rows(weight));
        let [count, width] = [size(&x, 0), size(&x, 1)];
        let (y, inverse) = (empty(&x, [count, width]), empty_f32(&x, [count]));
        let Grid { count, dim } = Grid::cubes(&x.client, count);
        normalize::launch(
            &x.client,
            count,
            dim,
            x.clone().into_tensor_arg(),
            weight.clone().into_tensor_arg(),
            y.clone().into_tensor_arg(),
            inverse.clone().into_tensor_arg(),
            self.eps,
            dtype_to_storage_type(x.dtype),
        );
        (y, Saved { x, weight, inverse })
    }

    fn backward(saved: Saved, gradient: CubeTensor, wanted: [bool; 2]) -> [Option<CubeTensor>; 2] {
        let gradient = rows(gradient);
        [
            wanted[0].then(|| saved.input_gradient(&gradient)),
            wanted[1].then(|| saved.weight_gradient(&gradient)),
        ]
    }
}

impl Saved {
    /// `dx = r (w g) - x r^3 / n sum(w g x)`.
    fn input_gradient(&self, gradient: &CubeTensor) -> CubeTensor {
        let [count, width] = [size(&self.x, 0), size(&self.x, 1)];
        let dx = empty(&self.x, [count, width]);
        let Grid { count, dim } = Grid::cubes(&self.x.client, count);
        differentiate_rows::launch(
            &self.x.client,
            count,
            dim,
            self.x.clone().into_tensor_arg(),
            self.weight.clone().into_tensor_arg(),
            self.inverse.clone().into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            dx.clone().into_tensor_arg(),
            dtype_to_storage_type(self.x.dtype),
        );
        dx
    }

    /// `dw = sum over rows of g x r`.
    fn weight_gradient(&self, gradient: &CubeTensor) -> CubeTensor {
        let [count, width] = [size(&self.x, 0), size(&self.x, 1)];
        let blocks = count.div_ceil(BLOCK);
        let partial = empty(&self.inverse, [blocks, width]);
        let Grid { count, dim } = Grid::units(&self.x.client, blocks * width);
        add_blocks::launch(
            &self.x.client,
            count,
            dim,
            self.x.clone().into_tensor_arg(),
            self.inverse.clone().into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            partial.clone().into_tensor_arg(),
            dtype_to_storage_type(self.x.dtype),
        );
        sum_rows(partial)
    }
}

#[cube(launch)]
fn normalize<F: Float>(
    x: &Tensor<F>,
    weight: &Tensor<F>,
    y: &mut Tensor<F>,
    inverse: &mut Tensor<f32>,
    eps: f32,
    #[define(F)] _format: ElemType,
) {
    let row = CUBE_POS;
    if row >= x.shape(0) {
        terminate!();
    }
    let (from, to, width) = (row * x.stride(0), row * y.stride(0), x.shape(1));
    let mut squares = f32::new(0.0);
    for column in range_stepped(UNIT_POS as usize, width, CUBE_DIM as usize) {
        let value = f32::cast_from(x[from + column]);
        squares += value * value;
    }
    let mean = cube_sum(squares) / f32::cast_from(width as u32);
    let r = f32::new(1.0) / (mean + eps).sqrt();
    if UNIT_POS == 0 {
        inverse[row] = r;
    }
    for column in range_stepped(UNIT_POS as usize, width, CUBE_DIM as usize) {
        let value = f32::cast_from(x[from + column]) * r;
        y[to + column] = F::cast_from(value * f32::cast_from(weight[column]));
    }
}

#[cube(launch)]
fn differentiate_rows<F: Float>(
    x: &Tensor<F>,
    weight: &Tensor<F>,
    inverse: &Tensor<f32>,
    gradient: &Tensor<F>,
    dx: &mut Tensor<F>,
    #[define(F)] _format: ElemType,
) {
    let row = CUBE_POS;
    if row >= x.shape(0) {
        terminate!();
    }
    let (from, g_from, to) = (row * x.stride(0), row * gradient.stride(0), row * dx.stride(0));
    let width = x.shape(1);
    let mut product = f32::new(0.0);
    for column in range_stepped(UNIT_POS as usize, width, CUBE_DIM as usize) {
        let scaled = f32::cast_from(weight[column]) * f32::cast_from(gradient[g_from + column]);
        product += scaled * f32::cast_from(x[from + column]);
    }
    let r = inverse[row];
    let scale = cube_sum(product) * r * r * r / f32::cast_from(width as u32);
    for column in range_stepped(UNIT_POS as usize, width, CUBE_DIM as usize) {
        let scaled = f32::cast_from(weight[column]) * f32::cast_from(gradient[g_from + column]);
        dx[to + column] = F::cast_from(scaled * r - f32::cast_from(x[from + column]) * scale);
    }
}

#[cube(launch)]
fn add_blocks<F: Float>(
    x: &Tensor<F>,
    inverse: &Tensor<f32>,
    gradient: &Tensor<F>,
    partial: &mut Tensor<f32>,
    #[define(F)] _format: ElemType,
) {
    let (width, count) = (x.shape(1), x.shape(0));
    let (block, column) = (ABSOLUTE_POS / width, ABSOLUTE_POS % width);
    if block >= partial.shape(0) {
        terminate!();
    }
    let first = block * BLOCK;
    let last = min(first + BLOCK, count);
    let mut sum = f32::new(0.0);
    for row in first..last {
        let g = f32::cast_from(gradient[row * gradient.stride(0) + column]);
        sum += g * f32::cast_from(x[row * x.stride(0) + column]) * inverse[row];
    }
    let to = block * partial.stride(0) + column;
    partial[to] = sum;
}
