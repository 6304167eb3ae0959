//! [`Loss`]: what a step minimizes, from the output of the decoder on; [`LossSum`]: its value over passes.

use burn::tensor::{Device, Tensor, TensorData};
use internlm_model::decoder::Decoder;
use internlm_model::device::is_gpu;
use internlm_model::kernels::{self, CrossEntropy, Labels};
use internlm_model::parameter::numbers;

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

/// The loss of some passes: reading it from a GPU would wait for the pass, so it stays there until somebody must know.
#[derive(Clone, Debug, Default)]
pub(crate) struct LossSum {
    /// The part that the host has computed.
    host: f64,
    /// The part that is on the device, `[1]`, without autodiff.
    device: Option<Tensor<1>>,
}

impl LossSum {
    fn on_host(loss: f64) -> Self {
        Self { host: loss, device: None }
    }

    fn on_gpu(loss: Tensor<1>) -> Self {
        Self { host: 0.0, device: Some(loss) }
    }

    /// Adds the loss of more passes.
    pub(crate) fn add(&mut self, other: Self) {
        self.host += other.host;
        self.device = match (self.device.take(), other.device) {
            (Some(sum), Some(part)) => Some(kernels::accumulate(sum, part)),
            (sum, part) => sum.or(part),
        };
    }

    /// The loss, when no part of it is on the device.
    pub(crate) fn known(&self) -> Option<f64> {
        self.device.is_none().then_some(self.host)
    }

    /// The loss; waits for the device when a part is there.
    pub(crate) fn read(self) -> f64 {
        match self.device {
            None => self.host,
            Some(part) => self.host + f64::from(numbers(part)[0]),
        }
    }

    /// The loss on `device`, `[1]`.
    pub(crate) fn on_device(&self, device: &Device) -> Tensor<1> {
        let host = Tensor::from_data(TensorData::new(vec![self.host as f32], [1]), device);
        match &self.device {
            None => host,
            Some(part) => kernels::accumulate(host, part.clone()),
        }
    }
}

/// The loss of a pass, from the decoder's output `hidden`, and, when anything depends on the model, what to
/// differentiate.
pub(crate) fn head_loss(
    decoder: &Decoder,
    hidden: Tensor<2>,
    pass: &Pass<'_>,
    loss: &mut Loss<'_>,
) -> Result<(LossSum, Option<Tensor<1>>)> {
    let row = pass.row;
    match loss {
        Loss::CrossEntropy { weight } => {
            let weight = if *weight > 0.0 { *weight } else { 1.0 };
            let found = cross_entropy(decoder, hidden, row);
            let value = if is_gpu(&found.sum.device()) {
                LossSum::on_gpu(found.sum.clone().inner().div_scalar(weight))
            } else {
                LossSum::on_host(sum_in_f64(found.token_losses) / weight)
            };
            // A row without labels has no gradient: its loss is not part of the graph.
            Ok((value, (row.targets() > 0).then(|| found.sum.div_scalar(weight))))
        }
        Loss::Objective(objective) => {
            let outputs = head_outputs(decoder, hidden, row, objective.head());
            let data = outputs.clone().into_data();
            let found = objective.loss(pass, parameters::numbers(&data))?;
            assert_eq!(found.gradient.len(), row.tokens(), "an objective gives one derivative per token");
            let depends = found.gradient.iter().any(|derivative| *derivative != 0.0);
            let device = outputs.device().inner();
            let seed = Tensor::<1>::from_data(TensorData::new(found.gradient, [row.tokens()]), &device);
            Ok((LossSum::on_host(found.loss), depends.then(|| (outputs * seed).sum())))
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

/// The weighted losses of one row and their differentiable sum.
pub(crate) fn cross_entropy(decoder: &Decoder, hidden: Tensor<2>, row: &Row) -> CrossEntropy {
    let labels = Labels::new(&row.labels).with_weights(row.weights.as_deref());
    decoder.cross_entropy(hidden, labels)
}

/// The sum of the losses of tokens.
pub(crate) fn sum_in_f64(token_losses: Tensor<1>) -> f64 {
    let data = token_losses.into_data();
    parameters::numbers(&data).iter().map(|loss| f64::from(*loss)).sum()
}
