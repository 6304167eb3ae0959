//! Queries over the keys of their sequence, which they find by the table of its blocks.

use cubecl::prelude::*;

use super::codes::read_word;
use super::form::{PagedForm, SPLIT, Walk};
use crate::kernels::block_tables::KeyFormat;
use crate::kernels::device::attention::plan::Form;
use crate::kernels::device::attention::running::Running;
use crate::kernels::device::attention::tile::{Factor, Tile, first_key, load_queries, products, share};
use crate::kernels::device::halves::{from_bf16, from_half};

/// One cube per piece of the plan and kv head; `x` is the rotated projection, whose keys and values are stored already.
///
/// # Shapes
/// - x: `[T, (heads + 2 kv_heads) d]`
/// - cache: `[blocks, words of a block]`
/// - tables: `[sequences, blocks]`
/// - pieces: `[pieces, 5]`
/// - out: `[T, heads * d]`; with [`Walk::Split`] `[pieces, heads, d + 2]`
#[cube(launch)]
pub(super) fn attend_pages(
    x: &Tensor<f32>,
    cache: &Tensor<u32>,
    tables: &Tensor<u32>,
    pieces: &Tensor<u32>,
    out: &mut Tensor<f32>,
    #[comptime] form: PagedForm,
) {
    let (head, piece) = (CUBE_POS % form.tile.kv_heads, CUBE_POS / form.tile.kv_heads);
    if piece >= pieces.shape(0) {
        terminate!();
    }
    let at = piece * pieces.stride(0);
    let (token, sequence) = (pieces[at] as usize, pieces[at + 3] as usize);
    let tile = tile_at(pieces, at, head, form);
    let mut queries = Shared::<[f32]>::new_slice(comptime!(form.tile.queries() * form.tile.d));
    let mut keys = Shared::<[f32]>::new_slice(comptime!(form.tile.keys * form.tile.d));
    let mut scores = Shared::<[f32]>::new_slice(comptime!(form.tile.queries() * form.tile.keys));
    let mut part = Running::new(comptime!(form.tile));
    let mut sums = Running::new(comptime!(form.tile));
    load_queries(
        x,
        head * comptime!(form.tile.slots()),
        token,
        tile.count,
        &mut queries,
        comptime!(form.tile),
    );
    // Tiles of keys begin at multiples of their size, whatever the first query of the tile sees.
    let mut key = first_key(tile.first, tile) / form.tile.keys * form.tile.keys;
    let mut end = tile.end;
    if comptime!(form.walk == Walk::Split) {
        let split = pieces[at + 4] as usize;
        key = max(key, split * SPLIT);
        end = min(end, (split + 1) * SPLIT);
    }
    while key < end {
        let border = min(end, (key / SPLIT + 1) * SPLIT);
        part.clear(comptime!(form.tile));
        while key < border {
            let count = min(border - key, form.tile.keys);
            load_slots(cache, tables, Slots { sequence, plane: head, first: key, count }, &mut keys, form);
            sync_cube();
            products(&queries, &keys, &mut scores, Factor::Root, comptime!(form.tile));
            sync_cube();
            let plane = form.tile.kv_heads + head;
            load_slots(cache, tables, Slots { sequence, plane, first: key, count }, &mut keys, form);
            sync_cube();
            part.absorb(&scores, &keys, key, tile, comptime!(form.tile));
            sync_cube();
            key += form.tile.keys;
        }
        sums.merge(&part, comptime!(form.tile));
    }
    if comptime!(form.walk == Walk::Split) {
        write_part(&sums, out, piece, head, comptime!(form.tile));
    } else {
        write_outputs(&sums, out, token, tile, comptime!(form.tile));
    }
}

/// The queries of a piece, counted in positions of their sequence.
#[cube]
fn tile_at(pieces: &Tensor<u32>, at: usize, head: usize, #[comptime] form: PagedForm) -> Tile {
    let (count, first) = (pieces[at + 1] as usize, pieces[at + 2] as usize);
    let end = first + count;
    // A window longer than the sequence hides nothing.
    Tile { head, first, count, start: 0usize, end, window: min(end, form.window) }
}

