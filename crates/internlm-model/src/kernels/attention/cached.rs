//! Attention of a few new queries over keys in a cache, contiguous or in blocks.

use rayon::prelude::*;

use super::mask::from_block;
use super::tile::{KEY_BLOCK, QUERY_TILE, Tile};
use crate::heads::HeadShape;
use crate::kernels::gemm::Matrix;
use crate::positions::{Run, seen_keys};

/// Keys and values of consecutive tokens, `[tokens, kv_heads, d]` each; a longer slice is read up to the tokens needed.
#[derive(Clone, Copy, Debug)]
pub struct KeyBlock<'a> {
    /// Keys after the rotation of their positions, row-major.
    pub keys: &'a [f32],
    /// Values of the same tokens, row-major; never rotated.
    pub values: &'a [f32],
}

/// The keys of one sequence: blocks of `block_tokens` tokens each, in order; one block of any size when contiguous.
#[derive(Clone, Copy, Debug)]
pub struct CachedKeys<'a> {
    /// The blocks, first tokens first.
    pub blocks: &'a [KeyBlock<'a>],
    /// Number of tokens in each block; with a single block, at least the number of its tokens.
    pub block_tokens: usize,
}

/// Rotated, unscaled queries `[run.tokens, heads, d]` of one sequence.
#[derive(Clone, Copy, Debug)]
pub struct QueryRows<'a> {
    /// Row-major, one row of `heads * d` numbers per token.
    pub q: &'a [f32],
    /// Their positions: the query at position p sees the keys `0 ..= p`, with a window the last of them.
    pub run: Run,
    /// Heads and kv heads.
    pub shape: HeadShape,
    /// Number of keys that a query sees, its own included; `None` for all.
    pub window: Option<usize>,
}

/// `softmax(q k^T / sqrt(d)) v` of new queries over cached keys (their own included), written to `out`
/// `[run.tokens, heads, d]`.
///
/// # Panics
/// When the slices are shorter than the shapes say.
pub fn cached_attention(queries: QueryRows<'_>, cached: CachedKeys<'_>, out: &mut [f32]) {
    let HeadShape { heads, kv_heads } = queries.shape;
    let tokens = queries.run.tokens;
    if tokens == 0 {
        return;
    }
    let d = queries.q.len() / (tokens * heads);
    let group = heads / kv_heads;
    let tiles = (0..tokens).step_by(QUERY_TILE).map(|first| (first, QUERY_TILE.min(tokens - first)));
    let pieces: Vec<Piece> = tiles
        .flat_map(|(first, count)| (0..kv_heads).map(move |kv_head| Piece { first, count, kv_head }))
        .collect();
    // Few tokens are not worth a thread: decoding runs many sequences side by side instead.
    let compute = |&piece: &Piece| (piece, attend_piece(queries, cached, piece, d));
    let tiles: Vec<_> = if pieces.len() > kv_heads {
        pieces.par_iter().map(compute).collect()
    } else {
        pieces.iter().map(compute).collect()
    };
    for (Piece { first, count, kv_head }, mut tile) in tiles {
        tile.finish(|row, values, _| {
            let (head, token) = (kv_head * group + row / count, first + row % count);
            out[(token * heads + head) * d..][..d].copy_from_slice(values);
        });
    }
}

/// Consecutive queries of the heads that share one kv head: the unit of parallel work.
#[derive(Clone, Copy)]
struct Piece {
    /// Index of the first new token.
    first: usize,
    /// Number of tokens.
    count: usize,
    kv_head: usize,
}

fn attend_piece(queries: QueryRows<'_>, cached: CachedKeys<'_>, piece: Piece, d: usize) -> Tile {
    let HeadShape { heads, kv_heads } = queries.shape;
    let (Piece { first, count, kv_head }, group) = (piece, heads / kv_heads);
    let scale = 1.0 / (d as f32).sqrt();
    let mut tile = Tile::new(count, group, d);
    for (row, target) in tile.q.chunks_exact_mut(d).enumerate() {
        let (head, token) = (kv_head * group + row / count, first + row % count);
        let source = &queries.q[(token * heads + head) * d..][..d];
        target.iter_mut().zip(source).for_each(|(target, q)| *target = q * scale);
    }
    let keys = queries.run.first + first + count;
    let step = KEY_BLOCK.min(cached.block_tokens);
    let seen = |token: usize| seen_keys(queries.run.first + first + token, queries.window);
    let unseen = seen(0).start;
    let mut start = unseen - unseen % cached.block_tokens % step;
    while start < keys {
        let inside = start % cached.block_tokens;
        let taken = step.min(cached.block_tokens - inside).min(keys - start);
        let block = cached.blocks[start / cached.block_tokens];
        let offset = (inside * kv_heads + kv_head) * d;
        let k = Matrix::strided(&block.keys[offset..], taken, d, kv_heads * d);
        let v = Matrix::strided(&block.values[offset..], taken, d, kv_heads * d);
        tile.absorb(k, v, |token| from_block(seen(token), start));
        start += taken;
    }
    tile
}
