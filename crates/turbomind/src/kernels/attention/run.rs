//! [`attention`]: the two phases of a layer's attention.

use super::call::AttentionCall;
use super::item;
use crate::Result;
use crate::pool::Member;

/// Runs a layer's attention together with the other members; on return all of `out` is written and visible.
///
/// All members of one pool make the same call, after the phases that wrote `q` and the pool of keys and values.
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
