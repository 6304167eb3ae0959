//! Grouped-query attention (Ainslie et al., "GQA", 2023) around the seam [`Attend`].
//!
//! One fused projection `wqkv`, rows grouped by kv head, as `InternLM2Attention` of upstream's
//! `modeling_internlm2.py`; rotation and softmax happen in the implementation of [`Attend`]; `wo` projects back.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::attend::{Attend, AttentionLayer, HeadShape, PackedQkv};
use crate::linear::Linear;
use crate::rope::RopeTable;

/// The attention sub-layer of one block.
#[derive(Module, Debug)]
pub struct Attention {
    /// Fused projection, `[(heads + 2 kv_heads) d, hidden]`: per kv head its query heads, its key, its value.
    pub wqkv: Linear,
    /// Output projection, `[hidden, heads * d]`.
    pub wo: Linear,
    /// Number of query heads; a multiple of `kv_heads`.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Number of keys that a query sees, its own included; `None` for all keys up to its own.
    #[module(skip)]
    pub window: Option<usize>,
}

impl Attention {
    /// Projects, attends, projects back.
    ///
    /// # Shapes
    /// - x, output: `[T, hidden]`
    #[must_use]
    pub fn forward(
        &self,
        x: Tensor<2>,
        layer: usize,
        table: &RopeTable,
        attend: &mut dyn Attend,
    ) -> Tensor<2> {
        let packed = self.wqkv.forward(x);
        let shape = HeadShape { heads: self.heads, kv_heads: self.kv_heads };
        let qkv = PackedQkv { packed, shape };
        let layer = AttentionLayer { index: layer, window: self.window };
        self.wo.forward(attend.attend_packed(layer, qkv, table))
    }
}
