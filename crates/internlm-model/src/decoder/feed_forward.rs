//! The gated feed-forward network (Shazeer, "GLU Variants Improve Transformer", 2020).
//!
//! `w2(silu(w1 x) * w3 x)`, as `InternLM2MLP` of upstream's `modeling_internlm2.py`.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::kernels;
use crate::linear::Linear;

/// SwiGLU: gate w1, up w3, down w2.
#[derive(Module, Debug)]
pub struct FeedForward {
    /// Gate projection, `[inter, hidden]`.
    pub w1: Linear,
    /// Down projection, `[hidden, inter]`.
    pub w2: Linear,
    /// Up projection, `[inter, hidden]`.
    pub w3: Linear,
}

impl FeedForward {
    /// Applies the network to each row.
    ///
    /// # Shapes
    /// - x, output: `[T, hidden]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let (gate, up) = (self.w1.forward(x.clone()), self.w3.forward(x));
        match &self.w2 {
            Linear::Dense(w2) => w2.forward_gated(gate, up),
            w2 => w2.forward(kernels::swiglu(gate, up)),
        }
    }
}
