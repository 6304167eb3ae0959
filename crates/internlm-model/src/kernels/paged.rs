//! [`PagedKeys`]: keys and values of one layer in blocks on a device, and the attention of new tokens over them.
//!
//! Serving keeps the keys of many sequences in blocks, reference generation those of one sequence in consecutive blocks;
//! both call the same kernels.

#[cfg(any(feature = "cuda", feature = "vulkan"))]
use std::sync::OnceLock;

use burn::tensor::kind::Basic;
use burn::tensor::{DType, Device, Int, Tensor};

use super::block_tables::{BlockTables, KeyCopy, KeyFormat, KeyLayout, independent};
use super::plain;
use crate::heads::PackedQkv;
use crate::positions::Run;

/// The new tokens of several sequences and where their keys are, for all layers of a step.
#[derive(Clone, Debug, Default)]
pub struct PagedBatch {
    tables: BlockTables,
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    plan: OnceLock<Box<super::device::attention::paged::UploadedPlan>>,
}

impl PagedBatch {
    /// Sequences in the order of their tokens, and the blocks of each: position p is in block `p / block_tokens` at slot
    /// `p % block_tokens`.
    ///
    /// # Panics
    /// When there is not one list of blocks per run.
    #[must_use]
    pub fn new(runs: Vec<Run>, blocks: Vec<Vec<u32>>) -> Self {
        Self {
            tables: BlockTables::new(runs, blocks),
            #[cfg(any(feature = "cuda", feature = "vulkan"))]
            plan: OnceLock::new(),
        }
    }

    /// Sequences whose plan is on the GPU already.
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    pub(super) fn planned(tables: BlockTables, plan: super::device::attention::paged::UploadedPlan) -> Self {
        Self { tables, plan: OnceLock::from(Box::new(plan)) }
    }
}

/// Keys and values of one layer.
#[derive(Debug)]
pub struct PagedKeys {
    layout: KeyLayout,
    blocks: Blocks,
}

/// The memory of a layer, `[blocks, words of a block]`.
#[derive(Debug)]
enum Blocks {
    Floats(Tensor<2>),
    /// Codes, or floats of 16 bits, packed into words.
    Words(Tensor<2, Int>),
}

impl PagedKeys {
    /// Whether keys and values can be stored so on a device: as f32 anywhere, in fewer bits where kernels run whose
    /// tiles these heads fit.
    #[must_use]
    pub fn takes(layout: KeyLayout, device: &Device) -> bool {
        layout.format == KeyFormat::F32 || Self::has_kernels(layout, device)
    }

    /// Whether kernels of the device itself store keys and values so and attend over them.
    #[must_use]
    pub fn has_kernels(layout: KeyLayout, device: &Device) -> bool {
        #[cfg(any(feature = "cuda", feature = "vulkan"))]
        if crate::device::is_gpu(device) {
            return super::device::attention::paged::takes(layout);
        }
        let _ = (layout, device);
        false
    }

    /// Memory for `blocks` blocks, whose numbers are not set: slots are read once a token has been stored in them.
    ///
    /// # Panics
    /// When the device does not take the layout ([`PagedKeys::takes`]), or when there are 2^32 words of fewer bits.
    #[must_use]
    pub fn new(layout: KeyLayout, blocks: usize, device: &Device) -> Self {
        assert!(Self::takes(layout, device), "the device has kernels for keys of {layout:?}");
        let device = device.clone().inner();
        let blocks = match layout.format {
            KeyFormat::F32 => Blocks::Floats(unset(layout, blocks, (&device, DType::F32))),
            KeyFormat::Bf16 | KeyFormat::F16 | KeyFormat::Int8 | KeyFormat::Int4 => {
                let words = blocks * layout.block_words();
                assert!(u32::try_from(words).is_ok(), "kernels index words with 32 bits: found {words}");
                Blocks::Words(unset(layout, blocks, (&device, DType::U32)))
            }
        };
        Self { layout, blocks }
    }

