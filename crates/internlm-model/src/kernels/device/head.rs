//! The output matrix on a GPU: losses of labeled tokens and their gradients, [`CHUNK`] rows of logits at a time.
//!
//! As on the CPU, the logits of a chunk become their own gradient, `p - onehot(y)`, and give `dh = dlogits W` and
//! `dW = dlogits^T h` before the next chunk replaces them (Liger Kernel, Hsu et al., 2024). Tokens without a label
//! have no logits; what they hold is never read.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::{DType, Shape};
use burn_cubecl::ops::numeric::{ones_client, zeros_client};
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::accumulate::add_to;
use super::embedding::gather;
use super::gemm::{multiply_f32, multiply_into, transposed};
use super::launch::{Grid, cast, empty, rows, size, upload};
use super::reduce::{cube_max, cube_sum};
use crate::TokenId;

/// Tokens whose logits exist at once: 379 MB of f32 with a vocabulary of 92,544.
pub(super) const CHUNK: usize = 1024;

/// The output matrix and the tokens that have a label.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// `[vocab, hidden]`.
    weight: CubeTensor,
    /// `[2, labeled]` u32: which tokens have a label, then the labels.
    targets: CubeTensor,
    /// Tokens that have a label.
    labeled: usize,
}

/// Losses of all tokens and the gradients of their sum.
pub(super) struct Outcome {
    /// Losses times their factors, `[T]`, 0 where there is no label.
    pub(super) losses: CubeTensor,
    /// By the hidden states, in their number format, and by the matrix, in f32, where they were asked for.
    pub(super) gradients: [Option<CubeTensor>; 2],
}

impl Head {
    /// Uploads which tokens have a label.
    ///
    /// # Panics
    /// When a label is not a row of the matrix.
    pub(super) fn new(weight: CubeTensor, labels: &[Option<TokenId>]) -> Self {
        let vocab = size(&weight, 0);
        assert!(labels.iter().flatten().all(|label| label.index() < vocab), "labels are rows of the matrix");
        let tokens = labels.iter().enumerate().filter(|(_, label)| label.is_some());
        let mut targets = Vec::from_iter(tokens.map(|(token, _)| token as u32));
        let labeled = targets.len();
        targets.extend(labels.iter().flatten().map(|label| label.0));
        if targets.is_empty() {
            // Memory of no bytes does not exist; nothing reads these.
            targets = vec![0; 2];
        }
        let targets = upload(&weight, &targets, [2, targets.len() / 2]);
        Self { weight: rows(weight), targets, labeled }
    }

    /// Losses, each multiplied by the factor of its token, and the wanted gradients of their sum.
    ///
    /// # Shapes
    /// - hidden: `[T, hidden]`
    /// - factors: `[T]`, all 1 when `None`
    pub(super) fn losses(
        &self,
        hidden: &CubeTensor,
        factors: Option<CubeTensor>,
        wanted: [bool; 2],
    ) -> Outcome {
        let (client, device) = (&hidden.client, &hidden.device);
        let zeros = |shape: &[usize], dtype: DType| {
            zeros_client(client.clone(), device.clone(), Shape::from(shape.to_vec()), dtype)
        };
        let (tokens, width) = (size(hidden, 0), size(hidden, 1));
        let ones = || ones_client(client.clone(), device.clone(), Shape::new([tokens]), DType::F32);
        let mut pass = Pass {
            head: self,
            hidden: rows(hidden.clone()),
            factors: factors.map_or_else(ones, rows),
            losses: zeros(&[tokens], DType::F32),
            dh: wanted[0].then(|| zeros(&[tokens, width], hidden.dtype)),
            dw: None,
        };
        for first in (0..self.labeled).step_by(CHUNK) {
            pass.chunk(first, wanted);
        }
        let Pass { losses, dh, dw, .. } = pass;
        let dw = wanted[1].then(|| dw.unwrap_or_else(|| zeros(&[size(&self.weight, 0), width], DType::F32)));
        Outcome { losses, gradients: [dh, dw] }
    }
}

/// The inputs, and what the chunks have written so far.
struct Pass<'a> {
    head: &'a Head,
    hidden: CubeTensor,
    factors: CubeTensor,
    losses: CubeTensor,
    dh: Option<CubeTensor>,
    /// Written by the first chunk, added to by the others.
    dw: Option<CubeTensor>,
}

/// What becomes of the logits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Logits {
    /// They stay: only the losses are written.
    Kept,
    /// They become the gradients of the losses.
    Differentiated,
}

