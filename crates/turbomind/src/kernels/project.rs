//! The matrix products of a layer, each with what follows it: rotation and storing, adding to the residual, silu.

use std::ops::Range;

use super::Input;
use super::attention::{KvPlace, store_key, store_value};
use super::chunks::Chunks;
use super::product::{Products, batches, groups_of_whole_heads, multiply};
use crate::Result;
use crate::kv::KvPool;
use crate::model::{Layer, Weights};
use crate::pool::Shared;
use crate::simd::{Isa, vector};
use crate::tile::GROUP;

/// By which angles the heads of each row are rotated, and where the row's keys and values go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation<'a> {
    /// `[rows, head_dim / 2]`.
    pub(crate) cos: &'a [f32],
    /// `[rows, head_dim / 2]`.
    pub(crate) sin: &'a [f32],
    /// (block, slot) of each row.
    pub(crate) places: &'a [(u32, usize)],
    pub(crate) pool: &'a KvPool,
    pub(crate) layer: usize,
}

/// Which of the three projections of the attention's input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Projection {
    Query,
    Key,
    Value,
}

/// One head of one row.
#[derive(Clone, Copy, Debug)]
struct Head {
    projection: Projection,
    row: usize,
    index: usize,
}

/// Where finished heads go: queries into `q`, `[rows, width]`, keys and values into the pool.
struct Heads<'a> {
    isa: Isa,
    rotation: &'a Rotation<'a>,
    q: &'a Shared<f32>,
    width: usize,
}

impl Heads<'_> {
    /// Rotates a head unless it is a value, and writes it where it belongs.
    fn finish(&self, head: Head, values: &mut [f32]) {
        let Head { projection, row, index } = head;
        let half = values.len() / 2;
        if projection != Projection::Value {
            let angles = row * half..(row + 1) * half;
            let (cos, sin) = (&self.rotation.cos[angles.clone()], &self.rotation.sin[angles]);
            vector::rotate(self.isa, values, cos, sin);
        }
        if projection == Projection::Query {
            let start = row * self.width + index * values.len();
            // SAFETY: a head of a row belongs to one chunk.
            unsafe { self.q.write(start..start + values.len()) }.copy_from_slice(values);
            return;
        }
        let (block, slot) = self.rotation.places[row];
        let place = KvPlace { layer: self.rotation.layer, block, slot, kv_head: index };
        // SAFETY: a head of a row belongs to one chunk, and no two rows have the same place; the attention reads in a
        // later phase.
        unsafe {
            if projection == Projection::Key {
                store_key(self.isa, self.rotation.pool, place, values);
            } else {
                store_value(self.isa, self.rotation.pool, place, values);
            }
        }
    }
}

/// The sums of some rows, `[groups][rows][16]`.
#[derive(Clone, Copy)]
struct SumsOfRows<'a> {
    sums: &'a [[f32; GROUP]],
    rows: usize,
}

impl SumsOfRows<'_> {
    /// Copies columns `first..` of a row.
    fn gather(self, row: usize, first: usize, values: &mut [f32]) {
        let Self { sums, rows } = self;
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
}

