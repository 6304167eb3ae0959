//! [`Plan`]: the work items of a pass, the same for all layers.

use crate::kv::{KvPool, Layout};
use crate::pool::Shared;
use crate::simd::attention::{PART, ROWS};
use crate::simd::lanes::LANES;
use crate::{Error, Result};

/// Number of query rows that an item aims at: enough to use widened keys often, few enough for the scores to stay in L2.
const ITEM_ROWS: usize = 64;
/// Number of parts from which splitting is worth a second phase.
const MIN_SPLIT: usize = 3;
/// An item is split when the pass has fewer than so many of its size per member.
const ITEMS_PER_MEMBER: usize = 4;
/// Number of tiles that are widened at a time.
pub(super) const WIDE_TILES: usize = ROWS;

/// The consecutive tokens of one sequence in a pass, as attention sees them.
#[derive(Clone, Copy, Debug)]
pub struct AttentionStep<'a> {
    /// Row of the first token: the number of rows of the steps before.
    pub first_row: usize,
    /// Number of tokens, which are as many rows.
    pub rows: usize,
    /// Position of the first token.
    pub position: usize,
    /// The sequence's blocks: position p lives in block `p / block_tokens` at slot `p % block_tokens`.
    pub blocks: &'a [u32],
}

/// What attention must know of the model in addition to the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttentionShape {
    /// Query heads, a multiple of the kv heads.
    pub(crate) heads: usize,
    /// Scores are multiplied by it, usually `1 / sqrt(head_dim)`.
    pub(crate) scale: f32,
    /// Members of the pool.
    pub(crate) threads: usize,
}

/// Query tokens of one sequence for one kv head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Index into the steps.
    pub(super) step: usize,
    /// Head of the keys and values.
    pub(super) kv_head: usize,
    /// First token, counted in the step.
    pub(super) token: usize,
    /// Number of consecutive tokens.
    pub(super) tokens: usize,
    /// First part of the keys to visit.
    pub(super) part: usize,
    /// Number of parts to visit.
    pub(super) parts: usize,
    /// Where the result of the (first) part is kept when another item merges the parts, counted in tokens.
    pub(super) partial: Option<usize>,
}

/// The items of a pass.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Items of the first phase.
    pub(super) items: Vec<Item>,
    /// Items of the second phase, which merge partial results.
    pub(super) merges: Vec<Item>,
}

/// The plan of a pass and the memory to run it.
#[derive(Debug, Default)]
pub(crate) struct AttentionScratch {
    pub(super) plan: Plan,
    pub(super) shape: Option<AttentionShape>,
    pub(super) sizes: Sizes,
    /// `[threads][sizes.member]`.
    pub(super) members: Shared<f32>,
    /// `[partials][sizes.token]`.
    pub(super) partials: Shared<f32>,
}

/// Sizes of the parts of a member's memory, in floats.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    /// Query heads per kv head.
    pub(super) group: usize,
    /// Tokens of a full item.
    pub(super) tokens: usize,
    /// Query rows, scaled and padded.
    pub(super) q: usize,
    /// Scores of all rows with the keys of a part.
    pub(super) scores: usize,
    /// Tiles that were widened to floats.
    pub(super) wide: usize,
    /// Results of one part.
    pub(super) result: usize,
    /// Results of one token of one part.
    pub(super) token: usize,
    /// All of it, with padding to align it.
    pub(super) member: usize,
}

impl Sizes {
    fn new(layout: &Layout, heads: usize) -> Self {
        let group = heads / layout.config.kv_heads;
        let tokens = (ITEM_ROWS / group).max(1);
        let rows = tokens * group;
        let (q, scores, wide) = (rows * layout.dim, rows * PART, WIDE_TILES * LANES * layout.dim);
        let token = group * (layout.dim + LANES);
        let result = tokens * token;
        // A line more between members, so that they never write the same cache line.
        let member = q + scores + wide + 2 * result + 2 * LANES;
        Self { group, tokens, q, scores, wide, result, token, member }
    }
}

