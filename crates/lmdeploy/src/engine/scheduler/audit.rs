//! The scheduler's invariants, for tests and debug assertions.

use super::{Scheduler, Sequence, State};
use crate::cache::{BlockId, Parent};

impl Scheduler {
    /// Every broken invariant; empty when all hold. For tests, because it visits every block.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.cache.problems();
        let mut holders = vec![0_u32; self.cache.pool().total()];
        let mut writers = holders.clone();
        for block in &self.pinned {
            holders[block.index()] += 1;
        }
        for sequence in self.sequences.values() {
            self.check_sequence(sequence, &mut problems);
            for (place, block) in sequence.blocks.iter().enumerate() {
                holders[block.index()] += 1;
                writers[block.index()] += u32::from(place >= sequence.published);
            }
        }
        for sequence in self.sequences.values() {
            for block in sequence.blocks.iter().skip(sequence.published) {
                let sharers = holders[block.index()] - self.pins(*block);
                if writers[block.index()] > 1 || sharers > 1 {
                    problems.push(format!("{block:?} is written to and has {sharers} holders"));
                }
            }
        }
        for (block, holders) in (0..).map(BlockId).zip(holders) {
            let counted = self.cache.pool().holders(block);
            if holders != counted {
                problems.push(format!("{block:?}: {counted} holders are counted, {holders} hold it"));
            }
        }
        for (link, id) in &self.producers {
            let produces = |sequence: &Sequence| {
                sequence.state == State::Running && sequence.produces.as_ref() == Some(link)
            };
            if !self.sequences.get(id).is_some_and(produces) {
                problems.push(format!("{id:?} does not compute what others wait for"));
            }
        }
        problems
    }

    fn pins(&self, block: BlockId) -> u32 {
        self.pinned.iter().map(|pinned| u32::from(*pinned == block)).sum()
    }

    fn check_sequence(&self, sequence: &Sequence, problems: &mut Vec<String>) {
        let id = sequence.request.id;
        let covered = sequence.computed.div_ceil(self.config.block_tokens);
        let blocks = sequence.blocks.len();
        let fits = match (sequence.state, self.in_flight) {
            (State::Waiting, _) => blocks == 0 && sequence.computed == 0 && sequence.published == 0,
            (State::Running, true) => blocks >= covered,
            (State::Running, false) | (State::Parked, _) => blocks == covered,
        };
        if !fits {
            problems.push(format!("{id:?}: {:?}, {blocks} blocks, {covered} needed", sequence.state));
        }
        if sequence.published > sequence.computed / self.config.block_tokens {
            problems.push(format!("{id:?}: {} blocks are published too early", sequence.published));
        }
        for (place, block) in sequence.blocks.iter().take(sequence.published).enumerate() {
            let link = self.cache.link(*block);
            let tokens = sequence.block(place, self.config.block_tokens);
            let before = place.checked_sub(1).map(|before| sequence.blocks[before]);
            let follows = match link.map(|link| &link.parent) {
                Some(Parent::Block(parent)) => before == Some(*parent),
                Some(Parent::Start(_)) => before.is_none(),
                None => false,
            };
            if !follows || link.is_none_or(|link| *link.tokens != *tokens) {
                problems.push(format!("{id:?}: {block:?} is not block number {place} of its tokens"));
            }
        }
    }
}
