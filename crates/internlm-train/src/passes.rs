//! Forward and backward passes over packed rows: the loss and its gradient, without an update.

use std::ops::Range;
use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use internlm_model::attend::Causal;
use internlm_model::decoder::Decoder;
use internlm_model::kernels::Labels;
use rayon::prelude::*;

use crate::objective::{Head, Objective, Pass};
use crate::parameters;
use crate::report::{Evaluation, StepTimes};
use crate::{Result, Row};

/// The gradient of every trainable parameter; `None` where one took no part in the loss.
pub(crate) type Gradients = Vec<Option<TensorData>>;

/// What is minimized.
pub(crate) enum Loss<'a> {
    /// The mean of -log p over labels of this total weight.
    CrossEntropy {
        /// Sum of the weights of all labels of the step.
        weight: f64,
    },
    /// Whatever the objective says.
    Objective(&'a mut dyn Objective),
}

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
}

/// A loss, its gradient, and the time that they took.
pub(crate) struct Computed {
    pub(crate) loss: f64,
    pub(crate) gradients: Gradients,
    pub(crate) times: StepTimes,
}

/// Passes of one step are numbered from this times the step: more than any step has rows.
const PASSES: u64 = 1 << 24;

impl Share<'_> {
    /// The loss over the share and its gradient by the trainable parameters of `decoder`.
    pub(crate) fn compute(&self, decoder: &Decoder, loss: &mut Loss<'_>) -> Result<Computed> {
        let (mut total, mut times) = (0.0, StepTimes::default());
        let mut sum: Gradients = vec![None; parameters::trainable(decoder).len()];
        for (range, row) in Row::join_ranges(&self.rows[self.range.clone()], self.pass_tokens) {
            let rows = self.range.start + range.start..self.range.start + range.end;
            decoder.noise().begin(self.step.wrapping_mul(PASSES).wrapping_add(rows.start as u64));
            let pass = Pass { step: self.step, rows, row: &row };
            let start = Instant::now();
            let (value, graph) = forward(decoder, &pass, loss)?;
            total += value;
            times.forward += start.elapsed().as_secs_f64();
            let start = Instant::now();
            if let Some(graph) = graph {
                accumulate(&mut sum, parameters::take_gradients(decoder, graph.backward()));
            }
            times.backward += start.elapsed().as_secs_f64();
        }
        Ok(Computed { loss: total, gradients: sum, times })
    }
}

/// The loss of a pass and, when anything depends on the model, what to differentiate.
fn forward(decoder: &Decoder, pass: &Pass<'_>, loss: &mut Loss<'_>) -> Result<(f64, Option<Tensor<1>>)> {
    let row = pass.row;
    let device = decoder.tok_embeddings.weight.device().inner();
    match loss {
        Loss::CrossEntropy { weight } => {
            let weight = if *weight > 0.0 { *weight } else { 1.0 };
            let (sum, value) = cross_entropy(decoder, row, &device)?;
            // A row without labels has no gradient: its loss is not part of the graph.
            Ok((value / weight, (row.targets() > 0).then(|| sum.div_scalar(weight))))
        }
        Loss::Objective(objective) => {
            let outputs = head(decoder, row, objective.head())?;
            let data = outputs.clone().into_data();
            let found = objective.loss(pass, parameters::numbers(&data))?;
            assert_eq!(found.gradient.len(), row.tokens(), "an objective gives one derivative per token");
            let depends = found.gradient.iter().any(|derivative| *derivative != 0.0);
            let seed = Tensor::<1>::from_data(TensorData::new(found.gradient, [row.tokens()]), &device);
            Ok((found.loss, depends.then(|| (outputs * seed).sum())))
        }
    }
}

/// The head's number for each token of a row, `[T]`, differentiable when the decoder trains.
pub(crate) fn head(decoder: &Decoder, row: &Row, head: Head) -> Result<Tensor<1>> {
    let device = decoder.tok_embeddings.weight.device().inner();
    let hidden = decoder.forward(decoder.ids(&row.ids, &device)?, &mut Causal::packed(&row.cu_seqlens));
    Ok(match head {
        Head::LogProbabilities => decoder.token_log_probs(hidden, &row.labels),
        Head::Values => decoder.logits(hidden).narrow(1, 0, 1).reshape([row.tokens()]),
    })
}

/// The differentiable weighted sum of the losses of one row, and the same sum in f64.
fn cross_entropy(decoder: &Decoder, row: &Row, device: &Device) -> Result<(Tensor<1>, f64)> {
    let ids = decoder.ids(&row.ids, device)?;
    let hidden = decoder.forward(ids, &mut Causal::packed(&row.cu_seqlens));
    let labels = Labels::new(&row.labels).with_weights(row.weights.as_deref());
    let loss = decoder.cross_entropy(hidden, labels);
    let data = loss.token_losses.into_data();
    let sum = parameters::numbers(&data).iter().map(|loss| f64::from(*loss)).sum();
    Ok((loss.sum, sum))
}

/// The loss over `rows` of a decoder without autodiff.
///
/// # Errors
/// An id that the model has no embedding for.
pub fn evaluate(decoder: &Decoder, rows: &[Row], pass_tokens: usize) -> Result<Evaluation> {
    let device = decoder.tok_embeddings.weight.device();
    let mut evaluation = Evaluation::default();
    for row in Row::join(rows, pass_tokens) {
        let (_, loss_sum) = cross_entropy(decoder, &row, &device)?;
        evaluation.loss_sum += loss_sum;
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
        let data = head(decoder, &row, kind)?.into_data();
        let mut rest = parameters::numbers(&data);
        for row in &rows[range] {
            let (own, next) = rest.split_at(row.tokens());
            outputs.push(own.to_vec());
            rest = next;
        }
    }
    Ok(outputs)
}

/// total += pass, element by element: the order of the passes is the order of the sum.
fn accumulate(total: &mut Gradients, pass: Gradients) {
    for (total, pass) in total.iter_mut().zip(pass) {
        match (total.as_mut(), pass) {
            (Some(sum), Some(pass)) => {
                let sum: &mut [f32] = sum.as_mut_slice().expect("gradients are f32");
                let pass = parameters::numbers(&pass);
                sum.par_iter_mut().with_min_len(1 << 14).zip(pass).for_each(|(sum, pass)| *sum += pass);
            }
            (None, Some(pass)) => *total = Some(pass),
            (_, None) => {}
        }
    }
}
