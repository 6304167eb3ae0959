//! [`Attend`]: computes attention and owns the stored keys and values, for training, generation and serving.
//!
//! [`Causal`] stores nothing (training, scoring: every key is in the row), [`GrowingCache`] stores the keys of one
//! sequence (reference generation), the serving engine has its own paged cache. The decoder does not know which.

use burn::tensor::Tensor;
#[cfg(feature = "flex")]
use burn::tensor::TensorData;

pub use crate::heads::{HeadShape, PackedQkv};
use crate::kernels::{self, KeyFormat, KeyLayout, PagedBatch, PagedKeys};
#[cfg(feature = "flex")]
use crate::parameter::numbers;
use crate::positions::{Positions, Run};
use crate::rope::RopeTable;

/// The layer that attends, and how far back its queries see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttentionLayer {
    /// Number of the layer, from 0.
    pub index: usize,
    /// Number of keys that a query sees, its own included; `None` for all keys up to its own.
    pub window: Option<usize>,
}

/// Attention over the keys of this row and of whatever came before.
pub trait Attend {
    /// Positions of the tokens of the current row; the rotation follows from them.
    fn positions(&self) -> &Positions;

    /// Attention of one layer; q and k are already rotated.
    ///
    /// # Shapes
    /// - q, output: `[T, heads, d]`
    /// - k, v: `[T, kv_heads, d]`
    fn attend(&mut self, layer: AttentionLayer, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3>;

    /// Rotation and attention of one layer from the packed projection.
    ///
    /// The provided body is [`attend_split`]; [`Causal`] fuses the steps.
    ///
    /// # Shapes
    /// - `qkv.packed`: `[T, (heads + 2 kv_heads) d]`
    /// - output: `[T, heads * d]`
    fn attend_packed(&mut self, layer: AttentionLayer, qkv: PackedQkv, table: &RopeTable) -> Tensor<2> {
        attend_split(self, layer, qkv, table)
    }
}

/// Splits the projection, rotates queries and keys and calls [`Attend::attend`].
///
/// # Shapes
/// - `qkv.packed`: `[T, (heads + 2 kv_heads) d]`
/// - output: `[T, heads * d]`
pub fn attend_split<A: Attend + ?Sized>(
    attend: &mut A,
    layer: AttentionLayer,
    qkv: PackedQkv,
    table: &RopeTable,
) -> Tensor<2> {
    let (q, k, v) = qkv.split();
    let q = kernels::rotate(q, table.cos.clone(), table.sin.clone());
    let k = kernels::rotate(k, table.cos.clone(), table.sin.clone());
    let out = attend.attend(layer, q, k, v);
    let [tokens, heads, d] = out.dims();
    out.reshape([tokens, heads * d])
}

/// Causal attention inside each sample of a packed row; nothing is kept between rows.
#[derive(Clone, Debug)]
pub struct Causal {
    positions: Positions,
}

impl Causal {
    /// Samples delimited by cumulative lengths, each from position 0.
    #[must_use]
    pub fn packed(cumulative: &[usize]) -> Self {
        Self { positions: Positions::packed(cumulative) }
    }

    /// One sequence from position 0.
    #[must_use]
    pub fn sequence(tokens: usize) -> Self {
        Self { positions: Positions::sequence(tokens) }
    }
}

impl Attend for Causal {
    fn positions(&self) -> &Positions {
        &self.positions
    }

    fn attend(&mut self, layer: AttentionLayer, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        kernels::packed_attention(q, k, v, &self.positions, layer.window)
    }

    fn attend_packed(&mut self, layer: AttentionLayer, qkv: PackedQkv, table: &RopeTable) -> Tensor<2> {
        kernels::rotary_attention(qkv.packed, qkv.shape, table, &self.positions, layer.window)
    }
}

/// The keys and values of one sequence, appended to as it grows. For inference: nothing is differentiated.
#[derive(Clone, Debug, Default)]
pub struct GrowingCache {
    layers: Vec<Grown>,
    length: usize,
    positions: Positions,
    /// The announced row on devices that keep keys.
    batch: PagedBatch,
}

/// One layer's keys and values.
#[derive(Clone, Debug)]
enum Grown {
    /// `[tokens, kv_heads, d]` each, in memory the kernel reads.
    #[cfg(feature = "flex")]
    Host { keys: Vec<f32>, values: Vec<f32> },
    /// Consecutive blocks on the device.
    Device(Box<PagedKeys>),
}

impl GrowingCache {
    /// Tokens of a block on the device; memory doubles when all blocks are full.
    const BLOCK_TOKENS: usize = 64;

