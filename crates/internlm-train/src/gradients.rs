//! The gradients of the trainable parameters: flat tensors where the parameters are, and their sums over passes and
//! ranks.

use burn::tensor::{Tensor, TensorData};
use internlm_model::kernels;

use crate::Result;
use crate::collective::Collective;
use crate::parameters::ParameterInfo;

/// The gradient of every trainable parameter, flat and without autodiff; `None` where one took no part in the loss.
pub(crate) type Gradients = Vec<Option<Tensor<1>>>;

/// The same as buffers on the host. On the CPU the numbers have moved and were not copied.
pub(crate) type HostGradients = Vec<Option<TensorData>>;

/// What the ranks of a step have to exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exchange {
    /// At least one rank has gradients: all of them add.
    Sum,
    /// No row of any rank has a gradient.
    Nothing,
}

/// Adds the gradients of a pass to `total`.
pub(crate) fn accumulate(total: &mut Gradients, pass: Gradients) {
    for (total, pass) in total.iter_mut().zip(pass) {
        *total = match (total.take(), pass) {
            (Some(total), Some(pass)) => Some(kernels::accumulate(total, pass)),
            (total, pass) => total.or(pass),
        };
    }
}

/// Reads all gradients back.
pub(crate) fn read_back(gradients: Gradients) -> HostGradients {
    gradients.into_iter().map(|gradient| gradient.map(Tensor::into_data)).collect()
}

/// Adds loss and gradients over the ranks.
pub(crate) fn all_reduce(
    collective: &mut dyn Collective,
    parameters: &[ParameterInfo],
    gradients: &mut HostGradients,
    loss: f64,
) -> Result<f64> {
    if collective.size() > 1 {
        // A rank whose share has no labels adds zeros: all ranks must take part in the same sums.
        for (buffer, info) in gradients.iter_mut().zip(parameters) {
            buffer.get_or_insert_with(|| TensorData::new(vec![0.0_f32; info.elements()], info.shape.clone()));
        }
    }
    for buffer in gradients.iter_mut().flatten() {
        collective.all_reduce(buffer.as_mut_slice().expect("gradients are f32"))?;
    }
    collective.all_reduce_f64(loss)
}
