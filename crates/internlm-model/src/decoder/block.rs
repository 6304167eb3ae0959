//! One transformer block, pre-norm: `h += attention(norm(h)); h += feed_forward(norm(h))`.
//!
//! As `InternLM2DecoderLayer` of upstream's `modeling_internlm2.py`.

use burn::module::Module;
use burn::tensor::Tensor;

use super::attention::Attention;
use super::feed_forward::FeedForward;
use super::norm::RmsNorm;
use crate::attend::Attend;
use crate::kernels;
use crate::rope::RopeTable;

/// One layer of the decoder.
#[derive(Module, Debug)]
pub struct Block {
    /// First sub-layer; the only one in which tokens see each other.
    pub attention: Attention,
    /// Second sub-layer, applied to each token on its own.
    pub feed_forward: FeedForward,
    /// Norm before the attention.
    pub attention_norm: RmsNorm,
    /// Norm before the feed-forward network.
    pub ffn_norm: RmsNorm,
}

impl Block {
    /// Applies layer number `layer` to the residual stream.
    ///
    /// # Shapes
    /// - h, output: `[T, hidden]`
    #[must_use]
    pub fn forward(
        &self,
        h: Tensor<2>,
        layer: usize,
        table: &RopeTable,
        attend: &mut dyn Attend,
    ) -> Tensor<2> {
        let normed = self.attention_norm.forward(h.clone());
        let h = kernels::add(h, self.attention.forward(normed, layer, table, attend));
        let normed = self.ffn_norm.forward(h.clone());
        kernels::add(h, self.feed_forward.forward(normed))
    }
}