/// Consecutive positions of one sequence, and whose numbers are meant: a kv head's keys or values.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
struct Slots {
    /// Row of the tables.
    sequence: usize,
    /// Number of the kv head; the values follow the keys of all heads.
    plane: usize,
    /// First position.
    first: usize,
    /// Number of positions.
    count: usize,
}

/// Copies keys or values to the tile as floats; those of no position are 0.
#[cube]
fn load_slots(
    cache: &Tensor<u32>,
    tables: &Tensor<u32>,
    slots: Slots,
    tile: &mut Shared<[f32]>,
    #[comptime] form: PagedForm,
) {
    let words = comptime!(form.layout.row_words());
    let numbers = comptime!(form.tile.d / words);
    for i in range_stepped(UNIT_POS as usize, comptime!(form.tile.keys * words), CUBE_DIM as usize) {
        let (key, word) = (i / words, i % words);
        if key < slots.count {
            let (start, row) = place_of(cache, tables, slots, key, form);
            let stored = cache[start + row * words + word];
            if comptime!(form.layout.format == KeyFormat::F32) {
                tile[i] = f32::reinterpret(stored);
            } else if comptime!(form.layout.format == KeyFormat::Bf16) {
                tile[2 * i] = from_bf16(stored & 0xffffu32);
                tile[2 * i + 1] = from_bf16(stored >> 16u32);
            } else if comptime!(form.layout.format == KeyFormat::F16) {
                tile[2 * i] = from_half(stored & 0xffffu32);
                tile[2 * i + 1] = from_half(stored >> 16u32);
            } else {
                let scales = comptime!(form.layout.row_scales());
                let first = comptime!(form.layout.rows() * words);
                let scale = cache[start + first + row * scales + word / comptime!(words / scales)];
                read_word(stored, scale, tile, i * numbers, comptime!(form.layout.format));
            }
        } else {
            #[unroll]
            for j in 0..numbers {
                tile[i * numbers + j] = f32::new(0.0);
            }
        }
    }
}

/// Where a key or value is stored: the first word of its block, and its row of the block.
#[cube]
fn place_of(
    cache: &Tensor<u32>,
    tables: &Tensor<u32>,
    slots: Slots,
    key: usize,
    #[comptime] form: PagedForm,
) -> (usize, usize) {
    let position = slots.first + key;
    let block = tables[slots.sequence * tables.stride(0) + position / form.layout.block_tokens] as usize;
    let row = slots.plane * form.layout.block_tokens + position % form.layout.block_tokens;
    (block * cache.stride(0), row)
}

/// Writes the outputs of the tokens of a tile.
#[cube]
fn write_outputs(sums: &Running, out: &mut Tensor<f32>, token: usize, tile: Tile, #[comptime] form: Form) {
    let lanes = comptime!(form.lanes(form.queries()));
    let share = share(lanes);
    let (head, row) = (share.index / form.rows, share.index % form.rows);
    if head < form.group && row < tile.count {
        let to = (token + row) * out.stride(0) + (tile.head * form.group + head) * form.d;
        #[unroll]
        for i in 0..comptime!(form.numbers(form.queries())) {
            let column = share.lane + i * lanes;
            if column < form.d {
                out[to + column] = sums.sums[i] / sums.total.read();
            }
        }
    }
}

/// Writes what one token has added up over one split.
#[cube]
fn write_part(sums: &Running, out: &mut Tensor<f32>, part: usize, head: usize, #[comptime] form: Form) {
    let lanes = comptime!(form.lanes(form.queries()));
    let share = share(lanes);
    if share.index < form.group {
        let to = part * out.stride(0) + (head * form.group + share.index) * out.stride(1);
        #[unroll]
        for i in 0..comptime!(form.numbers(form.queries())) {
            let column = share.lane + i * lanes;
            if column < form.d {
                out[to + column] = sums.sums[i];
            }
        }
        if share.lane == 0 {
            out[to + form.d] = sums.largest.read();
            out[to + comptime!(form.d + 1)] = sums.total.read();
        }
    }
}
