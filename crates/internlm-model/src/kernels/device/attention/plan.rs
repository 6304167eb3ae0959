//! [`Form`]: the sizes of one attention kernel. [`Plan`]: which tiles of a packed row it visits.

use crate::heads::HeadShape;
use crate::positions::Positions;

/// Sizes that are known when a kernel is compiled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Form {
    /// Key and value heads.
    pub(super) kv_heads: usize,
    /// Query heads of one kv head.
    pub(super) group: usize,
    /// Numbers of one head.
    pub(super) d: usize,
    /// Tokens of a tile of queries, each with `group` queries.
    pub(super) rows: usize,
    /// Keys of a tile of keys.
    pub(super) keys: usize,
}

/// Shared memory that every GPU has for one cube, in bytes.
pub(super) const SHARED: usize = 32 << 10;
/// Units of a cube; a query or a key is worked on by several of them.
pub(super) const UNITS: usize = 128;
/// Numbers of queries and of keys of a tile, largest first: wide heads need the smaller ones.
const TILES: [[usize; 2]; 4] = [[32, 32], [32, 16], [16, 8], [8, 8]];

impl Form {
    /// The largest tiles that fit in `shared` bytes of shared memory; `None` when none do.
    pub(super) fn new(shape: HeadShape, d: usize, shared: usize) -> Option<Self> {
        let HeadShape { heads, kv_heads } = shape;
        let group = heads / kv_heads;
        let forms = TILES.iter().filter(|[queries, _]| *queries >= group);
        let mut forms =
            forms.map(|[queries, keys]| Self { kv_heads, group, d, rows: queries / group, keys: *keys });
        forms.find(|form| form.shared_bytes() <= shared)
    }

    /// Queries of a tile.
    pub(super) fn queries(self) -> usize {
        self.rows * self.group
    }

    /// Slots of `d` numbers in the projection of one token that belong to one kv head.
    pub(super) fn slots(self) -> usize {
        self.group + 2
    }

    /// Units that share one of `count` queries or keys.
    pub(super) fn lanes(self, count: usize) -> usize {
        UNITS / count
    }

    /// Numbers of one query or key that each of its units holds.
    pub(super) fn numbers(self, count: usize) -> usize {
        self.d.div_ceil(self.lanes(count))
    }

    /// What the largest kernels, those of the gradients, have in shared memory: two tiles of queries, two of keys and
    /// two of scores.
    fn shared_bytes(self) -> usize {
        let (queries, keys) = (self.queries(), self.keys);
        size_of::<f32>() * 2 * ((queries + keys) * self.d + queries * keys)
    }
}

/// Consecutive tokens of one sequence, in tokens of the packed row, and how many keys its queries see: `[first, count,
/// first of the sequence, end of the sequence, window]`.
pub(super) type Span = [u32; 5];

/// The tiles of a packed row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Plan {
    /// Tiles of at most `rows` tokens.
    pub(super) queries: Vec<Span>,
    /// Tiles of at most `keys` tokens.
    pub(super) keys: Vec<Span>,
}

impl Plan {
    /// Cuts every sequence of a row in which all keys are new.
    pub(super) fn new(positions: &Positions, window: Option<usize>, form: Form) -> Self {
        Self { queries: tiles(positions, window, form.rows), keys: tiles(positions, window, form.keys) }
    }
}

/// Tiles of at most `size` tokens.
pub(super) fn tiles(positions: &Positions, window: Option<usize>, size: usize) -> Vec<Span> {
    // No sequence is longer than the row: a window of its length hides nothing.
    let tokens = positions.tokens();
    let window = window.map_or(tokens, |window| window.min(tokens));
    let mut start = 0;
    let mut tiles = Vec::new();
    for run in positions.runs() {
        let end = start + run.tokens;
        let firsts = (start..end).step_by(size);
        tiles.extend(firsts.map(|first| {
            let numbers = [first, size.min(end - first), start, end, window];
            numbers.map(|number| number as u32)
        }));
        start = end;
    }
    tiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_do_not_cross_sequences() {
        let positions = Positions::packed(&[0, 5, 6]);
        assert_eq!(tiles(&positions, None, 4), [[0, 4, 0, 5, 6], [4, 1, 0, 5, 6], [5, 1, 5, 6, 6]]);
        assert_eq!(tiles(&positions, Some(3), 8), [[0, 5, 0, 5, 3], [5, 1, 5, 6, 3]]);
    }

    #[test]
    fn forms_fit_in_the_shared_memory_of_any_device() {
        for (heads, kv_heads, d) in [(32, 8, 128), (8, 1, 128), (7, 1, 80), (1, 1, 2), (32, 32, 96)] {
            let form = Form::new(HeadShape { heads, kv_heads }, d, 32 << 10).expect("a form fits");
            assert!(form.shared_bytes() <= 32 << 10 && form.rows > 0, "{form:?}");
        }
        assert_eq!(Form::new(HeadShape { heads: 64, kv_heads: 1 }, 64, 32 << 10), None);
    }
}
