//! The output matrix: whole rows of logits, or the best of each row only.

use std::cell::RefCell;
use std::ops::Range;

use super::chunks::Chunks;
use super::project::{Sums, batches};
use super::{Input, Shared};
use crate::Result;
use crate::model::Weights;
use crate::pool::Member;
use crate::simd::{Isa, vector};
use crate::tile::GROUP;

/// The best columns of rows, as one member saw them: for each row `top` entries, best first.
pub(crate) struct Best<'a> {
    /// (logit, id); `(-inf, u32::MAX)` where there are fewer.
    pub(crate) room: &'a Shared<(f32, u32)>,
    /// Entries per row.
    pub(crate) top: usize,
}

/// What is wanted of the logits.
pub(crate) enum HeadOutput<'a> {
    /// `[rows, vocab]`.
    Logits(&'a Shared<f32>),
    /// The best, for each member `[rows, top]`.
    Best(Best<'a>),
}

/// Multiplies the output matrix with the rows of `input`.
pub(crate) fn head(
    member: &Member<'_>,
    isa: Isa,
    weights: &Weights,
    (input, rows): (&Input, usize),
    sums: &Sums<'_>,
    output: &HeadOutput<'_>,
) -> Result<()> {
    let vocab = weights.matrix.outputs;
    if let HeadOutput::Best(best) = output {
        let each = rows * best.top;
        // SAFETY: every member has a room of its own.
        unsafe { best.room.write(member.index() * each..(member.index() + 1) * each) }
            .fill((f32::NEG_INFINITY, u32::MAX));
    }
    let chunks = Chunks::new(member.threads(), weights.matrix.groups(), rows);
    member.phase(chunks.count(), |chunk| {
        let (columns, chunk_rows) = chunks.chunk(chunk);
        for groups in batches(columns, chunk_rows.len()) {
            // SAFETY: the member's room is borrowed once at a time.
            let out = unsafe { sums.of(member, groups.len() * chunk_rows.len()) };
            weights.multiply(input, groups.clone(), chunk_rows.clone(), out);
            for (group, out) in groups.zip(out.chunks_exact(chunk_rows.len())) {
                let columns = group * GROUP..((group + 1) * GROUP).min(vocab);
                match output {
                    HeadOutput::Logits(logits) => {
                        for (row, values) in chunk_rows.clone().zip(out) {
                            let place = row * vocab + columns.start;
                            // SAFETY: these columns of the row belong to this chunk.
                            unsafe { logits.write(place..place + columns.len()) }
                                .copy_from_slice(&values[..columns.len()]);
                        }
                    }
                    HeadOutput::Best(best) => {
                        let start = (member.index() * rows + chunk_rows.start) * best.top;
                        // SAFETY: every member has a room of its own.
                        let entries = unsafe { best.room.write(start..start + chunk_rows.len() * best.top) };
                        keep_best(isa, entries, columns, out);
                    }
                }
            }
        }
    })
}

/// Whether `a` comes before `b`: greater logit, then smaller id.
pub(crate) fn better(a: (f32, u32), b: (f32, u32)) -> bool {
    a.0 > b.0 || (a.0 == b.0 && a.1 < b.1)
}

/// Puts the values of ids `columns` of some rows into their lists, which are sorted best first.
fn keep_best(isa: Isa, entries: &mut [(f32, u32)], columns: Range<usize>, values: &[[f32; GROUP]]) {
    let top = entries.len() / values.len().max(1);
    // The last list is looked at when the next row is: a cell, as two closures need the lists.
    let entries = RefCell::new(entries);
    let least = |row: usize| entries.borrow()[(row + 1) * top - 1].0;
    vector::contenders(isa, values, least, |row| {
        let mut entries = entries.borrow_mut();
        for (id, value) in columns.clone().zip(&values[row]) {
            insert(&mut entries[row * top..(row + 1) * top], (*value, id as u32));
        }
    });
}

/// Puts one entry into a sorted list, dropping the last.
pub(crate) fn insert(entries: &mut [(f32, u32)], entry: (f32, u32)) {
    let last = entries.len() - 1;
    if !better(entry, entries[last]) {
        return;
    }
    let place = entries.partition_point(|other| better(*other, entry));
    entries[place..].rotate_right(1);
    entries[place] = entry;
}
