//! Attention of new tokens over keys and values that are stored in blocks: `softmax(q k^T / sqrt(d)) v`.
//!
//! Kwon et al., "Efficient Memory Management for Large Language Model Serving with PagedAttention" (2023). A
//! query's result depends on its own sequence only, and its sums run in the order of the positions, so the bits are
//! the same for any neighbors, any chunking of the prompt and any number of threads.

use rayon::prelude::*;

use crate::cache::{BlockCopy, BlockId};

/// Number of multiplications below which one thread is faster than several.
const PARALLEL_WORK: usize = 1 << 17;

/// Shape of one layer's buffers: `[block][kv_head][slot][head_dim]`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CacheLayout {
    pub(crate) block_tokens: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
}

/// Keys and values of one layer.
#[derive(Clone, Debug)]
pub(crate) struct LayerCache {
    pub(crate) keys: Vec<f32>,
    pub(crate) values: Vec<f32>,
}

/// One new token: its position, the first position that it sees, and its sequence's blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a> {
    pub(crate) position: usize,
    pub(crate) first_key: usize,
    pub(crate) blocks: &'a [BlockId],
}

impl CacheLayout {
    /// Number of floats in one block.
    pub(crate) fn block_len(self) -> usize {
        self.kv_heads * self.block_tokens * self.head_dim
    }

    /// Where in the buffer the vector of a position and head begins.
    fn offset(self, blocks: &[BlockId], position: usize, kv_head: usize) -> usize {
        let block = blocks[position / self.block_tokens].index();
        let slot = position % self.block_tokens;
        block * self.block_len() + (kv_head * self.block_tokens + slot) * self.head_dim
    }
}

impl LayerCache {
    /// Allocates `blocks` blocks of zeros.
    pub(crate) fn new(layout: CacheLayout, blocks: usize) -> Self {
        let len = blocks * layout.block_len();
        Self { keys: vec![0.0; len], values: vec![0.0; len] }
    }

    /// Copies the first keys and values of a block into another one.
    pub(crate) fn copy(&mut self, layout: CacheLayout, copy: BlockCopy) {
        let len = copy.tokens * layout.head_dim;
        for head in 0..layout.kv_heads {
            let from = layout.offset(&[copy.from], 0, head);
            let to = layout.offset(&[copy.to], 0, head);
            self.keys.copy_within(from..from + len, to);
            self.values.copy_within(from..from + len, to);
        }
    }

    /// Stores keys and values of new tokens.
    ///
    /// # Shapes
    /// - k, v: `[queries.len(), kv_heads, head_dim]`
    pub(crate) fn store(&mut self, layout: CacheLayout, queries: &[Query<'_>], k: &[f32], v: &[f32]) {
        let d = layout.head_dim;
        let rows = k.chunks_exact(layout.kv_heads * d).zip(v.chunks_exact(layout.kv_heads * d));
        for (query, (k, v)) in queries.iter().zip(rows) {
            for (head, (k, v)) in k.chunks_exact(d).zip(v.chunks_exact(d)).enumerate() {
                let start = layout.offset(query.blocks, query.position, head);
                self.keys[start..start + d].copy_from_slice(k);
                self.values[start..start + d].copy_from_slice(v);
            }
        }
    }
}

/// Attention of every query over the positions of its sequence from its first key to its own.
///
/// # Shapes
/// - q, output: `[queries.len(), heads, head_dim]`
pub(crate) fn paged_attention(
    cache: &LayerCache,
    layout: CacheLayout,
    queries: &[Query<'_>],
    q: &[f32],
    heads: usize,
) -> Vec<f32> {
    let d = layout.head_dim;
    let group = heads / layout.kv_heads;
    let mut output = vec![0.0; q.len()];
    let attend = |index: usize, out: &mut [f32], scores: &mut Vec<f32>| {
        let query = queries[index / layout.kv_heads];
        let head = Head { cache, layout, query, kv_head: index % layout.kv_heads };
        let q = &q[index * group * d..(index + 1) * group * d];
        for (q, out) in q.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
            head.attend(q, out, scores);
        }
    };
    let work: usize = queries.iter().map(|query| (query.position + 1 - query.first_key) * heads * d).sum();
    let parts = output.chunks_mut(group * d);
    if work < PARALLEL_WORK {
        let mut scores = Vec::new();
        parts.enumerate().for_each(|(index, out)| attend(index, out, &mut scores));
    } else {
        let parts = output.par_chunks_mut(group * d);
        parts.enumerate().for_each_init(Vec::new, |scores, (index, out)| attend(index, out, scores));
    }
    output
}

/// One key-value head as one query sees it.
struct Head<'a> {
    cache: &'a LayerCache,
    layout: CacheLayout,
    query: Query<'a>,
    kv_head: usize,
}

