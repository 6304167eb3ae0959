//! One work item: its query rows are taken through its parts.

use std::ops::Range;

use super::call::AttentionCall;
use super::plan::{Item, Sizes, WIDE_TILES};
use crate::kv::{KvFormat, TILE, Tile};
use crate::simd::attention::{
    Finish, Merge, PART, ROWS, Rotation, Rows, Scale, Scores, Side, Softmax, Values, Widen,
};

/// Number of tiles of a part.
const TILES: usize = PART / TILE;
/// How many tiles ahead of their use values are fetched.
const VALUES_AHEAD: usize = 2;

/// A member's buffers, cut out of the scratch memory.
struct Memory<'a> {
    q: &'a mut [f32],
    scores: &'a mut [f32],
    wide: &'a mut [f32],
    state: &'a mut [f32],
    part: &'a mut [f32],
}

impl<'a> Memory<'a> {
    /// Cuts out the buffers of member `index`, aligned to cache lines.
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
/// As in [`super::attention`]; nobody else runs the same item.
pub(super) unsafe fn run(index: usize, call: &AttentionCall<'_>, item: &Item) {
    // SAFETY: a member runs one item at a time.
    let Memory { q, scores, wide, state, part } = unsafe { Memory::new(index, call) };
    let rows = rows(call, item);
    // SAFETY: nobody writes q, by the caller's promise.
    unsafe { load_queries(call, item, q) };
    let mut buffers = Buffers { q, scores, wide };
    if let Some(partial) = item.partial {
        if item.part < rows.first_part() {
            return;
        }
        let size = call.scratch.sizes.token;
        // SAFETY: no two items share a partial result.
        let out = unsafe { call.scratch.partials.write(partial * size..(partial + item.tokens) * size) };
        // SAFETY: nobody writes the pool, by the caller's promise.
        unsafe { run_part(call, item, &rows, &mut buffers, out) };
        return;
    }
    let first = rows.first_part();
    for index in first..item.parts {
        let rows = Rows { part_start: index * PART, ..rows };
        let out = if index == first { &mut *state } else { &mut *part };
        // SAFETY: nobody writes the pool, by the caller's promise.
        unsafe { run_part(call, item, &rows, &mut buffers, out) };
        if index > first {
            call.isa.run(Merge { rows, state, part });
        }
    }
    // SAFETY: the rows and heads of the item are its own.
    unsafe { finish(call, item, state) };
}

/// Merges the partial results of an item of the second phase as member `index`.
///
/// # Safety
/// As in [`super::attention`]; nobody else runs the same item, and the first phase is over.
pub(super) unsafe fn merge(index: usize, call: &AttentionCall<'_>, item: &Item) {
    // SAFETY: a member runs one item at a time.
    let Memory { state, .. } = unsafe { Memory::new(index, call) };
    let size = call.scratch.sizes.token * item.tokens;
    let partial = item.partial.expect("an item of the second phase has partial results");
    let first = rows(call, item).first_part();
    for part in first..item.parts {
        let start = partial * call.scratch.sizes.token + part * size;
        // SAFETY: partial results were written in the first phase and are only read in the second.
        let result = unsafe { call.scratch.partials.read(start..start + size) };
        if part == first {
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
        window: call.window,
    }
}

/// How the pool's keys and values are rotated.
fn rotation(call: &AttentionCall<'_>) -> Rotation {
    if call.pool.layout.config.format.is_rotated() { Rotation::Hadamard } else { Rotation::None }
}

/// Where the heads of token `token` of the item are in q and out.
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

/// The buffers of one part.
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
    // SAFETY: the caller's promise.
    let tiles = unsafe { Tiles::new(call, item, rows) };
    if call.pool.layout.config.format == KvFormat::F16 && rows.count <= ROWS {
        run_direct(call, rows, &tiles, buffers, out);
    } else {
        run_widened(call, rows, &tiles, buffers, out);
    }
}

/// The tiles of a part in the order in which they are used: the keys that the last row sees, their values, and some
/// keys of the next part, which are only fetched ahead of their use.
struct Tiles<'a> {
    all: [&'a [u8]; 2 * TILES + WIDE_TILES],
    count: usize,
}

impl<'a> Tiles<'a> {
    /// Looks them up.
    ///
    /// # Safety
    /// Nobody writes them while the slices live.
    unsafe fn new(call: &AttentionCall<'a>, item: &Item, rows: &Rows) -> Self {
        let count = rows.visible(rows.count - 1).div_ceil(TILE);
        let mut all: [&[u8]; 2 * TILES + WIDE_TILES] = [&[]; _];
        for index in 0..count {
            // SAFETY: the caller's promise.
            unsafe {
                all[index] = tile(call, item, rows.part_start / TILE + index, Side::Keys);
                all[count + index] = tile(call, item, rows.part_start / TILE + index, Side::Values);
            }
        }
        if item.partial.is_none() && rows.part_start / PART + 1 < item.parts {
            let visible = rows.position + rows.count / rows.group - rows.part_start - PART;
            for index in 0..visible.div_ceil(TILE).min(WIDE_TILES) {
                // SAFETY: nobody writes the pool, by the caller's promise.
                all[2 * count + index] =
                    unsafe { tile(call, item, rows.part_start / TILE + TILES + index, Side::Keys) };
            }
        }
        Self { all, count }
    }
}

/// Tile `number` of a sequence.
///
/// # Safety
/// Nobody writes it while the slice lives.
unsafe fn tile<'a>(call: &AttentionCall<'a>, item: &Item, number: usize, side: Side) -> &'a [u8] {
    let layout = &call.pool.layout;
    let block = call.steps[item.step].blocks[number / layout.tiles()] as usize;
    assert!(block < layout.config.blocks && call.layer < layout.config.layers, "a block of the pool");
    let tile = Tile { layer: call.layer, block, kv_head: item.kv_head, index: number % layout.tiles() };
    let start = layout.offset(tile);
    let map = if side == Side::Keys { &call.pool.keys } else { &call.pool.values };
    // SAFETY: the caller's promise.
    unsafe { map.read(start..start + layout.tile_bytes()) }
}