    /// Number of blocks that there is memory for.
    #[must_use]
    pub fn blocks(&self) -> usize {
        match &self.blocks {
            Blocks::Floats(blocks) => blocks.dims()[0],
            Blocks::Words(blocks) => blocks.dims()[0],
        }
    }

    /// Makes room for at least `blocks` blocks, doubling the memory.
    pub fn grow(&mut self, blocks: usize) {
        let known = self.blocks();
        if blocks > known {
            let more = blocks.max(2 * known) - known;
            match &mut self.blocks {
                Blocks::Floats(blocks) => *blocks = grown(blocks, self.layout, more),
                Blocks::Words(blocks) => *blocks = grown(blocks, self.layout, more),
            }
        }
    }

    /// Copies the first keys and values of blocks, in order.
    pub fn copy(&mut self, copies: &[KeyCopy]) {
        for group in independent(copies) {
            #[cfg(any(feature = "cuda", feature = "vulkan"))]
            if let Some(memory) = self.blocks.memory()
                && super::device::attention::paged::copy(&memory, self.layout, group).is_some()
            {
                continue;
            }
            let Blocks::Floats(blocks) = &mut self.blocks else {
                unreachable!("words are stored where kernels copy them");
            };
            *blocks = plain::copy_keys(blocks.clone(), self.layout, group);
        }
    }

    /// Stores keys and values of the new tokens and attends with their queries; a query sees the last `window` keys up to
    /// its own. The bits of a sequence do not depend on the others of the batch where kernels run.
    ///
    /// # Shapes
    /// - `rotated.packed`: `[T, (heads + 2 kv_heads) d]`, queries and keys rotated
    /// - output: `[T, heads * d]`
    ///
    /// # Panics
    /// When the batch has another number of tokens or names a block that is not there, or when numbers that
    /// kernels do not take are stored in fewer bits than 32.
    pub fn attend(&mut self, rotated: PackedQkv, batch: &PagedBatch, window: Option<usize>) -> Tensor<2> {
        let x = rotated.packed.inner();
        // Kernels attend in f32, whatever the decoder computes in.
        let format = x.dtype();
        let x = x.cast(DType::F32);
        assert_eq!(x.dims()[0], batch.tables.tokens(), "the batch describes the tokens of the row");
        assert!(batch.tables.end() <= self.blocks(), "the blocks of the batch are there");
        #[cfg(any(feature = "cuda", feature = "vulkan"))]
        if super::device::accepts(&x)
            && let Some(memory) = self.blocks.memory()
        {
            use super::device::attention::paged;

            let call =
                paged::PagedCall { layout: self.layout, tables: &batch.tables, plan: &batch.plan, window };
            if let Some(out) = paged::attend(&x, &memory, call) {
                return out.cast(format);
            }
        }
        let Blocks::Floats(blocks) = &mut self.blocks else {
            panic!("found {format:?}, expected rows that kernels store in few bits");
        };
        let (q, k, v) = PackedQkv { packed: x, ..rotated }.split();
        *blocks = plain::store_keys(blocks.clone(), self.layout, (k, v), &batch.tables);
        plain::paged_attention(q, blocks, self.layout, &batch.tables, window).cast(format)
    }
}

#[cfg(any(feature = "cuda", feature = "vulkan"))]
impl Blocks {
    /// The memory that kernels store in; `None` where none take it.
    fn memory(&self) -> Option<burn_cubecl::tensor::CubeTensor> {
        use super::device::{accepts, int_primitive, primitive};

        match self {
            Self::Floats(blocks) => accepts(blocks).then(|| primitive(blocks.clone())),
            Self::Words(blocks) => Some(int_primitive(blocks.clone())),
        }
    }
}

impl Clone for PagedKeys {
    /// Copies the numbers: kernels write in place, so that a clone of the tensor alone would change as well.
    fn clone(&self) -> Self {
        let blocks = match &self.blocks {
            Blocks::Floats(blocks) => Blocks::Floats(copied(blocks)),
            Blocks::Words(blocks) => Blocks::Words(copied(blocks)),
        };
        Self { layout: self.layout, blocks }
    }
}