impl Head<'_> {
    /// Attention of one query vector; `scores` is scratch.
    ///
    /// # Shapes
    /// - q, out: `[head_dim]`, `out` zeros
    fn attend(&self, q: &[f32], out: &mut [f32], scores: &mut Vec<f32>) {
        let d = self.layout.head_dim;
        let scale = 1.0 / (d as f32).sqrt();
        scores.clear();
        self.for_each_block(|start, slots| {
            let block = &self.cache.keys[start..start + slots * d];
            scores.extend(block.chunks_exact(d).map(|k| dot(q, k) * scale));
        });
        let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for score in scores.iter_mut() {
            *score = (*score - largest).exp();
            sum += *score;
        }
        let mut done = 0;
        self.for_each_block(|start, slots| {
            let block = &self.cache.values[start..start + slots * d];
            for (weight, v) in scores[done..].iter().zip(block.chunks_exact(d)) {
                for (out, v) in out.iter_mut().zip(v) {
                    *out += weight * v;
                }
            }
            done += slots;
        });
        let inverse = 1.0 / sum;
        out.iter_mut().for_each(|value| *value *= inverse);
    }

    /// Calls `visit(start, slots)` for each block that holds some of the positions that the query sees.
    fn for_each_block(&self, mut visit: impl FnMut(usize, usize)) {
        let keys = self.query.position + 1;
        let mut position = self.query.first_key;
        while position < keys {
            let rest = self.layout.block_tokens - position % self.layout.block_tokens;
            let slots = rest.min(keys - position);
            visit(self.layout.offset(self.query.blocks, position, self.kv_head), slots);
            position += slots;
        }
    }
}

/// Sixteen partial sums, which the compiler turns into vector instructions; the order of the sums is fixed.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula, one query at a time, over keys and values in order.
    fn plain(q: &[f32], keys: &[Vec<f32>], values: &[Vec<f32>]) -> Vec<f32> {
        let scores: Vec<f64> = keys
            .iter()
            .map(|k| q.iter().zip(k).map(|(a, b)| f64::from(a * b)).sum::<f64>() / (q.len() as f64).sqrt())
            .collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        (0..q.len())
            .map(|i| (weights.iter().zip(values).map(|(w, v)| w * f64::from(v[i])).sum::<f64>() / sum) as f32)
            .collect()
    }

    #[test]
    fn agrees_with_the_formula_for_scattered_blocks_and_any_chunking() {
        for window in [None, Some(1), Some(3), Some(6), Some(11)] {
            check(window);
        }
    }

    /// Eleven tokens in blocks of four, in chunks; a query sees the last `window` keys up to its own.
    fn check(window: Option<usize>) {
        let layout = CacheLayout { block_tokens: 4, kv_heads: 2, head_dim: 20 };
        let (heads, tokens) = (4, 11);
        let rng = internlm_kit::rng::CounterRng::new(1, "attention");
        let draw = |start: u64, count: usize| -> Vec<f32> {
            (0..count as u64).map(|i| rng.normal(start + i) as f32).collect()
        };
        let (q, k, v) = (draw(0, tokens * 80), draw(10_000, tokens * 40), draw(20_000, tokens * 40));
        let blocks = [BlockId(5), BlockId(0), BlockId(3)];
        let first_key = |position: usize| window.map_or(0, |window| (position + 1).saturating_sub(window));
        let mut whole = Vec::new();
        for chunk in [11, 4, 1] {
            let mut cache = LayerCache::new(layout, 6);
            let mut output = Vec::new();
            for first in (0..tokens).step_by(chunk) {
                let last = (first + chunk).min(tokens);
                let query = |position| Query { position, first_key: first_key(position), blocks: &blocks };
                let queries: Vec<_> = (first..last).map(query).collect();
                cache.store(layout, &queries, &k[first * 40..last * 40], &v[first * 40..last * 40]);
                let q = &q[first * 80..last * 80];
                output.extend(paged_attention(&cache, layout, &queries, q, heads));
            }
            if whole.is_empty() {
                whole = output;
            } else {
                assert_eq!(whole, output, "chunks of {chunk} give the same bits");
            }
        }
        for (index, out) in whole.chunks_exact(20).enumerate() {
            let (token, kv_head) = (index / heads, index % heads / 2);
            let rows = |x: &[f32]| -> Vec<Vec<f32>> {
                (first_key(token)..=token).map(|t| x[(t * 2 + kv_head) * 20..][..20].to_vec()).collect()
            };
            let expected = plain(&q[index * 20..][..20], &rows(&k), &rows(&v));
            for (out, expected) in out.iter().zip(expected) {
                assert!((out - expected).abs() < 1e-5, "window {window:?}: {out} {expected}");
            }
        }
    }
}
