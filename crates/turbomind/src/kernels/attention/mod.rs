//! [`attention`]: softmax attention of a pass over paged keys and values; [`store_key`] and [`store_value`] write these.
//!
//! A work item is one kv head and a run of consecutive query tokens of one sequence, whose rows are the query heads of
//! that kv head; it goes through the parts of 256 positions that its last token sees and merges them in rising order.
//! Where too few items would keep the members busy (one long sequence), the parts are items of their own and a second
//! phase merges them, in the same order and with the same operations.

mod item;
mod paged;
mod plan;
mod store;
#[cfg(test)]
mod tests;

pub use paged::PagedAttention;
pub use plan::Attend;
pub(crate) use plan::{AttentionScratch, AttentionShape};
pub use store::Place;
pub(crate) use store::{store_key, store_value};

use super::Shared;
use crate::Result;
use crate::kv::KvPool;
use crate::pool::Member;
use crate::simd::Isa;

/// One layer's attention.
#[derive(Debug)]
pub(crate) struct AttentionCall<'a> {
    /// Instruction set.
    pub(crate) isa: Isa,
    /// Keys and values; those of the pass itself are stored already.
    pub(crate) pool: &'a KvPool,
    /// Layer.
    pub(crate) layer: usize,
    /// The sequences that `scratch` was prepared for.
    pub(crate) steps: &'a [Attend<'a>],
    /// `[rows][heads * head_dim]`, after rotary.
    pub(crate) q: &'a Shared<f32>,
    /// `[rows][heads * head_dim]`, to be written.
    pub(crate) out: &'a Shared<f32>,
    /// The plan of the pass and the members' memory.
    pub(crate) scratch: &'a AttentionScratch,
}

/// Runs a layer's attention together with the other members; on return all of `out` is written and visible.
/// Like every phase of this folder: all members of one pool make the same call, after the phases that wrote `q` and the
/// pool of keys and values.
///
/// # Errors
/// [`Error::Poisoned`](crate::Error::Poisoned) when a member panicked.
pub(crate) fn attention(member: &Member<'_>, call: &AttentionCall<'_>) -> Result<()> {
    let plan = &call.scratch.plan;
    member.phase(plan.items.len(), |index| {
        // SAFETY: what is read was written in earlier phases; each item is claimed by one member, and items differ in what they write.
        unsafe { item::run(member.index(), call, &plan.items[index]) }
    })?;
    if plan.merges.is_empty() {
        return Ok(());
    }
    member.phase(plan.merges.len(), |index| {
        // SAFETY: as above; the partial results are complete since the end of the first phase.
        unsafe { item::merge(member.index(), call, &plan.merges[index]) }
    })
}
