//! Who gives up blocks for whom.

use std::collections::BTreeMap;

use super::{Planner, Rank};
use crate::cache::{BlockId, PrefixCache};
use crate::engine::RequestId;

impl Planner<'_> {
    /// Frees blocks of worse sequences until `need` are free; frees none when all of them are not enough.
    pub(super) fn make_room(&mut self, need: usize, rank: Rank) -> bool {
        if self.blocks_left >= need {
            return true;
        }
        let (mut left, mut freed, mut chosen) = (self.blocks_left, self.freed.clone(), Vec::new());
        for victim in self.victims.iter().rev() {
            if left >= need || *victim < rank {
                break;
            }
            left += release(self.view.cache, &mut freed, &self.sequence(victim.id).blocks);
            chosen.push(*victim);
        }
        if left < need {
            return false;
        }
        for victim in chosen {
            self.victims.remove(&victim);
            self.give_up(victim.id);
        }
        true
    }

    /// Takes the blocks of the worst sequence that is not planned yet; false when there is no such sequence.
    pub(super) fn drop_worst(&mut self) -> bool {
        let Some(victim) = self.victims.pop_last() else { return false };
        self.give_up(victim.id);
        true
    }

    pub(super) fn give_up(&mut self, id: RequestId) {
        let blocks = &self.sequence(id).blocks;
        self.blocks_left += release(self.view.cache, &mut self.freed, blocks);
        self.plan.preempted.push(id);
    }

    /// Whether nobody will hold `block` once this plan is carried out.
    pub(super) fn is_idle(&self, block: BlockId) -> bool {
        let freed = self.freed.get(&block).copied().unwrap_or(0);
        self.view.cache.pool().holders(block) == freed && !self.promised.contains(&block)
    }
}

/// Notes that each of `blocks` loses a holder; gives how many of them lose their last one.
fn release(cache: &PrefixCache, freed: &mut BTreeMap<BlockId, u32>, blocks: &[BlockId]) -> usize {
    let mut count = 0;
    for block in blocks {
        let lost = freed.entry(*block).or_default();
        *lost += 1;
        count += usize::from(*lost == cache.pool().holders(*block));
    }
    count
}
