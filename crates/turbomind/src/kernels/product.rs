//! [`Products`]: one member's part in the matrix products of a pass, with the buffer for its sums.

use std::ops::Range;

use super::Input;
use super::chunks::Chunks;
use crate::model::Weights;
use crate::pool::{Member, Shared};
use crate::simd::Isa;
use crate::tile::GROUP;

/// Bytes of a cache line.
const LINE: usize = 64;

/// A buffer that holds the sums of every member, side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SumsBuffer<'a> {
    /// `[threads][each]`.
    pub(crate) buffer: &'a Shared<f32>,
    /// Numbers of one member.
    pub(crate) each: usize,
}

impl SumsBuffer<'_> {
    /// Numbers that a pass of `rows` rows needs per member; the heads of the model have `head_dim` columns.
    pub(crate) fn needed(rows: usize, head_dim: usize) -> usize {
        // One vector more, because each member's part begins at a cache line.
        GROUP * (Chunks::max_rows(rows) * groups_of_whole_heads(head_dim).max(4) + 1)
    }
}

/// Column groups that hold whole heads: the fewest whose outputs are a multiple of `head_dim`.
pub(super) fn groups_of_whole_heads(head_dim: usize) -> usize {
    let mut groups = 1;
    while !(groups * GROUP).is_multiple_of(head_dim) {
        groups += 1;
    }
    groups
}

/// One member's part in the matrix products of a pass.
///
/// The products themselves, each with what follows it, are in `project.rs` and `head.rs`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Products<'a> {
    pub(crate) member: &'a Member<'a>,
    pub(crate) isa: Isa,
    pub(crate) sums: SumsBuffer<'a>,
}

impl Products<'_> {
    /// This member's sums, `entries` vectors of 16, aligned to cache lines.
    ///
    /// # Safety
    /// The member holds no other slice of them.
    #[allow(clippy::mut_from_ref, reason = "every member has its own part of the buffer")]
    pub(super) unsafe fn sums(&self, entries: usize) -> &mut [[f32; GROUP]] {
        let SumsBuffer { buffer, each } = self.sums;
        let start = self.member.index() * each;
        // SAFETY: the parts of members do not overlap; the rest by the caller's promise.
        let part = unsafe { buffer.write(start..start + each) };
        // Sums that straddle cache lines cost the kernels twice the loads and stores.
        let skip = part.as_ptr().align_offset(LINE).min(GROUP);
        &mut part[skip..].as_chunks_mut().0[..entries]
    }
}

/// `out[group][row]` = products of some column groups with some rows, biases added.
pub(super) fn multiply(
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

/// Cuts column groups into the batches of one kernel call each: four groups for one row, two for many.
pub(super) fn batches(columns: Range<usize>, rows: usize) -> impl Iterator<Item = Range<usize>> {
    let step = if rows == 1 { 4 } else { 2 };
    columns.clone().step_by(step).map(move |start| start..(start + step).min(columns.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_heads_fill_their_groups() {
        for (head_dim, groups) in [(16, 1), (64, 4), (80, 5), (4, 1), (24, 3), (256, 16)] {
            assert_eq!(groups_of_whole_heads(head_dim), groups, "{head_dim}");
        }
    }

    #[test]
    fn batches_cover_the_columns_in_order() {
        assert_eq!(batches(3..12, 1).collect::<Vec<_>>(), [3..7, 7..11, 11..12]);
        assert_eq!(batches(3..8, 9).collect::<Vec<_>>(), [3..5, 5..7, 7..8]);
        assert_eq!(batches(5..5, 1).count(), 0);
    }
}