impl Pass<'_> {
    /// The labeled tokens from number `first` on, at most [`CHUNK`].
    fn chunk(&mut self, first: usize, wanted: [bool; 2]) {
        let head = self.head;
        let states = empty(&self.hidden, [CHUNK.min(head.labeled - first), size(&self.hidden, 1)]);
        gather(self.hidden.clone(), head.targets.clone(), &states, first);
        let logits = multiply_f32(states.clone(), transposed(&head.weight));
        let purpose = if wanted == [false; 2] { Logits::Kept } else { Logits::Differentiated };
        self.soften(&logits, first, purpose);
        if wanted == [false; 2] {
            return;
        }
        // Products take operands of one number format.
        let logits = cast(logits, states.dtype);
        if wanted[1] {
            self.add_weight_gradient(&logits, &states);
        }
        if let Some(dh) = &self.dh {
            // The states are not needed any more: their gradients take their memory.
            multiply_into(logits, head.weight.clone(), &states);
            let Grid { count, dim } = Grid::units(&states.client, states.meta.num_elements());
            scatter_rows::launch(
                &states.client,
                count,
                dim,
                states.clone().into_tensor_arg(),
                head.targets.clone().into_tensor_arg(),
                dh.clone().into_tensor_arg(),
                first,
                dtype_to_storage_type(states.dtype),
            );
        }
    }

    /// Writes the losses of the chunk and, when asked, the gradients of its logits.
    fn soften(&self, logits: &CubeTensor, first: usize, purpose: Logits) {
        let Grid { count, dim } = Grid::cubes(&logits.client, size(logits, 0));
        soften_rows::launch(
            &logits.client,
            count,
            dim,
            logits.clone().into_tensor_arg(),
            self.head.targets.clone().into_tensor_arg(),
            self.factors.clone().into_tensor_arg(),
            self.losses.clone().into_tensor_arg(),
            first,
            purpose,
        );
    }

    /// `dW += dlogits^T h`: products cannot add to what is there, so later chunks have memory of their own.
    fn add_weight_gradient(&mut self, dlogits: &CubeTensor, states: &CubeTensor) {
        let part = multiply_f32(transposed(dlogits), states.clone());
        match &self.dw {
            None => self.dw = Some(part),
            Some(total) => add_to(total, part),
        }
    }
}

/// One row of logits: `loss = log sum exp - logit_y`, `dlogits = p - onehot(y)`, both times the factor of the token.
#[cube(launch)]
fn soften_rows(
    logits: &mut Tensor<f32>,
    targets: &Tensor<u32>,
    factors: &Tensor<f32>,
    losses: &mut Tensor<f32>,
    first: usize,
    #[comptime] purpose: Logits,
) {
    let row = CUBE_POS;
    if row >= logits.shape(0) {
        terminate!();
    }
    let (from, vocab) = (row * logits.stride(0), logits.shape(1));
    let token = targets[first + row] as usize;
    let label = targets[targets.stride(0) + first + row] as usize;
    let factor = factors[token];
    let mut largest = f32::min_value();
    for column in range_stepped(UNIT_POS as usize, vocab, CUBE_DIM as usize) {
        largest = max(largest, logits[from + column]);
    }
    let largest = cube_max(largest);
    let mut part = f32::new(0.0);
    for column in range_stepped(UNIT_POS as usize, vocab, CUBE_DIM as usize) {
        part += (logits[from + column] - largest).exp();
    }
    // Read before the barriers of the sum: beyond them logits are replaced.
    let target = logits[from + label];
    let total = cube_sum(part);
    if UNIT_POS == 0 {
        losses[token] = (total.ln() - (target - largest)) * factor;
    }
    if comptime!(purpose == Logits::Differentiated) {
        for column in range_stepped(UNIT_POS as usize, vocab, CUBE_DIM as usize) {
            let probability = (logits[from + column] - largest).exp() / total;
            let hit = select(column == label, f32::new(1.0), f32::new(0.0));
            logits[from + column] = (probability - hit) * factor;
        }
    }
}

/// Writes each row of a chunk to its token.
#[cube(launch)]
fn scatter_rows<F: Float>(
    states: &Tensor<F>,
    targets: &Tensor<u32>,
    dh: &mut Tensor<F>,
    first: usize,
    #[define(F)] _format: ElemType,
) {
    let (row, column) = (ABSOLUTE_POS / states.shape(1), ABSOLUTE_POS % states.shape(1));
    if row >= states.shape(0) {
        terminate!();
    }
    let token = targets[first + row] as usize;
    let to = token * dh.stride(0) + column;
    dh[to] = states[row * states.stride(0) + column];
}
