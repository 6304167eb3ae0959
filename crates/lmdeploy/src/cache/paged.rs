//! [`PagedCache`]: keys and values of many sequences in blocks, as the decoder's [`Attend`].
//!
//! On a GPU they stay there, one allocation per layer, and kernels store and read them, as floats of 32 or 16 bits or as
//! codes of 8 or 4. On the CPU they are f32 in host memory and the kernel runs on slices.

use burn::tensor::{Device, Tensor, TensorData};
use internlm_model::ModelConfig;
use internlm_model::attend::{Attend, AttentionLayer, HeadShape, PackedQkv, attend_split};
use internlm_model::device::is_gpu;
use internlm_model::kernels::{KeyCopy, KeyFormat, KeyLayout, PagedBatch, PagedKeys, rotate_packed};
use internlm_model::positions::{Positions, seen_keys};
use internlm_model::rope::RopeTable;

use super::paged_attention::{CacheLayout, LayerCache, Query, paged_attention};
use super::{BlockCopy, BlockId};

/// Keys and values of many sequences, in blocks that the scheduler hands out.
#[derive(Debug)]
pub(crate) struct PagedCache {
    storage: Storage,
    positions: Positions,
}

/// Where keys and values are, one entry per layer, and the blocks of each sequence of the current batch.
#[derive(Debug)]
enum Storage {
    Host { layout: CacheLayout, layers: Vec<LayerCache>, blocks: Vec<Vec<BlockId>> },
    Device { layers: Vec<PagedKeys>, batch: PagedBatch },
}

impl PagedCache {
    /// Sizes of one layer's storage.
    pub(crate) fn layout(config: &ModelConfig, block_tokens: usize, format: KeyFormat) -> KeyLayout {
        let shape = HeadShape { heads: config.heads, kv_heads: config.kv_heads };
        KeyLayout { shape, head_dim: config.head_dim, block_tokens, format }
    }

    /// Allocates `blocks` blocks for each of `layers` layers, whose layout the device takes.
    pub(crate) fn new(layout: KeyLayout, layers: usize, blocks: usize, device: &Device) -> Self {
        let storage = if is_gpu(device) {
            let layers = (0..layers).map(|_| PagedKeys::new(layout, blocks, device)).collect();
            Storage::Device { layers, batch: PagedBatch::default() }
        } else {
            let KeyLayout { shape, head_dim, block_tokens, .. } = layout;
            let layout = CacheLayout { block_tokens, kv_heads: shape.kv_heads, head_dim };
            let layers = (0..layers).map(|_| LayerCache::new(layout, blocks)).collect();
            Storage::Host { layout, layers, blocks: Vec::new() }
        };
        Self { storage, positions: Positions::default() }
    }

    /// Copies the first keys and values of blocks into other ones, in order, in every layer.
    pub(crate) fn copy(&mut self, copies: &[BlockCopy]) {
        match &mut self.storage {
            Storage::Host { layout, layers, .. } => {
                for layer in layers {
                    copies.iter().for_each(|copy| layer.copy(*layout, *copy));
                }
            }
            Storage::Device { layers, .. } => {
                let copy = |copy: &BlockCopy| KeyCopy {
                    from: copy.from.0,
                    to: copy.to.0,
                    tokens: copy.tokens as u32,
                };
                let copies: Vec<KeyCopy> = copies.iter().map(copy).collect();
                layers.iter_mut().for_each(|layer| layer.copy(&copies));
            }
        }
    }

    /// Announces the next call of the decoder: the positions of its tokens in order, and the blocks of each sequence.
    pub(crate) fn begin(&mut self, positions: Positions, sequences: Vec<Vec<BlockId>>) {
        match &mut self.storage {
            Storage::Host { blocks, .. } => *blocks = sequences,
            Storage::Device { batch, .. } => {
                let numbers = |blocks: Vec<BlockId>| blocks.into_iter().map(|block| block.0).collect();
                let blocks = sequences.into_iter().map(numbers).collect();
                *batch = PagedBatch::new(positions.runs().to_vec(), blocks);
            }
        }
        self.positions = positions;
    }
}

#[cfg(any(feature = "cuda", feature = "vulkan"))]
impl PagedCache {
    /// Announces calls of the decoder whose tokens' places are on the GPU already.
    pub(crate) fn begin_planned(&mut self, planned: PagedBatch) {
        if let Storage::Device { batch, .. } = &mut self.storage {
            *batch = planned;
        }
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
        let (layout, layers, blocks) = match &mut self.storage {
            Storage::Host { layout, layers, blocks } => (*layout, layers, blocks),
            Storage::Device { layers, batch } => {
                let out = layers[layer.index].attend(PackedQkv::join(q, k, v), batch, layer.window);
                return out.reshape([tokens, heads, d]);
            }
        };
        let query = |position, blocks| {
            let first_key = seen_keys(position, layer.window).start;
            Query { position, first_key, blocks }
        };
        let queries: Vec<Query<'_>> = self
            .positions
            .runs()
            .iter()
            .zip(&*blocks)
            .flat_map(|(run, blocks)| (run.first..run.keys()).map(move |position| query(position, blocks)))
            .collect();
        let (q, k, v) = (values(q), values(k), values(v));
        let cache = &mut layers[layer.index];
        cache.store(layout, &queries, slice(&k), slice(&v));
        let output = paged_attention(cache, layout, &queries, slice(&q), heads);
        Tensor::from_data(TensorData::new(output, [tokens, heads, d]), &device)
    }

    fn attend_packed(&mut self, layer: AttentionLayer, qkv: PackedQkv, table: &RopeTable) -> Tensor<2> {
        match &mut self.storage {
            Storage::Host { .. } => attend_split(self, layer, qkv, table),
            Storage::Device { layers, batch } => {
                layers[layer.index].attend(rotate_packed(qkv, table), batch, layer.window)
            }
        }
    }
}