/// Few rows over f16: the kernels read the tiles themselves.
fn run_direct(
    call: &AttentionCall<'_>,
    rows: &Rows,
    tiles: &Tiles<'_>,
    buffers: &mut Buffers<'_>,
    out: &mut [f32],
) {
    let halves = tiles.all.map(|tile| tile.as_chunks::<32>().0);
    let (keys, values) = (&halves[..tiles.count], &halves[tiles.count..2 * tiles.count]);
    let ahead = &halves[WIDE_TILES..];
    call.isa.run(Scores { rows: *rows, q: buffers.q, keys, ahead, first_tile: 0, scores: buffers.scores });
    call.isa.run(Softmax { rows: *rows, scores: buffers.scores, out });
    let ahead = &halves[tiles.count + VALUES_AHEAD..];
    call.isa.run(Values { rows: *rows, weights: buffers.scores, values, ahead, first_tile: 0, out });
}

/// Many rows or another format: some tiles at a time become floats that all rows use.
fn run_widened(
    call: &AttentionCall<'_>,
    rows: &Rows,
    tiles: &Tiles<'_>,
    buffers: &mut Buffers<'_>,
    out: &mut [f32],
) {
    let count = tiles.count;
    for first in (0..count).step_by(WIDE_TILES) {
        let wide = widen(call, Side::Keys, tiles, first..count.min(first + WIDE_TILES), buffers.wide);
        let keys = &wide[..WIDE_TILES.min(count - first)];
        call.isa.run(Scores {
            rows: *rows,
            q: buffers.q,
            keys,
            ahead: &[],
            first_tile: first,
            scores: buffers.scores,
        });
    }
    call.isa.run(Softmax { rows: *rows, scores: buffers.scores, out });
    for first in (0..count).step_by(WIDE_TILES) {
        let range = count + first..count + count.min(first + WIDE_TILES);
        let wide = widen(call, Side::Values, tiles, range, buffers.wide);
        let values = &wide[..WIDE_TILES.min(count - first)];
        call.isa.run(Values {
            rows: *rows,
            weights: buffers.scores,
            values,
            ahead: &[],
            first_tile: first,
            out,
        });
    }
}

/// Some tiles as floats.
fn widen<'a>(
    call: &AttentionCall<'_>,
    side: Side,
    tiles: &Tiles<'_>,
    range: Range<usize>,
    wide: &'a mut [f32],
) -> [&'a [[f32; 16]]; WIDE_TILES] {
    let layout = &call.pool.layout;
    let floats = TILE * layout.dim;
    for (index, to) in range.zip(wide.chunks_exact_mut(floats)) {
        let ahead = tiles.all.get(index + WIDE_TILES).copied().unwrap_or_default();
        call.isa.run(Widen { layout, side, tile: tiles.all[index], ahead, to });
    }
    std::array::from_fn(|index| wide[index * floats..][..floats].as_chunks().0)
}
