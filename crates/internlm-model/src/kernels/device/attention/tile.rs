//! What the attention kernels share: tiles in shared memory, their products, and which keys a query sees.

use cubecl::prelude::*;

use super::plan::Form;

/// A tile of tokens, as the plan describes it, and the kv head whose slots are worked on.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Tile {
    /// The kv head.
    pub(super) head: usize,
    /// First token.
    pub(super) first: usize,
    /// Number of tokens.
    pub(super) count: usize,
    /// First token of the sequence.
    pub(super) start: usize,
    /// The token after the sequence.
    pub(super) end: usize,
    /// Keys that a query sees, its own included.
    pub(super) window: usize,
}

/// The tile of this cube; one of no tokens in cubes beyond the last tile.
#[cube]
pub(super) fn tile_of_cube(tiles: &Tensor<u32>, #[comptime] kv_heads: usize) -> Tile {
    let (head, tile) = (CUBE_POS % kv_heads, CUBE_POS / kv_heads);
    let at = min(tile, tiles.shape(0) - 1) * tiles.stride(0);
    let mut count = 0usize;
    if tile < tiles.shape(0) {
        count = tiles[at + 1] as usize;
    }
    Tile {
        head,
        first: tiles[at] as usize,
        count,
        start: tiles[at + 2] as usize,
        end: tiles[at + 3] as usize,
        window: tiles[at + 4] as usize,
    }
}

/// The query or key that a unit works on, and its share of it.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Share {
    /// Which query or key of the tile.
    pub(super) index: usize,
    /// First of the unit's numbers; the others follow at a distance of [`Form::lanes`].
    pub(super) lane: usize,
}

/// The share of this unit in a tile of `count` queries or keys.
#[cube]
pub(super) fn share(#[comptime] lanes: usize) -> Share {
    Share { index: UNIT_POS as usize / lanes, lane: UNIT_POS as usize % lanes }
}

/// Copies the queries of the tokens from `first` on; `slot` is the first of their heads. Query `head * rows + row` of
/// the tile is head `head` of token `first + row`; queries of no token are 0.
#[cube]
pub(super) fn load_queries<F: Float>(
    x: &Tensor<F>,
    slot: usize,
    first: usize,
    count: usize,
    tile: &mut Shared<[f32]>,
    #[comptime] form: Form,
) {
    for i in range_stepped(UNIT_POS as usize, comptime!(form.queries() * form.d), CUBE_DIM as usize) {
        let (query, column) = (i / form.d, i % form.d);
        let (head, row) = (query / form.rows, query % form.rows);
        let mut value = f32::new(0.0);
        if row < count {
            value = f32::cast_from(x[(first + row) * x.stride(0) + (slot + head) * form.d + column]);
        }
        tile[i] = value;
    }
}

/// Copies one slot of the tokens from `first` on; keys of no token are 0.
#[cube]
pub(super) fn load_keys<F: Float>(
    x: &Tensor<F>,
    slot: usize,
    first: usize,
    count: usize,
    tile: &mut Shared<[f32]>,
    #[comptime] form: Form,
) {
    for i in range_stepped(UNIT_POS as usize, comptime!(form.keys * form.d), CUBE_DIM as usize) {
        let (key, column) = (i / form.d, i % form.d);
        let mut value = f32::new(0.0);
        if key < count {
            value = f32::cast_from(x[(first + key) * x.stride(0) + slot * form.d + column]);
        }
        tile[i] = value;
    }
}

/// `factor * q k^T` of every query with every key, `[queries, keys]`.
#[cube]
pub(super) fn products(
    queries: &Shared<[f32]>,
    keys: &Shared<[f32]>,
    scores: &mut Shared<[f32]>,
    #[comptime] factor: Factor,
    #[comptime] form: Form,
) {
    for i in range_stepped(UNIT_POS as usize, comptime!(form.queries() * form.keys), CUBE_DIM as usize) {
        let (q, k) = (i / form.keys * form.d, i % form.keys * form.d);
        let mut sum = f32::new(0.0);
        for column in 0..form.d {
            sum += queries[q + column] * keys[k + column];
        }
        if comptime!(factor == Factor::Root) {
            sum *= f32::new(comptime!(1.0 / (form.d as f32).sqrt()));
        }
        scores[i] = sum;
    }
}

/// What products are multiplied by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Factor {
    /// 1.
    One,
    /// `1 / sqrt(d)`, as scores are.
    Root,
}

/// Whether the query of a token sees a key of its sequence: one up to its own, of the last `window`.
#[cube]
pub(super) fn sees(token: usize, key: usize, window: usize) -> bool {
    key <= token && token < key + window
}

/// The first key that the query of a token sees.
#[cube]
pub(super) fn first_key(token: usize, tile: Tile) -> usize {
    let mut first = tile.start;
    if token - tile.start >= tile.window {
        first = token + 1 - tile.window;
    }
    first
}
