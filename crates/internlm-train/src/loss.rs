//! [`Loss`]: what a step minimizes, from the output of the decoder on.

use burn::tensor::{Tensor, TensorData};
use internlm_model::decoder::Decoder;
use internlm_model::kernels::Labels;

use crate::objective::{Head, Objective, Pass};
use crate::parameters;
use crate::{Result, Row};

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

/// The loss of a pass, from the decoder's output `hidden`, and, when anything depends on the model, what to
/// differentiate.
pub(crate) fn head_loss(
    decoder: &Decoder,
    hidden: Tensor<2>,
    pass: &Pass<'_>,
    loss: &mut Loss<'_>,
) -> Result<(f64, Option<Tensor<1>>)> {
    let row = pass.row;
    match loss {
        Loss::CrossEntropy { weight } => {
            let weight = if *weight > 0.0 { *weight } else { 1.0 };
            let (sum, value) = cross_entropy(decoder, hidden, row);
            // A row without labels has no gradient: its loss is not part of the graph.
            Ok((value / weight, (row.targets() > 0).then(|| sum.div_scalar(weight))))
        }
        Loss::Objective(objective) => {
            let outputs = head_outputs(decoder, hidden, row, objective.head());
            let data = outputs.clone().into_data();
            let found = objective.loss(pass, parameters::numbers(&data))?;
            assert_eq!(found.gradient.len(), row.tokens(), "an objective gives one derivative per token");
            let depends = found.gradient.iter().any(|derivative| *derivative != 0.0);
            let device = outputs.device().inner();
            let seed = Tensor::<1>::from_data(TensorData::new(found.gradient, [row.tokens()]), &device);
            Ok((found.loss, depends.then(|| (outputs * seed).sum())))
        }
    }
}

/// The head's number for each token of a row, `[T]`, differentiable when the decoder trains.
pub(crate) fn head_outputs(decoder: &Decoder, hidden: Tensor<2>, row: &Row, head: Head) -> Tensor<1> {
    match head {
        Head::LogProbabilities => decoder.token_log_probs(hidden, &row.labels),
        Head::Values => decoder.logits(hidden).narrow(1, 0, 1).reshape([row.tokens()]),
    }
}

/// The differentiable weighted sum of the losses of one row, and the same sum in f64.
pub(crate) fn cross_entropy(decoder: &Decoder, hidden: Tensor<2>, row: &Row) -> (Tensor<1>, f64) {
    let labels = Labels::new(&row.labels).with_weights(row.weights.as_deref());
    let loss = decoder.cross_entropy(hidden, labels);
    let data = loss.token_losses.into_data();
    let sum = parameters::numbers(&data).iter().map(|loss| f64::from(*loss)).sum();
    (loss.sum, sum)
}
