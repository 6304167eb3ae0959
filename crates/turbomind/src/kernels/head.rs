//! The output matrix: whole rows of logits, or the best of each row only.

use super::chunks::Chunks;
use super::project::{Sums, batches};
use super::{Input, Shared};
use crate::Result;
use crate::model::Weights;
use crate::pool::Member;
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
                for (row, values) in chunk_rows.clone().zip(out) {
                    let values = &values[..columns.len()];
                    match output {
                        HeadOutput::Logits(logits) => {
                            let place = row * vocab + columns.start;
                            // SAFETY: these columns of the row belong to this chunk.
                            unsafe { logits.write(place..place + values.len()) }.copy_from_slice(values);
                        }
                        HeadOutput::Best(best) => {
                            let start = (member.index() * rows + row) * best.top;
                            // SAFETY: every member has a room of its own.
                            let entries = unsafe { best.room.write(start..start + best.top) };
                            keep_best(entries, columns.start as u32, values);
                        }
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

/// Puts the values of ids `first..` into a list that is sorted best first.
fn keep_best(entries: &mut [(f32, u32)], first: u32, values: &[f32]) {
    let worst = entries[entries.len() - 1];
    // Nearly always nothing comes in.
    if values.iter().all(|value| *value < worst.0) {
        return;
    }
    for (id, value) in (first..).zip(values) {
        insert(entries, (*value, id));
    }
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
