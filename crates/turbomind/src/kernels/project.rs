//! The matrix products of a layer, each with what follows it: rotation and storing, adding to the residual, silu.

use std::ops::Range;

use super::attention::{Place, store_key, store_value};
use super::chunks::Chunks;
use super::{Input, Shared};
use crate::Result;
use crate::kv::KvPool;
use crate::model::{Layer, Weights};
use crate::pool::Member;
use crate::simd::{Isa, vector};
use crate::tile::GROUP;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Room for sums, the same for every member.
pub(crate) struct Sums<'a> {
    pub(crate) room: &'a Shared<f32>,
    /// Numbers of one member.
    pub(crate) each: usize,
}

impl Sums<'_> {
    /// Numbers that a pass of `rows` rows needs per member; heads have at most `head_dim` columns.
    pub(crate) fn needed(rows: usize, head_dim: usize) -> usize {
        // A vector more, as rooms begin at cache lines.
        GROUP * (Chunks::most_rows(rows) * unit_groups(head_dim).max(4) + 1)
    }

    /// This member's room.
    ///
    /// # Safety
    /// The member holds no other slice of it.
    #[allow(clippy::mut_from_ref, reason = "one room per member")]
    pub(crate) unsafe fn of(&self, member: &Member<'_>, entries: usize) -> &mut [[f32; GROUP]] {
        let start = member.index() * self.each;
        // SAFETY: rooms of members do not overlap; the rest by the caller's promise.
        let room = unsafe { self.room.write(start..start + self.each) };
        // Sums that straddle cache lines take the kernels twice the loads and stores.
        let skip = room.as_ptr().align_offset(LINE).min(GROUP);
        &mut room[skip..].as_chunks_mut().0[..entries]
    }
}

/// Column groups that hold whole heads.
fn unit_groups(head_dim: usize) -> usize {
    let mut groups = 1;
    while !(groups * GROUP).is_multiple_of(head_dim) {
        groups += 1;
    }
    groups
}

/// `out[group][row]` = products of some column groups with some rows, biases added.
fn multiply(
    weights: &Weights,
    input: &Input,
    groups: Range<usize>,
    rows: Range<usize>,
    out: &mut [[f32; GROUP]],
) {
    weights.multiply(input, groups.clone(), rows.clone(), out);
    if let Some(bias) = &weights.bias {
        for (group, out) in groups.zip(out.chunks_exact_mut(rows.len())) {
            let bias = &bias[group * GROUP..(group + 1) * GROUP];
            out.iter_mut().for_each(|sums| sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias));
        }
    }
}

/// Where the heads of a row are turned to, and where its keys and values go.
pub(crate) struct Rotation<'a> {
    /// `[rows, head_dim / 2]`.
    pub(crate) cos: &'a [f32],
    /// Likewise.
    pub(crate) sin: &'a [f32],
    /// (block, slot) of each row.
    pub(crate) places: &'a [(u32, usize)],
    pub(crate) pool: &'a KvPool,
    pub(crate) layer: usize,
}

/// Queries, keys and values of a layer: queries are rotated and written to `q`, keys are rotated and stored with the
/// values.
///
/// # Shapes
/// - `q`: `[rows, heads * head_dim]`
pub(crate) fn attention_input(
    member: &Member<'_>,
    isa: Isa,
    layer: &Layer,
    (input, rows): (&Input, usize),
    (rotation, sums): (&Rotation<'_>, &Sums<'_>),
    q: &Shared<f32>,
) -> Result<()> {
    let head_dim = rotation.pool.config().head_dim;
    let unit = unit_groups(head_dim);
    let units = layer.qkv.each_ref().map(|weights| weights.matrix.groups().div_ceil(unit));
    let chunks = Chunks::new(member.threads(), units.iter().sum(), rows);
    let q_width = layer.qkv[0].matrix.outputs;
    member.phase(chunks.count(), |chunk| {
        let (columns, rows) = chunks.chunk(chunk);
        for column in columns {
            let (part, first) = if column < units[0] {
                (0, column)
            } else if column < units[0] + units[1] {
                (1, column - units[0])
            } else {
                (2, column - units[0] - units[1])
            };
            let weights = &layer.qkv[part];
            let groups = first * unit..((first + 1) * unit).min(weights.matrix.groups());
            // SAFETY: the member's room is borrowed once at a time.
            let out = unsafe { sums.of(member, groups.len() * rows.len()) };
            multiply(weights, input, groups.clone(), rows.clone(), out);
            let outputs = groups.start * GROUP..(groups.end * GROUP).min(weights.matrix.outputs);
            let heads = outputs.start / head_dim..outputs.end / head_dim;
            let mut values = [0.0; 256];
            let values = &mut values[..head_dim];
            for (index, row) in rows.clone().enumerate() {
                for head in heads.clone() {
                    gather(out, (rows.len(), index), head * head_dim - outputs.start, values);
                    finish_head(isa, (part, head), (row, values), rotation, (q, q_width));
                }
            }
        }
    })
}

/// Takes columns `first..` of a row out of `[groups][rows][16]`.
fn gather(sums: &[[f32; GROUP]], (rows, row): (usize, usize), first: usize, values: &mut [f32]) {
    if first.is_multiple_of(GROUP) && values.len().is_multiple_of(GROUP) {
        for (group, values) in values.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
            *values = sums[(first / GROUP + group) * rows + row];
        }
        return;
    }
    for (column, value) in (first..).zip(values) {
        *value = sums[column / GROUP * rows + row][column % GROUP];
    }
}

