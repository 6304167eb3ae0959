//! The global norm of the gradients on a GPU: pieces of fixed size, a fixed tree, and the decision about the step.
//!
//! Three kernels, none of which waits for the host: the squares of each piece, the pieces of each tensor, the tensors.
//! Sums are in f32: a unit adds a few numbers in a row, everything above is a tree, so that rounding grows with the
//! depth of the tree and not with the number of elements. Compensated sums would be no safer: shader compilers may
//! simplify `(a + b) - a`.

use burn::tensor::Tensor as BurnTensor;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Grid, empty, from_primitive, primitive, rows, size, upload};
use super::reduce::{cube_max, cube_sum};
use crate::kernels::slots::{APPLIED, FIRST, LOSS, NORM, OUTCOMES, SCALE};

/// Numbers whose squares one cube adds up.
const PIECE: usize = 16 * 1024;
/// Numbers that a unit adds up before their sum goes into that of the unit.
const BLOCK: usize = 16;

/// What the gradients decide, in the slots of `kernels/slots.rs`.
pub(in crate::kernels) fn apply(
    gradients: &[BurnTensor<1>],
    loss: BurnTensor<1>,
    max_norm: f32,
) -> BurnTensor<1> {
    let loss = rows(primitive(loss));
    let gradients: Vec<_> = gradients.iter().map(|gradient| rows(primitive(gradient.clone()))).collect();
    let (tensors, client) = (gradients.len(), loss.client.clone());
    let sums = empty(&loss, [tensors]);
    let (partial, borders) = pieces(&gradients, &loss);
    let Grid { count, dim } = Grid::cubes(&client, tensors);
    let arguments = (partial.into_tensor_arg(), borders.into_tensor_arg());
    add_pieces::launch(&client, count, dim, arguments.0, arguments.1, sums.clone().into_tensor_arg());
    let outcome = empty(&loss, [OUTCOMES]);
    let Grid { count, dim } = Grid::cubes(&client, 1);
    decide::launch(
        &client,
        count,
        dim,
        sums.into_tensor_arg(),
        loss.into_tensor_arg(),
        outcome.clone().into_tensor_arg(),
        max_norm,
    );
    from_primitive(outcome)
}

/// The sums of squares of all pieces of all tensors, and where the pieces of each tensor begin; the end comes last.
fn pieces(gradients: &[CubeTensor], like: &CubeTensor) -> (CubeTensor, CubeTensor) {
    let mut borders = vec![0];
    for gradient in gradients {
        borders.push(borders[borders.len() - 1] + size(gradient, 0).div_ceil(PIECE) as u32);
    }
    let partial = empty(like, [borders[gradients.len()] as usize]);
    for (gradient, border) in gradients.iter().zip(borders.windows(2)) {
        let Grid { count, dim } = Grid::cubes(&like.client, (border[1] - border[0]) as usize);
        let arguments = (gradient.clone().into_tensor_arg(), partial.clone().into_tensor_arg());
        add_squares::launch(&like.client, count, dim, arguments.0, arguments.1, border[0] as usize);
    }
    let borders = upload(like, &borders, [gradients.len() + 1]);
    (partial, borders)
}

/// The sum of the squares of one piece.
#[cube(launch)]
fn add_squares(gradient: &Tensor<f32>, partial: &mut Tensor<f32>, first: usize) {
    let (piece, count) = (CUBE_POS, gradient.shape(0));
    let start = piece * PIECE;
    if start >= count {
        terminate!();
    }
    let (end, units) = (min(start + PIECE, count), CUBE_DIM as usize);
    let mut sum = f32::new(0.0);
    for block in range_stepped(start + UNIT_POS as usize, end, units * BLOCK) {
        let mut part = f32::new(0.0);
        for i in range_stepped(block, min(block + units * BLOCK, end), units) {
            part += gradient[i] * gradient[i];
        }
        sum += part;
    }
    let total = cube_sum(sum);
    if UNIT_POS == 0 {
        let to = first + piece;
        partial[to] = total;
    }
}

/// The sum of the pieces of one tensor.
#[cube(launch)]
fn add_pieces(partial: &Tensor<f32>, borders: &Tensor<u32>, sums: &mut Tensor<f32>) {
    let tensor = CUBE_POS;
    if tensor >= sums.shape(0) {
        terminate!();
    }
    let total = sum_between(partial, borders[tensor] as usize, borders[tensor + 1] as usize);
    if UNIT_POS == 0 {
        sums[tensor] = total;
    }
}

/// The sum of the tensors and what follows from it.
#[cube(launch)]
fn decide(sums: &Tensor<f32>, loss: &Tensor<f32>, outcome: &mut Tensor<f32>, max_norm: f32) {
    if CUBE_POS > 0 {
        terminate!();
    }
    let tensors = sums.shape(0);
    let norm = sum_between(sums, 0usize, tensors).sqrt();
    // Counted down, so that the first one is the maximum.
    let mut place = f32::new(0.0);
    for tensor in range_stepped(UNIT_POS as usize, tensors, CUBE_DIM as usize) {
        if !is_finite(sums[tensor]) {
            place = max(place, f32::cast_from((tensors - tensor) as u32));
        }
    }
    let first = f32::cast_from(tensors as u32) - cube_max(place);
    if UNIT_POS == 0 {
        let value = loss[0];
        outcome[NORM] = norm;
        outcome[SCALE] = min(max_norm / (norm + f32::new(1e-6)), f32::new(1.0));
        outcome[FIRST] = first;
        outcome[LOSS] = value;
        let applied = is_finite(norm) && is_finite(value);
        outcome[APPLIED] = select(applied, f32::new(1.0), f32::new(0.0));
    }
}

/// The sum of the numbers from `from` to before `to`, the same for all units.
#[cube]
fn sum_between(numbers: &Tensor<f32>, from: usize, to: usize) -> f32 {
    let units = CUBE_DIM as usize;
    let mut sum = f32::new(0.0);
    for block in range_stepped(from + UNIT_POS as usize, to, units * BLOCK) {
        let mut part = f32::new(0.0);
        for i in range_stepped(block, min(block + units * BLOCK, to), units) {
            part += numbers[i];
        }
        sum += part;
    }
    cube_sum(sum)
}

/// Whether a number is neither infinite nor NaN, by its bits: shader compilers may assume that all numbers are finite.
#[cube]
pub(super) fn is_finite(number: f32) -> bool {
    (u32::reinterpret(number) & 0x7f80_0000u32) != 0x7f80_0000u32
}
