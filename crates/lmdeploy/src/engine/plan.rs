//! The plan of one step: a decision over numbers, made without touching pool or sequences.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::sequence::{Rank, Sequence, State};
use super::{RequestId, SchedulerConfig};

/// Which sequences compute how many tokens, and who gives up blocks for them.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Sequence and number of tokens, in the order of the batch.
    pub(super) parts: Vec<(RequestId, usize)>,
    /// Sequences that give up their blocks first.
    pub(super) preempted: Vec<RequestId>,
}

/// What is left to give away while planning.
struct Planner<'a> {
    config: &'a SchedulerConfig,
    sequences: &'a BTreeMap<RequestId, Sequence>,
    plan: Plan,
    tokens_left: usize,
    blocks_left: usize,
    /// Running sequences that are not planned yet; the last one gives up its blocks first.
    victims: BTreeSet<(Rank, RequestId)>,
}

impl Plan {
    /// Running decodes first, then running prefills, then waiting requests, each by rank.
    ///
    /// An eighth of the tokens is kept for prefills when there are any, so that many decodes do not starve them. A
    /// decode may take blocks from any worse sequence that is not planned yet; so may a prefill, which guarantees
    /// progress: alone, a sequence always fits.
    pub(super) fn new(
        config: &SchedulerConfig,
        sequences: &BTreeMap<RequestId, Sequence>,
        free_blocks: usize,
        now: Duration,
    ) -> Self {
        let ranked = |wanted: State| {
            let chosen = sequences.values().filter(move |sequence| sequence.state == wanted);
            chosen.map(|sequence| (sequence.rank(now, config.aging), sequence.request.id))
        };
        let running: BTreeSet<_> = ranked(State::Running).collect();
        let waiting: BTreeSet<_> = ranked(State::Waiting).collect();
        let (mut decodes, prefills): (Vec<_>, Vec<_>) =
            running.iter().copied().partition(|(_, id)| sequences[id].decodes());
        let mut planner = Planner {
            config,
            sequences,
            plan: Self::default(),
            tokens_left: config.max_batched_tokens,
            blocks_left: free_blocks,
            victims: running,
        };
        let prefill_waits = !prefills.is_empty() || !waiting.is_empty();
        let kept = if prefill_waits { config.max_batched_tokens / 8 } else { 0 };
        // With more decodes than tokens, those that have waited longest go first.
        decodes.sort_by_key(|(_, id)| sequences[id].last_step);
        let limit = (config.max_batched_tokens - kept).max(1);
        let mut served: Vec<_> = decodes.into_iter().take(limit).collect();
        served.sort_unstable();
        for (rank, id) in served {
            planner.decode(rank, id);
        }
        for (rank, id) in prefills {
            planner.prefill(rank, id);
        }
        planner.admit(waiting.into_iter().map(|(_, id)| id));
        planner.plan
    }
}

impl Planner<'_> {
    /// One token of a running sequence.
    fn decode(&mut self, rank: Rank, id: RequestId) {
        // It may have given up its blocks for a sequence planned earlier.
        if self.victims.remove(&(rank, id)) {
            let need = self.sequences[&id].blocks_for(1, self.config.block_tokens);
            if self.make_room(need, rank) {
                self.take(id, 1, need);
            } else if self.plan.parts.is_empty() && self.victims.is_empty() {
                unreachable!("a sequence that runs alone fits: admission has checked it");
            } else {
                self.give_up(id);
            }
        }
    }

    /// The next chunk of a running sequence.
    fn prefill(&mut self, rank: Rank, id: RequestId) {
        if !self.victims.remove(&(rank, id)) || self.tokens_left == 0 {
            return;
        }
        let sequence = &self.sequences[&id];
        let tokens = sequence.missing().min(self.tokens_left);
        let need = sequence.blocks_for(tokens, self.config.block_tokens);
        if self.make_room(need, rank) {
            self.take(id, tokens, need);
            return;
        }
        // A shorter chunk that fits into what is free, the sequence's own last block included.
        let room = (sequence.blocks.len() + self.blocks_left) * self.config.block_tokens - sequence.computed;
        let tokens = tokens.min(room);
        if tokens > 0 {
            self.take(id, tokens, sequence.blocks_for(tokens, self.config.block_tokens));
        }
    }

    /// New sequences, in order, as long as all of their known tokens fit in addition to what running prefills need.
    fn admit(&mut self, waiting: impl Iterator<Item = RequestId>) {
        let (config, sequences) = (self.config, self.sequences);
        let block_tokens = config.block_tokens;
        let preempted = &self.plan.preempted;
        let stays = |sequence: &&Sequence| {
            sequence.state == State::Running && !preempted.contains(&sequence.request.id)
        };
        let staying: Vec<&Sequence> = sequences.values().filter(stays).collect();
        let mut places = config.max_sequences.saturating_sub(staying.len());
        // Blocks that running sequences need to finish their known tokens; this step's are taken already.
        let needed: usize =
            staying.iter().map(|sequence| sequence.blocks_for(sequence.missing(), block_tokens)).sum();
        let taken: usize =
            self.plan.parts.iter().map(|(id, tokens)| sequences[id].blocks_for(*tokens, block_tokens)).sum();
        let mut spoken_for = needed.saturating_sub(taken);
        for id in waiting {
            let sequence = &sequences[&id];
            let whole = sequence.missing().div_ceil(block_tokens);
            if places == 0 || self.tokens_left == 0 || whole + spoken_for > self.blocks_left {
                // The rest waits too, so that short prompts do not overtake a long one forever.
                return;
            }
            let tokens = sequence.missing().min(self.tokens_left);
            let need = tokens.div_ceil(block_tokens);
            self.take(id, tokens, need);
            spoken_for += whole - need;
            places -= 1;
        }
    }

    /// Frees blocks of worse sequences until `need` are free; frees none when all of them are not enough.
    fn make_room(&mut self, need: usize, rank: Rank) -> bool {
        let mut chosen = Vec::new();
        let mut free = self.blocks_left;
        for (victim, id) in self.victims.iter().rev() {
            if free >= need || *victim < rank {
                break;
            }
            free += self.sequences[id].blocks.len();
            chosen.push((*victim, *id));
        }
        if free < need {
            return false;
        }
        for (victim, id) in chosen {
            self.victims.remove(&(victim, id));
            self.give_up(id);
        }
        true
    }

    fn give_up(&mut self, id: RequestId) {
        self.blocks_left += self.sequences[&id].blocks.len();
        self.plan.preempted.push(id);
    }

    fn take(&mut self, id: RequestId, tokens: usize, blocks: usize) {
        self.plan.parts.push((id, tokens));
        self.tokens_left -= tokens;
        self.blocks_left -= blocks;
    }
}
