//! What both backward kernels share: weights made again from the log-sum-exp, and the gradients of the scores.
//!
//! With P = softmax(S), S = q k^T / sqrt(d), gradient dO of the output O: `dP = dO v^T`, `D = rowsum(dO . O)`,
//! `dS = P (dP - D)`, `dq = dS k / sqrt(d)`, `dk = dS^T q / sqrt(d)`, `dv = P^T dO`.

use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::plan::Form;
use super::tile::{Tile, sees};
use crate::kernels::device::launch::{Grid, size};

/// Writes `D`, the product of each query's output with its gradient, into the second half of `norms`.
///
/// # Shapes
/// - out, gradient: `[T, heads * d]`
/// - norms: `[2, heads, T]`
pub(super) fn write_products(out: &CubeTensor, gradient: &CubeTensor, norms: &CubeTensor) {
    let (heads, tokens) = (size(norms, 1), size(norms, 2));
    let Grid { count, dim } = Grid::units(&out.client, tokens * heads);
    multiply_outputs::launch(
        &out.client,
        count,
        dim,
        out.clone().into_tensor_arg(),
        gradient.clone().into_tensor_arg(),
        norms.clone().into_tensor_arg(),
        size(out, 1) / heads,
        dtype_to_storage_type(out.dtype),
    );
}

/// One unit per query.
#[cube(launch)]
fn multiply_outputs<F: Float>(
    out: &Tensor<F>,
    gradient: &Tensor<F>,
    norms: &mut Tensor<f32>,
    #[comptime] d: usize,
    #[define(F)] _format: ElemType,
) {
    let heads = norms.shape(1);
    let (head, token) = (ABSOLUTE_POS % heads, ABSOLUTE_POS / heads);
    if token >= norms.shape(2) {
        terminate!();
    }
    let (from, g_from) = (token * out.stride(0) + head * d, token * gradient.stride(0) + head * d);
    let mut sum = f32::new(0.0);
    for column in 0..d {
        sum += f32::cast_from(out[from + column]) * f32::cast_from(gradient[g_from + column]);
    }
    let to = norms.stride(0) + head * norms.stride(1) + token;
    norms[to] = sum;
}

/// Turns scores into weights and `dP` into `dS / sqrt(d)`, 0 for keys that a query does not see; `queries` is the tile
/// of the queries, the keys begin at `key`.
#[cube]
pub(super) fn differentiate_scores(
    scores: &mut Shared<[f32]>,
    products: &mut Shared<[f32]>,
    norms: &Tensor<f32>,
    queries: Tile,
    key: usize,
    #[comptime] form: Form,
) {
    for i in range_stepped(UNIT_POS as usize, comptime!(form.queries() * form.keys), CUBE_DIM as usize) {
        let (query, key) = (i / form.keys, key + i % form.keys);
        let (head, row) = (query / form.rows, query % form.rows);
        let token = queries.first + row;
        let mut weight = f32::new(0.0);
        let mut gradient = f32::new(0.0);
        if row < queries.count && key < queries.end && sees(token, key, queries.window) {
            let at = (queries.head * form.group + head) * norms.stride(1) + token;
            weight = (scores[i] - norms[at]).exp();
            gradient = weight * (products[i] - norms[norms.stride(0) + at]);
            gradient *= f32::new(comptime!(1.0 / (form.d as f32).sqrt()));
        }
        scores[i] = weight;
        products[i] = gradient;
    }
}

/// The unit's numbers of a gradient, to be added up.
#[cube]
pub(super) fn zeros(#[comptime] count: usize) -> Array<f32> {
    let mut sums = Array::<f32>::new(count);
    #[unroll]
    for i in 0..count {
        sums[i] = f32::new(0.0);
    }
    sums
}
