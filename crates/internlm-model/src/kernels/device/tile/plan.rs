//! [`Plan`]: the sizes of one kernel of matrix products.

use super::form::TileForm;
use super::fragment::Stored;
use super::stage::pitch;

/// Rows, columns and depth of one product of fragments.
const FRAGMENT: usize = 16;

/// Sizes that are known when a kernel is compiled. A cube makes `rows x columns` sums, going `depth` along k at a time.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Plan {
    /// Rows of the output of one cube.
    pub(super) rows: usize,
    /// Columns of the output of one cube.
    pub(super) columns: usize,
    /// Numbers along k of one stage.
    pub(super) depth: usize,
    /// Stages in shared memory; all but one are being filled while one is multiplied.
    pub(super) stages: usize,
    /// Planes that share the rows.
    pub(super) planes_m: usize,
    /// Planes that share the columns.
    pub(super) planes_n: usize,
    /// How the left operand is stored.
    pub(super) left: Stored,
    /// How the right operand is stored.
    pub(super) right: Stored,
    /// How tiles are multiplied.
    pub(super) form: TileForm,
}

/// A tile as it is in memory.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Block {
    /// Rows of a stage.
    pub(super) rows: usize,
    /// Numbers of a row.
    pub(super) columns: usize,
    /// Units that copy it.
    pub(super) units: usize,
    /// How they do.
    pub(super) form: TileForm,
}

impl Plan {
    /// The sizes on tensor cores: 8 planes with 64 x 32 sums each, 80 KiB of shared memory at most.
    pub(super) fn mma(left: Stored, right: Stored) -> Self {
        Self {
            rows: 128,
            columns: 128,
            depth: 32,
            stages: 4,
            planes_m: 2,
            planes_n: 4,
            left,
            right,
            form: TileForm::Mma,
        }
    }

    /// Planes of a cube.
    pub(super) fn planes(self) -> usize {
        self.planes_m * self.planes_n
    }

    /// Units of a cube.
    pub(super) fn units(self) -> usize {
        self.planes() * super::LANES
    }

    /// Fragments of 16 rows of one plane.
    pub(super) fn rows_of_plane(self) -> usize {
        self.rows / self.planes_m / FRAGMENT
    }

    /// Pairs of fragments of 8 columns of one plane.
    pub(super) fn pairs_of_plane(self) -> usize {
        self.columns / self.planes_n / FRAGMENT
    }

    /// Products of fragments along the depth of a stage.
    pub(super) fn steps(self) -> usize {
        self.depth / FRAGMENT
    }

    /// The left tile of a stage.
    pub(super) fn left_block(self) -> Block {
        self.block(self.left, self.rows)
    }

    /// The right tile of a stage.
    pub(super) fn right_block(self) -> Block {
        self.block(self.right, self.columns)
    }

    fn block(self, stored: Stored, along: usize) -> Block {
        let (rows, columns) = if stored.along_k() { (self.depth, along) } else { (along, self.depth) };
        Block { rows, columns, units: self.units(), form: self.form }
    }
}

impl Block {
    /// Chunks from one row to the next.
    pub(super) fn pitch(self) -> usize {
        pitch(self.columns)
    }

    /// Chunks of one stage.
    pub(super) fn size(self) -> usize {
        self.rows * self.pitch()
    }

    /// Chunks that are copied.
    pub(super) fn chunks(self) -> usize {
        self.rows * self.chunks_of_row()
    }

    /// Chunks of a row that are copied.
    pub(super) fn chunks_of_row(self) -> usize {
        self.columns / super::CHUNK
    }

    /// Chunks that each unit copies at most.
    pub(super) fn turns(self) -> usize {
        self.chunks().div_ceil(self.units)
    }

    /// Elements of the stages in shared memory, of [`TileForm::vector`] numbers each.
    pub(super) fn elements(self, stages: usize) -> usize {
        stages * self.size() * super::CHUNK / self.form.vector()
    }
}
