//! [`AttentionCall`]: the operands of one layer's attention.

use super::plan::{AttentionScratch, AttentionStep};
use crate::kv::KvPool;
use crate::pool::Shared;
use crate::simd::Isa;

/// One layer's attention: what is read, what is written, and the plan of the pass.
#[derive(Debug)]
pub(crate) struct AttentionCall<'a> {
    /// Instruction set of the kernels.
    pub(crate) isa: Isa,
    /// Keys and values; those of the pass itself are stored already.
    pub(crate) pool: &'a KvPool,
    /// Index of the layer.
    pub(crate) layer: usize,
    /// Number of keys that a query sees in this layer, its own included; `None` for all keys up to its own.
    pub(crate) window: Option<usize>,
    /// The sequences that `scratch` was prepared for.
    pub(crate) steps: &'a [AttentionStep<'a>],
    /// `[rows][heads * head_dim]`, after rotary.
    pub(crate) q: &'a Shared<f32>,
    /// `[rows][heads * head_dim]`, to be written.
    pub(crate) out: &'a Shared<f32>,
    /// The plan of the pass and the members' memory.
    pub(crate) scratch: &'a AttentionScratch,
}