    /// A cache before the first token; layers are added as they come.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Announces the next row: `tokens` new tokens after the cached ones. Call it before every forward.
    pub fn extend(&mut self, tokens: usize) {
        let run = Run { first: self.length, tokens };
        self.positions = Positions::from_runs(vec![run]);
        self.length += tokens;
        self.batch = PagedBatch::new(vec![run], vec![(0..self.blocks() as u32).collect()]);
    }

    /// Cached tokens, those of the announced row included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing has been announced yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Blocks of the cached tokens.
    fn blocks(&self) -> usize {
        self.length.div_ceil(Self::BLOCK_TOKENS).max(1)
    }

    /// Attention by the kernel over keys in host memory.
    #[cfg(feature = "flex")]
    fn attend_on_host(
        &mut self,
        layer: AttentionLayer,
        q: Tensor<3>,
        k: Tensor<3>,
        v: Tensor<3>,
    ) -> Tensor<3> {
        let (shape, device) = (q.dims(), q.device().inner());
        let heads = HeadShape { heads: shape[1], kv_heads: k.dims()[1] };
        if self.layers.len() == layer.index {
            self.layers.push(Grown::Host { keys: Vec::new(), values: Vec::new() });
        }
        let Some(Grown::Host { keys, values }) = self.layers.get_mut(layer.index) else {
            unreachable!("layers come in order and stay on their device");
        };
        keys.extend(numbers(k));
        values.extend(numbers(v));
        let block = kernels::KeyBlock { keys, values };
        let cached = kernels::CachedKeys { blocks: &[block], block_tokens: self.length };
        let q = numbers(q);
        let mut out = vec![0.0; q.len()];
        let run = self.positions.runs()[0];
        let queries = kernels::QueryRows { q: &q, run, shape: heads, window: layer.window };
        kernels::cached_attention(queries, cached, &mut out);
        Tensor::from_data(TensorData::new(out, shape), &device)
    }

    /// Attention over keys that stay on the device.
    ///
    /// # Shapes
    /// - `rotated.packed`: `[T, (heads + 2 kv_heads) d]`
    /// - output: `[T, heads * d]`
    fn attend_on_device(&mut self, layer: AttentionLayer, rotated: PackedQkv) -> Tensor<2> {
        let blocks = self.blocks();
        if self.layers.len() == layer.index {
            let layout = KeyLayout {
                shape: rotated.shape,
                head_dim: rotated.head_dim(),
                block_tokens: Self::BLOCK_TOKENS,
                format: KeyFormat::F32,
            };
            let keys = PagedKeys::new(layout, blocks, &rotated.packed.device());
            self.layers.push(Grown::Device(Box::new(keys)));
        }
        let Some(Grown::Device(keys)) = self.layers.get_mut(layer.index) else {
            unreachable!("layers come in order and stay on their device");
        };
        keys.grow(blocks);
        keys.attend(rotated, &self.batch, layer.window)
    }
}

impl Attend for GrowingCache {
    fn positions(&self) -> &Positions {
        &self.positions
    }

    fn attend(&mut self, layer: AttentionLayer, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        #[cfg(feature = "flex")]
        if kernels::runs_on_host(&q) {
            return self.attend_on_host(layer, q, k, v);
        }
        let shape = q.dims();
        self.attend_on_device(layer, PackedQkv::join(q, k, v)).reshape(shape)
    }

    fn attend_packed(&mut self, layer: AttentionLayer, qkv: PackedQkv, table: &RopeTable) -> Tensor<2> {
        #[cfg(feature = "flex")]
        if kernels::runs_on_host(&qkv.packed) {
            return attend_split(self, layer, qkv, table);
        }
        self.attend_on_device(layer, kernels::rotate_packed(qkv, table))
    }
}
