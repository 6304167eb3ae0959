//! Rows of the embedding matrix on a GPU; the gradient adds rows in the order of the tokens, without atomics.
//!
//! Each token is linked to the next token with the same id. The first token of such a chain adds the gradients of all
//! its tokens into the row of its id, so every row is written once and in one order.

use burn::backend::Dispatch;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::{self, DType, Shape, Tensor as BurnTensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::{empty_device_contiguous_dtype, zeros_client};
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::backend::{DeviceBackend, DeviceOp};
use super::launch::{Grid, empty, rows, size};

/// Rows of the embedding matrix.
pub(in crate::kernels) fn apply(weight: BurnTensor<2>, ids: BurnTensor<1, tensor::Int>) -> BurnTensor<2> {
    let ids = ids.inner().try_into_primitive::<CubeBackend>();
    let op = EmbeddingOp { ids: into_contiguous(ids.expect("ids are on the device of the matrix")) };
    BurnTensor::from_dispatch(Dispatch::device1(op, weight.into_dispatch()))
}

#[derive(Clone, Debug)]
struct EmbeddingOp {
    ids: CubeTensor,
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct Saved {
    ids: CubeTensor,
    /// Rows of the matrix.
    vocab: usize,
}

impl DeviceOp<1> for EmbeddingOp {
    type Saved = Saved;

    fn forward(self, [weight]: [CubeTensor; 1], _wanted: [bool; 1]) -> (CubeTensor, Saved) {
        let (weight, ids) = (rows(weight), self.ids);
        let y = empty(&weight, [size(&ids, 0), size(&weight, 1)]);
        let saved = Saved { ids: ids.clone(), vocab: size(&weight, 0) };
        gather(weight, ids, &y, 0);
        (y, saved)
    }

    fn backward(saved: Saved, gradient: CubeTensor, wanted: [bool; 1]) -> [Option<CubeTensor>; 1] {
        [wanted[0].then(|| add_up(saved.ids, rows(gradient), saved.vocab))]
    }
}

/// Writes `matrix[ids[first + row]]` into each row of `y`.
pub(super) fn gather(matrix: CubeTensor, ids: CubeTensor, y: &CubeTensor, first: usize) {
    let Grid { count, dim } = Grid::units(&y.client, y.meta.num_elements());
    let formats = [dtype_to_storage_type(y.dtype), dtype_to_storage_type(ids.dtype)];
    copy_rows::launch(
        &y.client,
        count,
        dim,
        matrix.into_tensor_arg(),
        ids.into_tensor_arg(),
        y.clone().into_tensor_arg(),
        first,
        formats,
    );
}

/// The sums of the rows of `gradient` that have the same id, `[vocab, hidden]` in f32.
fn add_up(ids: CubeTensor, gradient: CubeTensor, vocab: usize) -> CubeTensor {
    let (client, device) = (gradient.client.clone(), gradient.device.clone());
    let (tokens, width) = (size(&gradient, 0), size(&gradient, 1));
    // [2, T]: the next token of the same id, T at the end of a chain; 1 where an earlier token has the same id.
    let links =
        empty_device_contiguous_dtype(client.clone(), device.clone(), Shape::new([2, tokens]), DType::U32);
    let id_format = dtype_to_storage_type(ids.dtype);
    let Grid { count, dim } = Grid::units(&client, tokens);
    let arguments = (ids.clone().into_tensor_arg(), links.clone().into_tensor_arg());
    link_tokens::launch(&client, count, dim, arguments.0, arguments.1, id_format);
    let dw = zeros_client(client.clone(), device, Shape::new([vocab, width]), DType::F32);
    let Grid { count, dim } = Grid::cubes(&client, tokens);
    let format = dtype_to_storage_type(gradient.dtype);
    add_chains::launch(
        &client,
        count,
        dim,
        gradient.into_tensor_arg(),
        ids.into_tensor_arg(),
        links.into_tensor_arg(),
        dw.clone().into_tensor_arg(),
        [format, id_format],
    );
    dw
}

#[cube(launch)]
fn copy_rows<F: Float, I: Int>(
    matrix: &Tensor<F>,
    ids: &Tensor<I>,
    y: &mut Tensor<F>,
    first: usize,
    #[define(F, I)] _formats: [ElemType; 2],
) {
    let (row, column) = (ABSOLUTE_POS / y.shape(1), ABSOLUTE_POS % y.shape(1));
    if row >= y.shape(0) {
        terminate!();
    }
    let source = u32::cast_from(ids[first + row]) as usize;
    let to = row * y.stride(0) + column;
    y[to] = matrix[source * matrix.stride(0) + column];
}

#[cube(launch)]
fn link_tokens<I: Int>(ids: &Tensor<I>, links: &mut Tensor<u32>, #[define(I)] _format: ElemType) {
    let (token, tokens) = (ABSOLUTE_POS, ids.shape(0));
    if token >= tokens {
        terminate!();
    }
    let id = ids[token];
    let mut next = token + 1;
    while next < tokens && ids[next] != id {
        next += 1;
    }
    links[token] = next as u32;
    // Counted down from the token itself: 0 when no token before it has its id.
    let mut before = token;
    while before > 0 && ids[before - 1] != id {
        before -= 1;
    }
    let to = links.stride(0) + token;
    links[to] = select(before > 0, 1u32, 0u32);
}

#[cube(launch)]
fn add_chains<F: Float, I: Int>(
    gradient: &Tensor<F>,
    ids: &Tensor<I>,
    links: &Tensor<u32>,
    dw: &mut Tensor<f32>,
    #[define(F, I)] _formats: [ElemType; 2],
) {
    let (token, tokens) = (CUBE_POS, ids.shape(0));
    if token >= tokens || links[links.stride(0) + token] == 1 {
        terminate!();
    }
    let to = u32::cast_from(ids[token]) as usize * dw.stride(0);
    for column in range_stepped(UNIT_POS as usize, dw.shape(1), CUBE_DIM as usize) {
        let mut sum = f32::new(0.0);
        let mut next = token;
        while next < tokens {
            sum += f32::cast_from(gradient[next * gradient.stride(0) + column]);
            next = links[next] as usize;
        }
        dw[to + column] = sum;
    }
}
