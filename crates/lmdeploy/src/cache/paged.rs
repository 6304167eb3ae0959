//! [`PagedCache`]: keys and values of many sequences in blocks, as the decoder's [`Attend`].
//!
//! The storage is in host memory as f32 and the kernel runs on slices. On a device other than the CPU the same code is
//! correct but copies q, k and v in every layer; kernels for such devices do not exist yet.

use burn::tensor::{Tensor, TensorData};
use internlm_model::ModelConfig;
use internlm_model::attend::{Attend, AttentionLayer};
use internlm_model::positions::{Positions, seen_keys};

use super::paged_attention::{CacheLayout, LayerCache, Query, paged_attention};
use super::{BlockCopy, BlockId};

/// Keys and values of many sequences, in blocks that the scheduler hands out.
#[derive(Clone, Debug)]
pub(crate) struct PagedCache {
    layout: CacheLayout,
    layers: Vec<LayerCache>,
    positions: Positions,
    /// The blocks of each sequence of the current batch.
    blocks: Vec<Vec<BlockId>>,
}

impl PagedCache {
    /// Allocates `blocks` blocks of `block_tokens` tokens for every layer of the model.
    pub(crate) fn new(config: &ModelConfig, blocks: usize, block_tokens: usize) -> Self {
        let layout = CacheLayout { block_tokens, kv_heads: config.kv_heads, head_dim: config.head_dim };
        let layers = (0..config.layers).map(|_| LayerCache::new(layout, blocks)).collect();
        Self { layout, layers, positions: Positions::default(), blocks: Vec::new() }
    }

    /// Size of one block in bytes, over all layers.
    pub(crate) fn block_bytes(config: &ModelConfig, block_tokens: usize) -> usize {
        2 * config.layers * config.kv_heads * config.head_dim * block_tokens * size_of::<f32>()
    }

    /// Copies the first keys and values of a block into another one, in every layer.
    pub(crate) fn copy(&mut self, copy: BlockCopy) {
        for layer in &mut self.layers {
            layer.copy(self.layout, copy);
        }
    }

    /// Announces the next call of the decoder: the positions of its tokens in order, and the blocks of each sequence.
    pub(crate) fn begin(&mut self, positions: Positions, blocks: Vec<Vec<BlockId>>) {
        self.positions = positions;
        self.blocks = blocks;
    }
}

/// The tensor's values in row order, as f32.
fn values<const D: usize>(tensor: Tensor<D>) -> TensorData {
    tensor.into_data().convert::<f32>()
}

fn slice(data: &TensorData) -> &[f32] {
    data.as_slice().expect("the data has just been converted to f32")
}

impl Attend for PagedCache {
    fn positions(&self) -> &Positions {
        &self.positions
    }

    /// # Shapes
    /// - q, output: `[T, heads, d]`
    /// - k, v: `[T, kv_heads, d]`
    fn attend(&mut self, layer: AttentionLayer, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        let (device, [tokens, heads, d]) = (q.device(), q.dims());
        let query = |position, blocks| {
            let first_key = seen_keys(position, layer.window).start;
            Query { position, first_key, blocks }
        };
        let queries: Vec<Query<'_>> = self
            .positions
            .runs()
            .iter()
            .zip(&self.blocks)
            .flat_map(|(run, blocks)| (run.first..run.keys()).map(move |position| query(position, blocks)))
            .collect();
        let (q, k, v) = (values(q), values(k), values(v));
        let cache = &mut self.layers[layer.index];
        cache.store(self.layout, &queries, slice(&k), slice(&v));
        let output = paged_attention(cache, self.layout, &queries, slice(&q), heads);
        Tensor::from_data(TensorData::new(output, [tokens, heads, d]), &device)
    }
}
