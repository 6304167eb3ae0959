//! Root-mean-square normalization (Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019).
//!
//! `y = x / sqrt(mean(x^2) + eps) * weight`, as `InternLM2RMSNorm` of upstream's `modeling_internlm2.py`: computed
//! in f32, cast, then multiplied by the weight.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::kernels;

/// Normalizes each token's vector and scales it by a learned weight.
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// Scale, `[hidden]`, 1 at initialization.
    pub weight: Param<Tensor<1>>,
    /// Added to the mean square; no unit.
    pub eps: f64,
}

impl RmsNorm {
    /// A norm with weight 1.
    #[must_use]
    pub fn init(hidden: usize, eps: f64, device: &Device) -> Self {
        Self { weight: Param::from_tensor(Tensor::ones([hidden], device)), eps }
    }

    /// Divides each row by its root mean square, then multiplies it by the weight.
    ///
    /// # Shapes
    /// - x, output: `[T, hidden]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let weight = self.weight.val().cast(x.dtype());
        kernels::rms_norm(x, weight, self.eps)
    }
}