/// Rotates one head of one row and writes it where it belongs.
fn finish_head(
    isa: Isa,
    (part, head): (usize, usize),
    (row, values): (usize, &mut [f32]),
    rotation: &Rotation<'_>,
    (q, q_width): (&Shared<f32>, usize),
) {
    let half = values.len() / 2;
    if part < 2 {
        let (cos, sin) = (&rotation.cos[row * half..][..half], &rotation.sin[row * half..][..half]);
        vector::rotate(isa, values, cos, sin);
    }
    if part == 0 {
        let start = row * q_width + head * values.len();
        // SAFETY: a head of a row belongs to one chunk.
        unsafe { q.write(start..start + values.len()) }.copy_from_slice(values);
        return;
    }
    let (block, slot) = rotation.places[row];
    let place = Place { layer: rotation.layer, block, slot, kv_head: head };
    // SAFETY: likewise, and no two rows have the same place; the attention reads in a later phase.
    unsafe {
        if part == 1 {
            store_key(isa, rotation.pool, place, values);
        } else {
            store_value(isa, rotation.pool, place, values);
        }
    }
}

/// `x += weights * input`.
///
/// # Shapes
/// - `x`: `[rows, outputs]`
pub(crate) fn residual(
    member: &Member<'_>,
    weights: &Weights,
    (input, rows): (&Input, usize),
    sums: &Sums<'_>,
    x: &Shared<f32>,
) -> Result<()> {
    let width = weights.matrix.outputs;
    let chunks = Chunks::new(member.threads(), weights.matrix.groups(), rows);
    member.phase(chunks.count(), |chunk| {
        let (columns, rows) = chunks.chunk(chunk);
        for groups in batches(columns, rows.len()) {
            // SAFETY: the member's room is borrowed once at a time.
            let out = unsafe { sums.of(member, groups.len() * rows.len()) };
            multiply(weights, input, groups.clone(), rows.clone(), out);
            for (group, out) in groups.zip(out.chunks_exact(rows.len())) {
                // SAFETY: these columns of the rows belong to this chunk.
                unsafe { add(x, (group, width), &rows, out) };
            }
        }
    })
}

/// Adds the sums of a column group to some rows of `x`, `[rows, width]`.
///
/// # Safety
/// No other thread reads or writes these columns of the rows meanwhile.
unsafe fn add(x: &Shared<f32>, (group, width): (usize, usize), rows: &Range<usize>, sums: &[[f32; GROUP]]) {
    let columns = group * GROUP..((group + 1) * GROUP).min(width);
    for (row, sums) in rows.clone().zip(sums) {
        // SAFETY: by the caller's promise.
        let x = unsafe { x.write(row * width + columns.start..row * width + columns.end) };
        match x.first_chunk_mut::<GROUP>() {
            Some(x) => x.iter_mut().zip(sums).for_each(|(x, sum)| *x += sum),
            None => x.iter_mut().zip(sums).for_each(|(x, sum)| *x += sum),
        }
    }
}

/// Column groups of one kernel call: several for one row, two for many.
pub(super) fn batches(columns: Range<usize>, rows: usize) -> impl Iterator<Item = Range<usize>> {
    let step = if rows == 1 { 4 } else { 2 };
    columns.clone().step_by(step).map(move |start| start..(start + step).min(columns.end))
}

/// `out = silu(w1 * input) * (w3 * input)`.
///
/// # Shapes
/// - `out`: `[rows, inter]`
pub(crate) fn gate_up(
    member: &Member<'_>,
    isa: Isa,
    layer: &Layer,
    (input, rows): (&Input, usize),
    sums: &Sums<'_>,
    out: &Input,
) -> Result<()> {
    let outputs = layer.w1.matrix.outputs;
    // Two groups are one block of 32 of the next product's input.
    let chunks = Chunks::new(member.threads(), layer.w1.matrix.groups().div_ceil(2), rows);
    member.phase(chunks.count(), |chunk| {
        let (columns, rows) = chunks.chunk(chunk);
        for pair in columns {
            let groups = 2 * pair..(2 * pair + 2).min(layer.w1.matrix.groups());
            let entries = groups.len() * rows.len();
            // SAFETY: the member's room is borrowed once at a time.
            let (gate, up) = unsafe { sums.of(member, 2 * entries) }.split_at_mut(entries);
            multiply(&layer.w1, input, groups.clone(), rows.clone(), gate);
            multiply(&layer.w3, input, groups.clone(), rows.clone(), up);
            if let Some(block_sums) = out.only_blocks() {
                vector::gated_blocks(isa, block_sums, gate, up, |index, values, scale| {
                    // SAFETY: this block of the rows belongs to this chunk.
                    unsafe { out.set_block((pair, rows.start + index), values, scale) };
                });
                continue;
            }
            vector::silu_mul(isa, gate, up);
            let first = groups.start * GROUP;
            let count = (groups.end * GROUP).min(outputs) - first;
            for (index, row) in rows.clone().enumerate() {
                let mut values = [[0.0; GROUP]; 2];
                for (group, values) in values.iter_mut().enumerate().take(groups.len()) {
                    *values = gate[group * rows.len() + index];
                }
                // SAFETY: these columns of the row belong to this chunk.
                unsafe { out.set(isa, row, first, &values.as_flattened()[..count]) };
            }
        }
    })
}
