//! [`Plan`]: what each cube of a step works on, the same for all layers.

use burn_cubecl::tensor::CubeTensor;

use super::form::SPLIT;
use crate::kernels::block_tables::BlockTables;
use crate::kernels::device::launch::{upload, write};
use crate::positions::Run;

/// Work of one cube: `[token of the row, tokens, position of the first, sequence, split]`.
type Piece = [u32; 5];

/// A step cut into the work of cubes.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Plan {
    /// Where the keys of each token are stored: `block * block_tokens + slot`.
    slots: Vec<u32>,
    /// The blocks of each sequence, all rows of equal length.
    tables: Vec<u32>,
    sequences: usize,
    /// Tiles of sequences with several new tokens.
    tiles: Vec<Piece>,
    /// Splits of sequences with one new token.
    parts: Vec<Piece>,
    /// `[token of the row, first part, parts]` of these tokens.
    merges: Vec<[u32; 3]>,
}

/// A plan on the GPU, `None` where there is nothing of a kind.
#[derive(Clone, Debug)]
pub(in crate::kernels) struct UploadedPlan {
    /// `[T]`.
    pub(super) slots: CubeTensor,
    /// `[sequences, blocks]`.
    pub(super) tables: CubeTensor,
    /// `[tiles, 5]`.
    pub(super) tiles: Option<CubeTensor>,
    /// `[parts, 5]`.
    pub(super) parts: Option<CubeTensor>,
    /// `[merges, 3]`.
    pub(super) merges: Option<CubeTensor>,
}

impl Plan {
    /// Cuts a step with tiles of `rows` tokens.
    pub(super) fn new(batch: &BlockTables, block_tokens: usize, rows: usize) -> Self {
        let widest = batch.iter().map(|(run, _)| run.keys().div_ceil(block_tokens)).max().unwrap_or(0);
        let mut plan = Self::default();
        let mut token = 0;
        for (run, blocks) in batch.iter() {
            let slot = |position: usize| {
                blocks[position / block_tokens] * block_tokens as u32 + (position % block_tokens) as u32
            };
            plan.slots.extend((run.first..run.keys()).map(slot));
            let used = run.keys().div_ceil(block_tokens);
            plan.tables.extend_from_slice(&blocks[..used]);
            plan.tables.extend(std::iter::repeat_n(0, widest - used));
            match run.tokens {
                1 => plan.add_splits(token, run.first),
                _ => plan.add_tiles(token, run, rows),
            }
            plan.sequences += 1;
            token += run.tokens;
        }
        plan
    }

    /// A step of single tokens with room for `splits` splits of each: pieces without keys and blocks that are not read fill
    /// what the step does not need.
    fn of_decoding(batch: &BlockTables, block_tokens: usize, splits: usize) -> Self {
        let mut plan = Self::new(batch, block_tokens, 1);
        let (known, width) = (plan.tables.len() / plan.sequences, (splits * SPLIT).div_ceil(block_tokens));
        let rows = plan.tables.chunks_exact(known);
        let filled = rows.flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0, width - known)));
        plan.tables = filled.collect();
        plan.parts.resize(plan.sequences * splits, [0; 5]);
        plan
    }

    fn add_splits(&mut self, token: usize, position: usize) {
        let count = position / SPLIT + 1;
        self.merges.push([token, self.parts.len(), count].map(|number| number as u32));
        let sequence = self.sequences;
        self.parts.extend((0..count).map(|split| piece([token, 1, position, sequence, split])));
    }

    fn add_tiles(&mut self, token: usize, run: Run, rows: usize) {
        for first in (0..run.tokens).step_by(rows) {
            let count = rows.min(run.tokens - first);
            self.tiles.push(piece([token + first, count, run.first + first, self.sequences, 0]));
        }
    }

    /// Copies the plan to the GPU of `like`.
    pub(super) fn upload(&self, like: &CubeTensor) -> UploadedPlan {
        let matrix = |numbers: &[u32], width: usize| {
            (!numbers.is_empty()).then(|| upload(like, numbers, [numbers.len() / width, width]))
        };
        UploadedPlan {
            slots: upload(like, &self.slots, [self.slots.len()]),
            tables: upload(like, &self.tables, [self.sequences, self.tables.len() / self.sequences]),
            tiles: matrix(self.tiles.as_flattened(), 5),
            parts: matrix(self.parts.as_flattened(), 5),
            merges: matrix(self.merges.as_flattened(), 3),
        }
    }
}

impl UploadedPlan {
    /// Copies the plan of a step of single tokens, each with room for `splits` splits, to the GPU of `like`.
    pub(in crate::kernels) fn of_decoding(
        batch: &BlockTables,
        block_tokens: usize,
        splits: usize,
        like: &CubeTensor,
    ) -> Self {
        Plan::of_decoding(batch, block_tokens, splits).upload(like)
    }

    /// Replaces it by that of another step with as many tokens.
    pub(in crate::kernels) fn write_decoding(&self, batch: &BlockTables, block_tokens: usize, splits: usize) {
        let plan = Plan::of_decoding(batch, block_tokens, splits);
        write(&self.slots, &plan.slots);
        write(&self.tables, &plan.tables);
        for (to, numbers) in
            [(&self.parts, plan.parts.as_flattened()), (&self.merges, plan.merges.as_flattened())]
        {
            write(to.as_ref().expect("single tokens have splits"), numbers);
        }
    }
}

fn piece(numbers: [usize; 5]) -> Piece {
    numbers.map(|number| number as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_tokens_are_split_and_others_are_tiled() {
        let runs = [Run { first: 5, tokens: 1 }, Run { first: 2, tokens: 3 }, Run { first: 512, tokens: 1 }];
        let blocks = vec![vec![4, 7, 9], vec![0, 1], vec![2; 200]];
        let plan = Plan::new(&BlockTables::new(runs.to_vec(), blocks), 4, 2);
        assert_eq!(plan.slots, [29, 2, 3, 4, 8]);
        assert_eq!((plan.sequences, plan.tables.len()), (3, 3 * 129));
        assert_eq!(plan.tables[..4], [4, 7, 0, 0]);
        assert_eq!(plan.tiles, [[1, 2, 2, 1, 0], [3, 1, 4, 1, 0]]);
        assert_eq!(plan.parts, [[0, 1, 5, 0, 0], [4, 1, 512, 2, 0], [4, 1, 512, 2, 1], [4, 1, 512, 2, 2]]);
        assert_eq!(plan.merges, [[0, 0, 1], [4, 1, 3]]);
    }

    #[test]
    fn steps_of_single_tokens_have_room_for_more_keys() {
        let runs = [Run { first: 5, tokens: 1 }, Run { first: 300, tokens: 1 }];
        let blocks = vec![vec![4], vec![7, 1, 3]];
        let plan = Plan::of_decoding(&BlockTables::new(runs.to_vec(), blocks), 128, 4);
        assert_eq!(plan.tables, [4, 0, 0, 0, 0, 0, 0, 0, 7, 1, 3, 0, 0, 0, 0, 0]);
        assert_eq!(plan.merges, [[0, 0, 1], [1, 1, 2]]);
        assert_eq!((plan.parts.len(), plan.tiles.len()), (8, 0));
        assert_eq!(plan.parts[..4], [[0, 1, 5, 0, 0], [1, 1, 300, 1, 0], [1, 1, 300, 1, 1], [0; 5]]);
    }
}
