//! AdamW on a GPU: one pass over parameter, moments and gradient, in place; a skipped step writes nothing.

use burn::tensor::Tensor as BurnTensor;
use cubecl::prelude::*;

use super::launch::{Grid, from_primitive, owned, primitive, rows, size};
use crate::kernels::slots::{APPLIED, BETA1, BETA2, EPS, KEEP, ROOT_CORRECTION, SCALE, STEP_SIZE};

/// Parameter and moments after an update.
pub(in crate::kernels) fn apply(
    state: [BurnTensor<1>; 3],
    gradient: BurnTensor<1>,
    buffers: [BurnTensor<1>; 2],
) -> [BurnTensor<1>; 3] {
    let [p, m, v] = state.map(|part| owned(primitive(part)));
    let gradient = rows(primitive(gradient));
    let [coefficients, outcome] = buffers.map(|buffer| rows(primitive(buffer)));
    let Grid { count, dim } = Grid::units(&p.client, size(&p, 0));
    update::launch(
        &p.client,
        count,
        dim,
        p.clone().into_tensor_arg(),
        m.clone().into_tensor_arg(),
        v.clone().into_tensor_arg(),
        gradient.into_tensor_arg(),
        coefficients.into_tensor_arg(),
        outcome.into_tensor_arg(),
    );
    [p, m, v].map(from_primitive)
}

/// The order of operations is that of `optim/adamw.rs` in internlm-train.
#[cube(launch)]
fn update(
    p: &mut Tensor<f32>,
    m: &mut Tensor<f32>,
    v: &mut Tensor<f32>,
    gradient: &Tensor<f32>,
    coefficients: &Tensor<f32>,
    outcome: &Tensor<f32>,
) {
    let i = ABSOLUTE_POS;
    if i >= p.shape(0) || outcome[APPLIED] == f32::new(0.0) {
        terminate!();
    }
    let (beta1, beta2) = (coefficients[BETA1], coefficients[BETA2]);
    let g = gradient[i] * outcome[SCALE];
    let mean = beta1 * m[i] + (f32::new(1.0) - beta1) * g;
    let square = beta2 * v[i] + (f32::new(1.0) - beta2) * (g * g);
    m[i] = mean;
    v[i] = square;
    let denominator = square.sqrt() * coefficients[ROOT_CORRECTION] + coefficients[EPS];
    let kept = coefficients[KEEP] * p[i];
    p[i] = kept - coefficients[STEP_SIZE] * mean / denominator;
}
