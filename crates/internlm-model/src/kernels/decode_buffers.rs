//! [`DecodeBuffers`]: what changes from one decoding step to the next, in memory that recorded launches read.
//!
//! A step has one new token for each of a few sequences. There are fewer sizes of buffers than sizes of steps: rows beyond
//! the sequences of a step are tokens of a block that nobody else uses, splits beyond their keys have no keys.

use burn::tensor::{Device, Int, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use super::block_tables::BlockTables;
use super::device::attention::paged::{SPLIT, UploadedPlan};
use super::device::{from_primitive, primitive, upload, write};
use super::paged::PagedBatch;
use crate::TokenId;
use crate::positions::{Positions, Run};
use crate::rope::{Rope, RopeTable};

/// Maximum number of sequences of a step that is recorded: more rows are multiplied in an order that depends on how many
/// there are.
pub const MAX_DECODE_ROWS: usize = 16;

/// Rows and splits of keys that buffers have room for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct DecodeSize {
    rows: usize,
    splits: usize,
}

/// The new token of each sequence of a step.
#[derive(Clone, Debug, Default)]
pub struct DecodeStep {
    ids: Vec<TokenId>,
    runs: Vec<Run>,
    rope_lengths: Vec<usize>,
    blocks: Vec<Vec<u32>>,
}

impl DecodeStep {
    /// Adds a sequence: its new token, at `position`, in a sequence that is rotated as one of `rope_length` tokens, and its
    /// blocks.
    pub fn push(&mut self, id: TokenId, position: usize, rope_length: usize, blocks: Vec<u32>) {
        self.ids.push(id);
        self.runs.push(Run { first: position, tokens: 1 });
        self.rope_lengths.push(rope_length);
        self.blocks.push(blocks);
    }

    /// The smallest buffers for the step; `None` when it has no sequence, or more than [`MAX_DECODE_ROWS`]. The bits of a
    /// row are the same for all sizes.
    #[must_use]
    pub fn size(&self) -> Option<DecodeSize> {
        let rows = self.runs.len().next_power_of_two();
        let keys = self.runs.iter().map(Run::keys).max()?;
        let splits = keys.div_ceil(SPLIT).next_power_of_two();
        (rows <= MAX_DECODE_ROWS).then_some(DecodeSize { rows, splits })
    }

    /// Adds tokens of block `spare` until there are `rows`.
    fn fill(&mut self, rows: usize, spare: u32) {
        while self.runs.len() < rows {
            self.push(TokenId(0), 0, 1, vec![spare]);
        }
    }
}

/// What all steps of a model have in common.
#[derive(Clone, Debug)]
pub struct DecodePlace {
    /// Rotation of queries and keys.
    pub rope: Rope,
    /// Number of tokens whose keys a block holds.
    pub block_tokens: usize,
    /// A block that no sequence has.
    pub spare: u32,
    /// The GPU of the model.
    pub device: Device,
}

/// The buffers of one size.
#[derive(Debug)]
pub struct DecodeBuffers {
    place: DecodePlace,
    size: DecodeSize,
    ids: CubeTensor,
    /// Cosines and sines, `[rows, d / 2]` each.
    rotation: [CubeTensor; 2],
    plan: UploadedPlan,
    tables: BlockTables,
}

/// What buffers hold, in host memory.
struct Contents {
    ids: Vec<i32>,
    rotation: [Vec<f32>; 2],
    tables: BlockTables,
}

impl Contents {
    fn new(mut step: DecodeStep, place: &DecodePlace, size: DecodeSize) -> Self {
        step.fill(size.rows, place.spare);
        let positions = Positions::from_runs(step.runs.clone()).with_rope_lengths(step.rope_lengths);
        Self {
            ids: step.ids.iter().map(|id| id.0 as i32).collect(),
            rotation: place.rope.numbers(&positions),
            tables: BlockTables::new(step.runs, step.blocks),
        }
    }
}

impl DecodeBuffers {
    /// Buffers of the size of a step, with its contents; `None` when steps of its size are not recorded.
    #[must_use]
    pub fn new(step: DecodeStep, place: &DecodePlace) -> Option<Self> {
        let size = step.size()?;
        let like = primitive(Tensor::<1>::empty([1], &place.device.clone().inner()));
        let Contents { ids, rotation, tables } = Contents::new(step, place, size);
        let half = rotation[0].len() / size.rows;
        Some(Self {
            place: place.clone(),
            size,
            ids: upload(&like, &ids, [size.rows]),
            rotation: rotation.map(|numbers| upload(&like, &numbers, [size.rows, half])),
            plan: UploadedPlan::of_decoding(&tables, place.block_tokens, size.splits, &like),
            tables,
        })
    }

    /// Replaces the contents by those of another step.
    ///
    /// # Panics
    /// When the step has another size.
    pub fn write(&mut self, step: DecodeStep) {
        assert_eq!(step.size(), Some(self.size), "the step has the size of the buffers");
        let Contents { ids, rotation, tables } = Contents::new(step, &self.place, self.size);
        write(&self.ids, &ids);
        self.rotation.iter().zip(&rotation).for_each(|(to, numbers)| write(to, numbers));
        self.plan.write_decoding(&tables, self.place.block_tokens, self.size.splits);
        self.tables = tables;
    }

    /// The new tokens, `[rows]`.
    #[must_use]
    pub fn ids(&self) -> Tensor<1, Int> {
        Tensor::from_primitive::<CubeBackend>(self.ids.clone())
    }

    /// Rotation of the rows.
    #[must_use]
    pub fn table(&self) -> RopeTable {
        let [cos, sin] = self.rotation.clone().map(from_primitive);
        RopeTable { cos, sin }
    }

    /// Where the keys of the rows are.
    #[must_use]
    pub fn batch(&self) -> PagedBatch {
        PagedBatch::planned(self.tables.clone(), self.plan.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(positions: &[usize]) -> Option<[usize; 2]> {
        let mut step = DecodeStep::default();
        for position in positions {
            step.push(TokenId(1), *position, position + 1, vec![0; 100]);
        }
        step.size().map(|size| [size.rows, size.splits])
    }

    #[test]
    fn sizes_are_powers_of_two() {
        assert_eq!(size(&[]), None);
        assert_eq!(size(&[0]), Some([1, 1]));
        assert_eq!(size(&[255, 3]), Some([2, 1]));
        assert_eq!(size(&[255, 3, 256]), Some([4, 2]));
        assert_eq!(size(&[1023, 7, 7, 7, 7]), Some([8, 4]));
        assert_eq!(size(&[9; 16]), Some([16, 1]));
        assert_eq!(size(&[9; 17]), None);
    }
}