fn unset<K: Basic>(layout: KeyLayout, blocks: usize, place: (&Device, DType)) -> Tensor<2, K> {
    Tensor::empty([blocks, layout.block_words()], place)
}

/// The same blocks and `more` new ones.
fn grown<K: Basic>(blocks: &Tensor<2, K>, layout: KeyLayout, more: usize) -> Tensor<2, K> {
    let fresh = unset(layout, more, (&blocks.device(), blocks.dtype()));
    Tensor::cat(vec![blocks.clone(), fresh], 0)
}

fn copied<K: Basic>(blocks: &Tensor<2, K>) -> Tensor<2, K> {
    let [count, words] = blocks.dims();
    blocks.empty_like().slice_assign([0..count, 0..words], blocks.clone())
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::TensorData;
    use internlm_kit::rng::CounterRng;

    use super::*;
    use crate::heads::HeadShape;
    use crate::parameter::numbers;
    use crate::positions::Positions;

    const SHAPE: HeadShape = HeadShape { heads: 4, kv_heads: 2 };
    const D: usize = 6;

    fn rotated(first: usize, tokens: usize) -> PackedQkv {
        let (rng, width) = (CounterRng::new(1, "packed"), 8 * D);
        let values = (first * width..(first + tokens) * width).map(|i| rng.normal(i as u64) as f32);
        let data = TensorData::new(values.collect::<Vec<f32>>(), [tokens, width]);
        PackedQkv { packed: Tensor::from_data(data, &Device::flex()), shape: SHAPE }
    }

    fn layout(format: KeyFormat) -> KeyLayout {
        KeyLayout { shape: SHAPE, head_dim: D, block_tokens: 4, format }
    }

    fn empty(blocks: usize) -> PagedKeys {
        PagedKeys::new(layout(KeyFormat::F32), blocks, &Device::flex())
    }

    fn attend(keys: &mut PagedKeys, first: usize, tokens: usize, blocks: &[u32]) -> Vec<f32> {
        let batch = PagedBatch::new(vec![Run { first, tokens }], vec![blocks.to_vec()]);
        numbers(keys.attend(rotated(first, tokens), &batch, Some(7)))
    }

    fn expected() -> Vec<f32> {
        let (q, k, v) = rotated(0, 14).split();
        numbers(plain::packed_attention(q, k, v, &Positions::sequence(14), Some(7)))
    }

    fn assert_close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {expected:?}");
    }

    #[test]
    fn scattered_blocks_that_grow_give_the_attention_of_the_whole_sequence() {
        let mut keys = empty(2);
        let mut found = attend(&mut keys, 0, 5, &[1, 0]);
        keys.grow(3);
        assert_eq!(keys.blocks(), 4);
        found.extend(attend(&mut keys, 5, 1, &[1, 0]));
        found.extend(attend(&mut keys, 6, 8, &[1, 0, 3, 2]));
        assert_close(&found, &expected());
    }

    #[test]
    fn clones_and_copies_are_memory_of_their_own() {
        let mut keys = empty(4);
        attend(&mut keys, 0, 7, &[0, 1]);
        let mut clone = keys.clone();
        // Block 2 takes the place of block 1, which is written over.
        keys.copy(&[KeyCopy { from: 1, to: 2, tokens: 3 }]);
        attend(&mut keys, 0, 4, &[1]);
        assert_close(&attend(&mut keys, 7, 7, &[0, 2, 3, 1]), &expected()[7 * 4 * D..]);
        assert_close(&attend(&mut clone, 7, 7, &[0, 1, 3, 2]), &expected()[7 * 4 * D..]);
    }

    #[test]
    fn the_cpu_backend_stores_f32_only() {
        let takes = |format| PagedKeys::takes(layout(format), &Device::flex());
        let others = [KeyFormat::Bf16, KeyFormat::F16, KeyFormat::Int8, KeyFormat::Int4];
        assert!(takes(KeyFormat::F32) && !others.into_iter().any(takes));
    }
}
