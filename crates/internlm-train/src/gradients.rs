//! The gradients of the trainable parameters as buffers on the host, and their sum over passes.

use burn::tensor::TensorData;
use rayon::prelude::*;

use crate::parameters;

/// The gradient of every trainable parameter; `None` where one took no part in the loss.
pub(crate) type Gradients = Vec<Option<TensorData>>;

/// Adds the gradients of a pass to `total`.
pub(crate) fn accumulate(total: &mut Gradients, pass: Gradients) {
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