impl Products<'_> {
    /// Queries, keys and values of a layer: queries are rotated and written to `q`, keys are rotated and stored with
    /// the values.
    ///
    /// # Shapes
    /// - `q`: `[rows, heads * head_dim]`
    pub(crate) fn attention_input(
        &self,
        layer: &Layer,
        input: &Input,
        rotation: &Rotation<'_>,
        q: &Shared<f32>,
    ) -> Result<()> {
        let head_dim = rotation.pool.config().head_dim;
        let unit = groups_of_whole_heads(head_dim);
        let units = layer.qkv.each_ref().map(|weights| weights.matrix.groups().div_ceil(unit));
        let chunks = Chunks::new(self.member.threads(), units.iter().sum(), input.rows());
        let heads = Heads { isa: self.isa, rotation, q, width: layer.qkv[0].matrix.outputs };
        self.member.phase(chunks.count(), |chunk| {
            let (columns, rows) = chunks.chunk(chunk);
            for column in columns {
                let (projection, weights, first) = if column < units[0] {
                    (Projection::Query, &layer.qkv[0], column)
                } else if column < units[0] + units[1] {
                    (Projection::Key, &layer.qkv[1], column - units[0])
                } else {
                    (Projection::Value, &layer.qkv[2], column - units[0] - units[1])
                };
                let groups = first * unit..((first + 1) * unit).min(weights.matrix.groups());
                // SAFETY: the member borrows its sums once at a time.
                let out = unsafe { self.sums(groups.len() * rows.len()) };
                multiply(weights, input, groups.clone(), rows.clone(), out);
                let outputs = groups.start * GROUP..(groups.end * GROUP).min(weights.matrix.outputs);
                let sums = SumsOfRows { sums: out, rows: rows.len() };
                let mut values = [0.0; 256];
                let values = &mut values[..head_dim];
                for (place, row) in rows.clone().enumerate() {
                    for index in outputs.start / head_dim..outputs.end / head_dim {
                        sums.gather(place, index * head_dim - outputs.start, values);
                        heads.finish(Head { projection, row, index }, values);
                    }
                }
            }
        })
    }

    /// `x += weights * input`.
    ///
    /// # Shapes
    /// - `x`: `[rows, outputs]`
    pub(crate) fn residual(&self, weights: &Weights, input: &Input, x: &Shared<f32>) -> Result<()> {
        let residual = Residual { x, width: weights.matrix.outputs };
        let chunks = Chunks::new(self.member.threads(), weights.matrix.groups(), input.rows());
        self.member.phase(chunks.count(), |chunk| {
            let (columns, rows) = chunks.chunk(chunk);
            for groups in batches(columns, rows.len()) {
                // SAFETY: the member borrows its sums once at a time.
                let out = unsafe { self.sums(groups.len() * rows.len()) };
                multiply(weights, input, groups.clone(), rows.clone(), out);
                for (group, out) in groups.zip(out.chunks_exact(rows.len())) {
                    // SAFETY: these columns of the rows belong to this chunk.
                    unsafe { residual.add(group, &rows, out) };
                }
            }
        })
    }

    /// `out = silu(w1 * input) * (w3 * input)`.
    ///
    /// # Shapes
    /// - `out`: `[rows, inter]`
    pub(crate) fn gate_up(&self, layer: &Layer, input: &Input, out: &Input) -> Result<()> {
        let (isa, outputs) = (self.isa, layer.w1.matrix.outputs);
        // Two groups are one block of 32 of the next product's input.
        let chunks = Chunks::new(self.member.threads(), layer.w1.matrix.groups().div_ceil(2), input.rows());
        self.member.phase(chunks.count(), |chunk| {
            let (columns, rows) = chunks.chunk(chunk);
            for pair in columns {
                let groups = 2 * pair..(2 * pair + 2).min(layer.w1.matrix.groups());
                let entries = groups.len() * rows.len();
                // SAFETY: the member borrows its sums once at a time.
                let (gate, up) = unsafe { self.sums(2 * entries) }.split_at_mut(entries);
                multiply(&layer.w1, input, groups.clone(), rows.clone(), gate);
                multiply(&layer.w3, input, groups.clone(), rows.clone(), up);
                if let Some(block_sums) = out.only_blocks() {
                    vector::gated_blocks(isa, block_sums, gate, up, |index, block| {
                        // SAFETY: this block of the rows belongs to this chunk.
                        unsafe { out.set_block(pair, rows.start + index, block) };
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
}

/// The residual stream, `[rows, width]`.
struct Residual<'a> {
    x: &'a Shared<f32>,
    width: usize,
}

impl Residual<'_> {
    /// Adds the sums of a column group to some rows.
    ///
    /// # Safety
    /// No other thread reads or writes these columns of the rows meanwhile.
    unsafe fn add(&self, group: usize, rows: &Range<usize>, sums: &[[f32; GROUP]]) {
        let width = self.width;
        let columns = group * GROUP..((group + 1) * GROUP).min(width);
        for (row, sums) in rows.clone().zip(sums) {
            // SAFETY: by the caller's promise.
            let x = unsafe { self.x.write(row * width + columns.start..row * width + columns.end) };
            match x.first_chunk_mut::<GROUP>() {
                Some(x) => x.iter_mut().zip(sums).for_each(|(x, sum)| *x += sum),
                None => x.iter_mut().zip(sums).for_each(|(x, sum)| *x += sum),
            }
        }
    }
}
