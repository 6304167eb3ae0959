//! Which sequences join the batch: parked ones first, then waiting ones, with what the cache knows of them.

use std::collections::BTreeSet;

use super::{Planner, Rank, State};
use crate::cache::{Found, Link, Parent};
use crate::engine::RequestId;
use crate::engine::sequence::Sequence;

/// What became of a waiting sequence.
enum Newcomer {
    /// It joins the batch, and needs this many more blocks for its known tokens in later steps.
    Joins { later: usize },
    /// It waits for a block that another sequence computes.
    Follows,
    /// Its known tokens do not fit.
    NoRoom,
}

impl Planner<'_> {
    /// Fills the places that running sequences leave.
    pub(super) fn newcomers(&mut self, parked: BTreeSet<Rank>, waiting: BTreeSet<Rank>) {
        let (view, preempted) = (self.view, &self.plan.preempted);
        let stays = |sequence: &&Sequence| {
            sequence.state == State::Running && !preempted.contains(&sequence.request.id)
        };
        let mut staying: Vec<&Sequence> = view.sequences.values().filter(stays).collect();
        let mut places = view.config.max_sequences.saturating_sub(staying.len());
        // Whoever joined next to sequences that have just lost their blocks would lose its own next.
        let joinable = preempted.is_empty();
        for rank in parked {
            let parts = self.plan.parts.len();
            if places > 0 {
                self.prefill(rank);
            }
            if self.plan.parts.len() > parts {
                staying.push(self.sequence(rank.id));
                places -= 1;
            }
        }
        if joinable || self.plan.parts.is_empty() {
            let spoken_for = self.spoken_for(&staying);
            self.admit(waiting, places, spoken_for);
        }
    }

    /// Number of blocks that `staying` sequences need for their known tokens after this step.
    fn spoken_for(&self, staying: &[&Sequence]) -> usize {
        let block_tokens = self.view.config.block_tokens;
        let needed = staying.iter().map(|sequence| sequence.blocks_for(sequence.missing(), block_tokens));
        let parts = self.plan.parts.iter();
        let taken = parts.map(|(id, tokens)| self.sequence(*id).blocks_for(*tokens, block_tokens));
        needed.sum::<usize>().saturating_sub(taken.sum())
    }

    /// Waiting sequences, in order, as long as all of their known tokens fit in addition to what others need.
    fn admit(&mut self, waiting: BTreeSet<Rank>, mut places: usize, mut spoken_for: usize) {
        for Rank { id, .. } in waiting {
            if places == 0 || self.tokens_left == 0 {
                return;
            }
            let mut newcomer = self.try_admit(id, spoken_for);
            // When nothing else makes progress, those whose readers are too slow give up their blocks.
            while matches!(newcomer, Newcomer::NoRoom) && self.plan.parts.is_empty() && self.drop_worst() {
                newcomer = self.try_admit(id, spoken_for);
            }
            match newcomer {
                Newcomer::Joins { later } => {
                    spoken_for += later;
                    places -= 1;
                }
                Newcomer::Follows => {}
                Newcomer::NoRoom => {
                    if self.is_alone() && self.plan.starved.is_none() {
                        self.plan.starved = Some(id);
                    }
                    // The rest waits too, so that short prompts do not overtake a long one forever.
                    return;
                }
            }
        }
    }

    fn try_admit(&mut self, id: RequestId, spoken_for: usize) -> Newcomer {
        let (config, sequence) = (self.view.config, self.sequence(id));
        if sequence.follows.as_ref().is_some_and(|link| self.view.producers.contains_key(link)) {
            return Newcomer::Follows;
        }
        let scope = sequence.readable(config.publish_limit);
        // Tokens whose logits are wanted are computed in any case.
        let find = |scope| self.view.cache.find(scope, &sequence.tokens[..sequence.reusable()]);
        let mut found = scope.map(find).unwrap_or_default();
        let link = scope.map(|scope| {
            let start = || Parent::Start(scope.clone());
            let parent = found.blocks.last().map_or_else(start, |last| Parent::Block(*last));
            let tokens = sequence.block(found.blocks.len(), config.block_tokens).into();
            Link { parent, tokens }
        });
        if let Some(link) = link.as_ref().filter(|link| self.waits(sequence, &found, link)) {
            self.plan.followers.push((id, link.clone()));
            return Newcomer::Follows;
        }
        if !self.fits(sequence, &found, spoken_for) {
            // A copy needs its source for the length of a step: a block that may be one too many.
            found.tail = None;
            if !self.fits(sequence, &found, spoken_for) {
                return Newcomer::NoRoom;
            }
        }
        self.announced.extend(link);
        self.join(sequence, found)
    }

    /// Whether somebody else computes the block `link`, and waiting for it saves tokens.
    ///
    /// For a block that will not be full only the siblings of one group wait: everybody else would gain little.
    fn waits(&self, sequence: &Sequence, found: &Found, link: &Link) -> bool {
        let block_tokens = self.view.config.block_tokens;
        let usable = sequence.reusable().saturating_sub(found.blocks.len() * block_tokens);
        let saved = usable.min(block_tokens) > found.tail.map_or(0, |tail| tail.tokens);
        let sibling = sequence.request.group.is_some();
        (link.tokens.len() == block_tokens || sibling)
            && saved
            && (self.view.producers.contains_key(link) || self.announced.contains(link))
    }

    /// Number of blocks that nobody holds of those that a sequence shares or copies.
    fn idle(&self, found: &Found) -> usize {
        let tail = found.tail.iter().map(|tail| tail.from);
        found.blocks.iter().copied().chain(tail).filter(|block| self.is_idle(*block)).count()
    }

    /// Number of blocks that a waiting sequence takes until all of its known tokens are computed.
    fn whole(&self, sequence: &Sequence, found: &Found) -> usize {
        let all = sequence.tokens.len().div_ceil(self.view.config.block_tokens);
        all - found.blocks.len() + self.idle(found)
    }

    fn fits(&self, sequence: &Sequence, found: &Found, spoken_for: usize) -> bool {
        self.whole(sequence, found) + spoken_for <= self.blocks_left
    }

    /// Plans the first part of a waiting sequence, after what was found.
    fn join(&mut self, sequence: &Sequence, found: Found) -> Newcomer {
        let block_tokens = self.view.config.block_tokens;
        let start = found.tokens(block_tokens);
        let tokens = (sequence.tokens.len() - start).min(self.tokens_left);
        let need = (start + tokens).div_ceil(block_tokens) - found.blocks.len() + self.idle(&found);
        let later = self.whole(sequence, &found) - need;
        self.promised.extend(found.blocks.iter().copied().chain(found.tail.map(|tail| tail.from)));
        self.take(sequence.request.id, tokens, need);
        self.plan.found.insert(sequence.request.id, found);
        Newcomer::Joins { later }
    }
}
