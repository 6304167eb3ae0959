//! One work item: its query rows through its parts.

use super::AttentionCall;
use super::plan::{Item, Sizes, WIDE_TILES};
use crate::kv::{KvFormat, TILE, Tile};
use crate::simd::attention::{
    Element, Finish, Merge, PART, ROWS, Rotation, Rows, Scale, Scores, Side, Softmax, Values, Widen,
};

/// Tiles of a part.
const TILES: usize = PART / TILE;

/// A member's memory.
struct Memory<'a> {
    q: &'a mut [f32],
    scores: &'a mut [f32],
    wide: &'a mut [f32],
    state: &'a mut [f32],
    part: &'a mut [f32],
}

impl<'a> Memory<'a> {
    /// The memory of a member, aligned to cache lines.
    ///
    /// # Safety
    /// Only member `index` calls it, and never while an earlier one lives.
    unsafe fn new(index: usize, call: &'a AttentionCall<'_>) -> Self {
        let Sizes { member, q, scores, wide, result, .. } = call.scratch.sizes;
        // SAFETY: members have disjoint ranges, and this member holds one at a time, by the caller's promise.
        let all = unsafe { call.scratch.members.write(index * member..(index + 1) * member) };
        let skip = all.as_ptr().align_offset(64).min(15);
        let (q, rest) = all[skip..].split_at_mut(q);
        let (scores, rest) = rest.split_at_mut(scores);
        let (wide, rest) = rest.split_at_mut(wide);
        let (state, rest) = rest.split_at_mut(result);
        Self { q, scores, wide, state, part: &mut rest[..result] }
    }
}

/// Runs an item of the first phase as member `index`.
///
/// # Safety
/// As [`super::attention`]; nobody else runs the same item.
pub(super) unsafe fn run(index: usize, call: &AttentionCall<'_>, item: &Item) {
    // SAFETY: a member runs one item at a time.
    let Memory { q, scores, wide, state, part } = unsafe { Memory::new(index, call) };
    let rows = rows(call, item);
    // SAFETY: nobody writes q, by the caller's promise.
    unsafe { load_queries(call, item, q) };
    let mut buffers = Buffers { q, scores, wide };
    if let Some(partial) = item.partial {
        let size = call.scratch.sizes.token;
        // SAFETY: each item has a partial result of its own.
        let out = unsafe { call.scratch.partials.write(partial * size..(partial + item.tokens) * size) };
        // SAFETY: nobody writes the pool, by the caller's promise.
        unsafe { run_part(call, item, &rows, &mut buffers, out) };
        return;
    }
    for index in 0..item.parts {
        let rows = Rows { part_start: index * PART, ..rows };
        let out = if index == 0 { &mut *state } else { &mut *part };
        // SAFETY: as above.
        unsafe { run_part(call, item, &rows, &mut buffers, out) };
        if index > 0 {
            call.isa.run(Merge { rows, state, part });
        }
    }
    // SAFETY: the rows and heads of the item are its own.
    unsafe { finish(call, item, state) };
}

/// Merges the partial results of an item of the second phase as member `index`.
///
/// # Safety
/// As [`super::attention`]; nobody else runs the same item, and the first phase is over.
pub(super) unsafe fn merge(index: usize, call: &AttentionCall<'_>, item: &Item) {
    // SAFETY: a member runs one item at a time.
    let Memory { state, .. } = unsafe { Memory::new(index, call) };
    let size = call.scratch.sizes.token * item.tokens;
    let first = item.partial.expect("an item of the second phase has partial results");
    for part in 0..item.parts {
        let start = first * call.scratch.sizes.token + part * size;
        // SAFETY: partial results were written in the first phase and are only read in the second.
        let result = unsafe { call.scratch.partials.read(start..start + size) };
        if part == 0 {
            state[..size].copy_from_slice(result);
        } else {
            let rows = Rows { part_start: part * PART, ..rows(call, item) };
            call.isa.run(Merge { rows, state, part: result });
        }
    }
    // SAFETY: the rows and heads of the item are its own.
    unsafe { finish(call, item, state) };
}

/// The rows of an item, with the start of its first part.
fn rows(call: &AttentionCall<'_>, item: &Item) -> Rows {
    let group = call.scratch.sizes.group;
    Rows {
        count: item.tokens * group,
        group,
        dim: call.pool.layout.dim,
        position: call.steps[item.step].position + item.token,
        part_start: item.part * PART,
    }
}

/// How the pool's keys and values are rotated.
fn rotation(call: &AttentionCall<'_>) -> Rotation {
    if call.pool.layout.config.format.is_rotated() { Rotation::Hadamard } else { Rotation::None }
}

/// Where the heads of the item's token `token` lie in q and out.
fn heads(call: &AttentionCall<'_>, item: &Item, token: usize) -> std::ops::Range<usize> {
    let layout = &call.pool.layout;
    let length = call.scratch.sizes.group * layout.config.head_dim;
    let row = call.steps[item.step].first_row + item.token + token;
    let start = (row * layout.config.kv_heads + item.kv_head) * length;
    start..start + length
}

/// Fills `[rows][dim]`, so that a product with a key is the score in units of ln 2.
///
/// # Safety
/// Nobody writes q.
unsafe fn load_queries(call: &AttentionCall<'_>, item: &Item, to: &mut [f32]) {
    let shape = call.scratch.shape.expect("a prepared scratch");
    let (head_dim, dim) = (call.pool.layout.config.head_dim, call.pool.layout.dim);
    let factor = shape.scale * std::f32::consts::LOG2_E;
    for (token, to) in to.chunks_exact_mut(call.scratch.sizes.group * dim).take(item.tokens).enumerate() {
        // SAFETY: the caller's promise.
        let x = unsafe { call.q.read(heads(call, item, token)) };
        call.isa.run(Scale { x, head_dim, dim, factor, rotation: rotation(call), to });
    }
}