impl AttentionScratch {
    /// Bytes of the members' memory and of partial results.
    pub(crate) fn bytes(&mut self) -> usize {
        size_of_val(self.members.get_mut()) + size_of_val(self.partials.get_mut())
    }

    /// Plans a pass; allocates only when it is larger than those before it.
    ///
    /// # Errors
    /// [`Error::Argument`] when heads do not fit together, [`Error::Step`] when the rows of the steps do not follow one
    /// another or a sequence's blocks do not cover its positions.
    pub(crate) fn prepare(
        &mut self,
        pool: &KvPool,
        shape: AttentionShape,
        steps: &[AttentionStep<'_>],
    ) -> Result<()> {
        let (heads, kv_heads) = (shape.heads, pool.layout.config.kv_heads);
        if heads == 0 || !heads.is_multiple_of(kv_heads) {
            return Err(Error::argument("heads", heads, format!("a multiple of {kv_heads}")));
        }
        let mut row = 0;
        for (index, step) in steps.iter().enumerate() {
            if step.first_row != row {
                return Err(Error::step(index, format!("first row {}", step.first_row), row));
            }
            row += step.rows;
            check(pool, index, step)?;
        }
        self.sizes = Sizes::new(&pool.layout, heads);
        self.shape = Some(shape);
        let partials = self.plan.fill(steps, kv_heads, self.sizes.tokens, shape.threads);
        self.members.reserve(shape.threads * self.sizes.member);
        self.partials.reserve(partials * self.sizes.token);
        Ok(())
    }
}

/// Checks that a sequence's blocks exist and cover its positions.
fn check(pool: &KvPool, index: usize, step: &AttentionStep<'_>) -> Result<()> {
    let (blocks, tokens) = (pool.layout.config.blocks, pool.layout.config.block_tokens);
    let positions = step.position.saturating_add(step.rows);
    let expected = positions.div_ceil(tokens);
    if step.blocks.len() < expected {
        return Err(Error::step(
            index,
            format!("{} blocks", step.blocks.len()),
            format!("{expected} of {tokens} tokens for {positions} positions"),
        ));
    }
    match step.blocks[..expected].iter().find(|block| **block as usize >= blocks) {
        Some(block) => {
            Err(Error::step(index, format!("block {block}"), format!("one of the pool's {blocks}")))
        }
        None => Ok(()),
    }
}

impl Plan {
    /// Makes the items and returns the number of partial results, counted in tokens. Late tokens see the most keys and
    /// come first, so that the longest items do not start last.
    fn fill(&mut self, steps: &[AttentionStep<'_>], kv_heads: usize, tile: usize, threads: usize) -> usize {
        self.items.clear();
        self.merges.clear();
        let total: usize = items(steps, tile).map(|item| item.tokens * item.parts).sum::<usize>() * kv_heads;
        let mut partials = 0;
        for item in items(steps, tile) {
            let large = item.tokens * item.parts * threads * ITEMS_PER_MEMBER > total;
            let split = threads > 1 && large && item.parts >= MIN_SPLIT;
            for kv_head in 0..kv_heads {
                let item = Item { kv_head, ..item };
                if !split {
                    self.items.push(item);
                    continue;
                }
                self.merges.push(Item { partial: Some(partials), ..item });
                self.items.extend((0..item.parts).map(|part| Item {
                    part,
                    parts: 1,
                    partial: Some(partials + part * item.tokens),
                    ..item
                }));
                partials += item.parts * item.tokens;
            }
        }
        partials
    }
}

/// The items of one kv head, `tile` tokens each.
fn items<'a>(steps: &'a [AttentionStep<'a>], tile: usize) -> impl Iterator<Item = Item> + 'a {
    steps.iter().enumerate().flat_map(move |(step, attend)| {
        (0..attend.rows.div_ceil(tile)).rev().map(move |index| {
            let token = index * tile;
            let tokens = (attend.rows - token).min(tile);
            let parts = (attend.position + token + tokens).div_ceil(PART);
            Item { step, kv_head: 0, token, tokens, part: 0, parts, partial: None }
        })
    })
}
