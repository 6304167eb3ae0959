//! The forward pass over a packed row whose keys are all new.

use rayon::prelude::*;

use super::layout::HeadLayout;
use super::mask::Mask;
use super::tile::{KEY_BLOCK, QUERY_TILE, Tile};
use crate::kernels::gemm::Matrix;
use crate::positions::Positions;

/// Where the results go.
pub(crate) struct Output<'a> {
    /// `[T, heads * d]`.
    pub(crate) out: &'a mut [f32],
    /// Log-sum-exp of the scores of each head, `[T, heads]`.
    pub(crate) log_sums: &'a mut [f32],
}

/// Some query tokens of one sequence.
struct Task<'a> {
    /// First row of the sequence in the packed row.
    sequence: usize,
    /// First query token, counted in the sequence.
    first: usize,
    /// Query tokens.
    tokens: usize,
    out: &'a mut [f32],
    log_sums: &'a mut [f32],
}

/// Attention of every sequence with itself; `groups` is the rotated projection in group-major order.
pub(crate) fn forward(groups: &[f32], layout: HeadLayout, mask: &Mask, output: Output<'_>) {
    let tokens = mask.positions.tokens();
    tasks(layout, &mask.positions, output).into_par_iter().for_each(|mut task| {
        for group in 0..layout.kv_heads {
            let slab = &groups[group * tokens * layout.group_width()..][..tokens * layout.group_width()];
            attend_group(slab, layout, group, mask, &mut task);
        }
    });
}

/// Cuts the row into tiles of queries, the long ones of a sequence first so that threads end together.
fn tasks<'a>(layout: HeadLayout, positions: &Positions, output: Output<'a>) -> Vec<Task<'a>> {
    let mut tasks = Vec::new();
    let (mut out, mut log_sums) = (output.out, output.log_sums);
    let mut sequence = 0;
    for run in positions.runs() {
        for first in (0..run.tokens).step_by(QUERY_TILE) {
            let tokens = QUERY_TILE.min(run.tokens - first);
            let (task_out, rest) = out.split_at_mut(tokens * layout.output_width());
            let (task_sums, rest_sums) = log_sums.split_at_mut(tokens * layout.heads);
            (out, log_sums) = (rest, rest_sums);
            tasks.push(Task { sequence, first, tokens, out: task_out, log_sums: task_sums });
        }
        sequence += run.tokens;
    }
    tasks.sort_by_key(|task| std::cmp::Reverse(task.first));
    tasks
}

fn attend_group(slab: &[f32], layout: HeadLayout, group: usize, mask: &Mask, task: &mut Task<'_>) {
    let (d, width, heads) = (layout.d, layout.group_width(), layout.group());
    let mut tile = Tile::new(task.tokens, heads, d);
    for (row, q) in tile.q.chunks_exact_mut(d).enumerate() {
        let (head, token) = (row / task.tokens, row % task.tokens);
        let start = (task.sequence + task.first + token) * width + head * d;
        q.copy_from_slice(&slab[start..start + d]);
    }
    let keys = task.first + task.tokens;
    // Blocks begin at the same keys for every query; those before the first query's window are seen by none.
    let unseen = mask.first_key(task.first) / KEY_BLOCK * KEY_BLOCK;
    for start in (unseen..keys).step_by(KEY_BLOCK) {
        let count = KEY_BLOCK.min(keys - start);
        let block = &slab[(task.sequence + start) * width + heads * d..];
        let (k, v) = (Matrix::strided(block, count, d, width), Matrix::strided(&block[d..], count, d, width));
        tile.absorb(k, v, |token| mask.seen(task.first + token, start));
    }
    let (tokens, out, log_sums) = (task.tokens, &mut *task.out, &mut *task.log_sums);
    tile.finish(|row, values, log_sum| {
        let (head, token) = (group * heads + row / tokens, row % tokens);
        out[(token * layout.heads + head) * d..][..d].copy_from_slice(values);
        log_sums[token * layout.heads + head] = log_sum;
    });
}