/// Writes the item's rows of the output.
///
/// # Safety
/// Nobody else touches the item's part of the output.
unsafe fn finish(call: &AttentionCall<'_>, item: &Item, state: &mut [f32]) {
    let (head_dim, dim) = (call.pool.layout.config.head_dim, call.pool.layout.dim);
    let stride = rows(call, item).stride();
    for (token, state) in
        state.chunks_exact_mut(call.scratch.sizes.group * stride).take(item.tokens).enumerate()
    {
        // SAFETY: the caller's promise.
        let out = unsafe { call.out.write(heads(call, item, token)) };
        call.isa.run(Finish { state, dim, rotation: rotation(call), head_dim, out });
    }
}

/// What a part works with.
struct Buffers<'a> {
    q: &'a [f32],
    scores: &'a mut [f32],
    wide: &'a mut [f32],
}

/// Scores, weights and weighted values of one part.
///
/// # Safety
/// Nobody writes the pool.
unsafe fn run_part(
    call: &AttentionCall<'_>,
    item: &Item,
    rows: &Rows,
    buffers: &mut Buffers<'_>,
    out: &mut [f32],
) {
    let mut tiles = Tiles { keys: [&[]; TILES], values: [&[]; TILES], count: 0 };
    // SAFETY: the caller's promise.
    unsafe { tiles.find(call, item, rows) };
    if call.pool.layout.config.format == KvFormat::F16 && rows.count <= ROWS {
        run_direct(call, rows, &tiles, buffers, out);
    } else {
        run_widened(call, rows, &tiles, buffers, out);
    }
}

/// The tiles of a part.
struct Tiles<'a> {
    keys: [&'a [u8]; TILES],
    values: [&'a [u8]; TILES],
    count: usize,
}

impl<'a> Tiles<'a> {
    /// Looks up those that the last row sees.
    ///
    /// # Safety
    /// Nobody writes them while the slices live.
    unsafe fn find(&mut self, call: &AttentionCall<'a>, item: &Item, rows: &Rows) {
        let layout = &call.pool.layout;
        let bytes = layout.tile_bytes();
        self.count = rows.visible(rows.count - 1).div_ceil(TILE);
        for index in 0..self.count {
            let number = rows.part_start / TILE + index;
            let block = call.steps[item.step].blocks[number / layout.tiles()] as usize;
            assert!(block < layout.config.blocks && call.layer < layout.config.layers, "a block of the pool");
            let tile =
                Tile { layer: call.layer, block, kv_head: item.kv_head, index: number % layout.tiles() };
            let start = layout.offset(tile);
            // SAFETY: the caller's promise.
            unsafe {
                self.keys[index] = call.pool.keys.read(start..start + bytes);
                self.values[index] = call.pool.values.read(start..start + bytes);
            }
        }
    }
}

/// Few rows over f16: the kernels read the tiles themselves.
fn run_direct(
    call: &AttentionCall<'_>,
    rows: &Rows,
    tiles: &Tiles<'_>,
    buffers: &mut Buffers<'_>,
    out: &mut [f32],
) {
    let keys = tiles.keys.map(|tile| tile.as_chunks::<32>().0);
    scores(call, rows, (&keys[..tiles.count], 0), buffers.q, buffers.scores);
    call.isa.run(Softmax { rows: *rows, scores: buffers.scores, out });
    let values = tiles.values.map(|tile| tile.as_chunks::<32>().0);
    add_values(call, rows, (&values[..tiles.count], 0), buffers.scores, out);
}

/// Many rows or another format: some tiles at a time become floats that all rows use.
fn run_widened(
    call: &AttentionCall<'_>,
    rows: &Rows,
    tiles: &Tiles<'_>,
    buffers: &mut Buffers<'_>,
    out: &mut [f32],
) {
    for first in (0..tiles.count).step_by(WIDE_TILES) {
        let wide = widen(call, Side::Keys, &tiles.keys[first..tiles.count], buffers.wide);
        let count = WIDE_TILES.min(tiles.count - first);
        scores(call, rows, (&wide[..count], first), buffers.q, buffers.scores);
    }
    call.isa.run(Softmax { rows: *rows, scores: buffers.scores, out });
    for first in (0..tiles.count).step_by(WIDE_TILES) {
        let wide = widen(call, Side::Values, &tiles.values[first..tiles.count], buffers.wide);
        let count = WIDE_TILES.min(tiles.count - first);
        add_values(call, rows, (&wide[..count], first), buffers.scores, out);
    }
}

/// The first tiles as floats.
fn widen<'a>(
    call: &AttentionCall<'_>,
    side: Side,
    tiles: &[&[u8]],
    wide: &'a mut [f32],
) -> [&'a [[f32; 16]]; WIDE_TILES] {
    let layout = &call.pool.layout;
    let floats = TILE * layout.dim;
    for (tile, to) in tiles.iter().zip(wide.chunks_exact_mut(floats)) {
        call.isa.run(Widen { layout, side, tile, to });
    }
    std::array::from_fn(|index| wide[index * floats..][..floats].as_chunks().0)
}

fn scores<E: Element>(
    call: &AttentionCall<'_>,
    rows: &Rows,
    (keys, first_tile): (&[&[E]], usize),
    q: &[f32],
    scores: &mut [f32],
) {
    call.isa.run(Scores { rows: *rows, q, keys, first_tile, scores });
}

fn add_values<E: Element>(
    call: &AttentionCall<'_>,
    rows: &Rows,
    (values, first_tile): (&[&[E]], usize),
    weights: &[f32],
    out: &mut [f32],
) {
    call.isa.run(Values { rows: *rows, weights, values, first_tile, out });
}
