//! From a plan to a batch: who gives up blocks, who shares them, who gets new ones.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Leftover, Plan, Scheduler, State};
use crate::cache::{BlockCopy, Found, Tail};
use crate::engine::{Batch, End, EngineFault, Event, LogitsDetail, RequestId};

impl Scheduler {
    /// Carries out a plan. Nothing in it can fail: the plan has counted what each part needs.
    pub(super) fn apply(&mut self, plan: Plan) -> Batch {
        // What is shared or copied is held before anything is given up or allocated, which may evict.
        let tails: BTreeMap<RequestId, Tail> = plan
            .found
            .into_iter()
            .filter_map(|(id, found)| self.enter(id, found).map(|tail| (id, tail)))
            .collect();
        for id in plan.preempted {
            self.preempt(id);
        }
        if let Some(id) = plan.starved {
            let needed = self.sequence_mut(id).tokens.len();
            let available = self.config.blocks * self.config.block_tokens;
            let end = End::Error(EngineFault::KvCapacity { needed, available });
            self.end(id, end, Leftover::Shared);
        }
        for (id, link) in plan.followers {
            self.sequence_mut(id).follows = Some(link);
        }
        let mut batch = Batch { detail: LogitsDetail::Top(1), ..Batch::default() };
        for (id, tokens) in plan.parts {
            self.add_part(&mut batch, id, tokens);
            if let Some(Tail { from, tokens }) = tails.get(&id).copied() {
                let sequence = &self.sequences[&id];
                batch.copies.push(BlockCopy { from, to: sequence.blocks[sequence.published], tokens });
            }
        }
        batch
    }

    /// Makes a sequence give up its blocks for another one.
    fn preempt(&mut self, id: RequestId) {
        self.give_up_blocks(id);
        self.preemptions += 1;
    }

    /// Gives up a sequence's blocks; it is computed again later from its ids, as far as the cache has not kept them.
    pub(super) fn give_up_blocks(&mut self, id: RequestId) {
        self.publish_tail(id);
        self.retract(id);
        let sequence = self.sequences.get_mut(&id).expect("plans are made of known sequences");
        for block in sequence.blocks.drain(..).rev() {
            self.cache.release(block);
        }
        sequence.computed = 0;
        sequence.published = 0;
        sequence.state = State::Waiting;
    }

    /// Starts a waiting sequence with what was found in the cache; gives what is to be copied.
    fn enter(&mut self, id: RequestId, found: Found) -> Option<Tail> {
        let cached_tokens = found.tokens(self.config.block_tokens);
        for block in &found.blocks {
            self.cache.hold(*block);
        }
        if let Some(tail) = found.tail {
            self.cache.hold(tail.from);
            self.pinned.push(tail.from);
        }
        let limit = self.config.publish_limit;
        let sequence = self.sequence_mut(id);
        sequence.computed = cached_tokens;
        sequence.published = found.blocks.len();
        sequence.blocks = found.blocks;
        sequence.follows = None;
        let (first, looked_up) = (!sequence.admitted, sequence.readable(limit).is_some());
        let asked = sequence.request.prompt.len() as u64;
        sequence.admitted = true;
        if first {
            self.events.push(Event::Admitted { id, cached_tokens });
        }
        if first && looked_up {
            self.lookups.asked += asked;
            self.lookups.hit += cached_tokens as u64;
        }
        found.tail
    }

    /// Adds a sequence's next tokens to the batch, with the blocks that they need.
    fn add_part(&mut self, batch: &mut Batch, id: RequestId, tokens: usize) {
        let sequence = self.sequences.get_mut(&id).expect("plans are made of known sequences");
        for _ in 0..sequence.blocks_for(tokens, self.config.block_tokens) {
            sequence.blocks.push(self.cache.allocate().expect("plans only count on blocks that are there"));
        }
        let enters = sequence.state != State::Running;
        sequence.state = State::Running;
        sequence.last_step = self.steps;
        let step = sequence.step(tokens);
        if step.rows() > 0 {
            batch.detail = batch.detail.max(sequence.request.detail);
        }
        batch.steps.push(step);
        if enters {
            self.announce(id);
        }
    }

    /// Says which block a running sequence computes next, so that others can wait for it.
    pub(super) fn announce(&mut self, id: RequestId) {
        self.retract(id);
        let sequence = self.sequences.get_mut(&id).expect("running sequences are known");
        if let Some(link) = sequence.produced(&self.config)
            && let Entry::Vacant(place) = self.producers.entry(link.clone())
        {
            place.insert(id);
            sequence.produces = Some(link);
        }
    }

    /// Takes back what was announced: nobody waits for it any more.
    pub(super) fn retract(&mut self, id: RequestId) {
        if let Some(link) = self.sequence_mut(id).produces.take() {
            self.producers.remove(&link);
        }
    }
}
