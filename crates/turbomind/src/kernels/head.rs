//! The output matrix: whole rows of logits, or only the best entries of each row.

use std::cell::RefCell;
use std::ops::Range;

use super::Input;
use super::chunks::Chunks;
use super::product::{Products, batches};
use crate::Result;
use crate::model::Weights;
use crate::pool::Shared;
use crate::simd::{Isa, vector};
use crate::tile::GROUP;

/// A logit and its id.
type Entry = (f32, u32);

/// The best entries of each row as each member saw them, best first.
pub(crate) struct TopEntries<'a> {
    /// `[threads][rows][top]`; `(-inf, u32::MAX)` where there are fewer entries.
    pub(crate) buffer: &'a Shared<Entry>,
    /// Number of entries that are kept per row.
    pub(crate) top: usize,
}

impl TopEntries<'_> {
    /// Marks an entry that is not there.
    pub(crate) const EMPTY: Entry = (f32::NEG_INFINITY, u32::MAX);
}

/// Where the head writes.
pub(crate) enum HeadOutput<'a> {
    /// Whole rows, `[rows, vocab]`.
    Logits(&'a Shared<f32>),
    /// The best entries of each row.
    Top(TopEntries<'a>),
}

impl Products<'_> {
    /// Multiplies the output matrix with the rows of `input`.
    pub(crate) fn head(&self, weights: &Weights, input: &Input, output: &HeadOutput<'_>) -> Result<()> {
        let (member, rows, vocab) = (self.member, input.rows(), weights.matrix.outputs);
        if let HeadOutput::Top(entries) = output {
            let each = rows * entries.top;
            // SAFETY: every member has its own lists.
            unsafe { entries.buffer.write(member.index() * each..(member.index() + 1) * each) }
                .fill(TopEntries::EMPTY);
        }
        let chunks = Chunks::new(member.threads(), weights.matrix.groups(), rows);
        member.phase(chunks.count(), |chunk| {
            let (columns, chunk_rows) = chunks.chunk(chunk);
            for groups in batches(columns, chunk_rows.len()) {
                // SAFETY: the member borrows its sums once at a time.
                let out = unsafe { self.sums(groups.len() * chunk_rows.len()) };
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
                        HeadOutput::Top(TopEntries { buffer, top }) => {
                            let start = (member.index() * rows + chunk_rows.start) * top;
                            // SAFETY: every member has its own lists.
                            let entries = unsafe { buffer.write(start..start + chunk_rows.len() * top) };
                            keep_best(self.isa, entries, columns, out);
                        }
                    }
                }
            }
        })
    }
}

/// Whether `a` comes before `b`: greater logit, then smaller id.
fn better(a: Entry, b: Entry) -> bool {
    a.0 > b.0 || (a.0 == b.0 && a.1 < b.1)
}

/// Puts the values of ids `columns` of some rows into their lists, which are sorted best first.
fn keep_best(isa: Isa, entries: &mut [Entry], columns: Range<usize>, values: &[[f32; GROUP]]) {
    let top = entries.len() / values.len().max(1);
    // Two closures need the lists in turn, hence the cell.
    let entries = RefCell::new(entries);
    let least = |row: usize| entries.borrow()[(row + 1) * top - 1].0;
    vector::contenders(isa, values, least, |row| {
        let mut entries = entries.borrow_mut();
        for (id, value) in columns.clone().zip(&values[row]) {
            insert(&mut entries[row * top..(row + 1) * top], (*value, id as u32));
        }
    });
}

/// Puts one entry into a sorted list and drops the list's last one.
pub(crate) fn insert(entries: &mut [Entry], entry: Entry) {
    let last = entries.len() - 1;
    if !better(entry, entries[last]) {
        return;
    }
    let place = entries.partition_point(|other| better(*other, entry));
    entries[place..].rotate_right(1);
    entries[place] = entry;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_hold_what_sorting_gives(
            values in prop::collection::vec(
                prop::array::uniform16(prop_oneof![4 => -3_i8..3, 1 => any::<i8>()]), 1..40),
            top in 1_usize..20,
        ) {
            // Small integers, so that many are equal and the order of ids counts.
            let values: Vec<[f32; GROUP]> = values.into_iter().map(|x| x.map(f32::from)).collect();
            let mut sorted: Vec<Entry> = values.as_flattened().iter().copied().zip(0..).collect();
            sorted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            sorted.resize(sorted.len().max(top), TopEntries::EMPTY);
            for isa in Isa::ALL {
                let mut entries = vec![TopEntries::EMPTY; top];
                for (group, values) in values.iter().enumerate().rev() {
                    let columns = group * GROUP..(group + 1) * GROUP;
                    keep_best(isa, &mut entries, columns, std::slice::from_ref(values));
                }
                prop_assert_eq!(&entries[..], &sorted[..top], "{}", isa.name());
            }
        }
    }
}
