//! Forward and backward passes over packed rows: the loss and its gradient, without an update.

use std::ops::Range;

use burn::tensor::Tensor;
use internlm_model::attend::Causal;
use internlm_model::decoder::Decoder;

use crate::gradients::Gradients;
use crate::layers::Layers;
use crate::loss::{Loss, LossSum, cross_entropy, head_outputs, sum_in_f64};
use crate::objective::{Head, Pass};
use crate::parameters;
use crate::recompute::Recompute;
use crate::report::{Evaluation, StepTimes};
use crate::{Result, Row};

/// Rows of one step that this process computes.
pub(crate) struct Share<'a> {
    /// Number of the step, from 0.
    pub(crate) step: u64,
    /// Which rows of the step these are.
    pub(crate) range: Range<usize>,
    /// All rows of the step.
    pub(crate) rows: &'a [Row],
    /// Maximum number of tokens of one pass.
    pub(crate) pass_tokens: usize,
    /// What a forward pass keeps.
    pub(crate) recompute: Recompute,
}

/// A loss, its gradient, and the time that they took.
pub(crate) struct Computed {
    pub(crate) loss: LossSum,
    pub(crate) gradients: Gradients,
    pub(crate) times: StepTimes,
}

/// Passes of one step are numbered from this times the step: more than any step has rows.
const PASSES: u64 = 1 << 24;

impl Share<'_> {
    /// The loss over the share and its gradient by the trainable parameters of `decoder`.
    pub(crate) fn compute(&self, decoder: &Decoder, loss: &mut Loss<'_>) -> Result<Computed> {
        let layers = Layers::of(decoder, self.recompute);
        let (mut total, mut times) = (LossSum::default(), StepTimes::default());
        let mut sum: Gradients = vec![None; layers.trained()];
        for (range, row) in Row::join_ranges(&self.rows[self.range.clone()], self.pass_tokens) {
            let rows = self.range.start + range.start..self.range.start + range.end;
            decoder.noise().begin(self.step.wrapping_mul(PASSES).wrapping_add(rows.start as u64));
            let pass = Pass { step: self.step, rows, row: &row };
            let (value, spent) = layers.compute(&pass, loss, &mut sum)?;
            total.add(value);
            times.forward += spent.forward;
            times.backward += spent.backward;
        }
        Ok(Computed { loss: total, gradients: sum, times })
    }
}

/// The decoder's output for each token of a row, `[T, hidden]`.
fn hidden(decoder: &Decoder, row: &Row) -> Result<Tensor<2>> {
    let device = decoder.tok_embeddings.weight.device().inner();
    let ids = decoder.ids(&row.ids, &device)?;
    Ok(decoder.forward(ids, &mut Causal::packed(&row.cu_seqlens)))
}

/// The loss over `rows` of a decoder without autodiff.
///
/// # Errors
/// An id that the model has no embedding for.
pub fn evaluate(decoder: &Decoder, rows: &[Row], pass_tokens: usize) -> Result<Evaluation> {
    let mut evaluation = Evaluation::default();
    for row in Row::join(rows, pass_tokens) {
        let found = cross_entropy(decoder, hidden(decoder, &row)?, &row);
        evaluation.loss_sum += sum_in_f64(found.token_losses);
        evaluation.targets += row.targets() as u64;
        evaluation.weight += row.weight();
    }
    Ok(evaluation)
}

/// The head's number for each token of each row, of a decoder without autodiff: reference log-probabilities, values of
/// a critic, scores of a reward model.
///
/// # Errors
/// An id that the model has no embedding for.
pub fn outputs(decoder: &Decoder, rows: &[Row], kind: Head, pass_tokens: usize) -> Result<Vec<Vec<f32>>> {
    let mut outputs = Vec::with_capacity(rows.len());
    for (range, row) in Row::join_ranges(rows, pass_tokens) {
        let data = head_outputs(decoder, hidden(decoder, &row)?, &row, kind).into_data();
        let mut rest = parameters::numbers(&data);
        for row in &rows[range] {
            let (own, next) = rest.split_at(row.tokens());
            outputs.push(own.to_vec());
            rest = next;
        }
    }
    Ok(outputs)
}
