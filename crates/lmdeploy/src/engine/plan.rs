//! The plan of one step: a decision over numbers, made without touching cache or sequences.

mod newcomers;
mod room;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::sequence::{Rank, Sequence, State};
use super::{RequestId, SchedulerConfig};
use crate::cache::{BlockId, Found, Link, PrefixCache};

/// What every step costs besides its tokens, in tokens: on CPUs reading the weights takes as long as computing so many.
pub(super) const FIXED_TOKENS: usize = 4;
/// Tokens of prompts that a step with decodes computes at least.
const MIN_PROMPT_TOKENS: usize = 8;

/// Which sequences compute how many tokens, and who gives up blocks for them.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Sequence and number of tokens, in the order of the batch.
    pub(super) parts: Vec<(RequestId, usize)>,
    /// Sequences that give up their blocks first.
    pub(super) preempted: Vec<RequestId>,
    /// What those of the batch that have waited until now find in the cache.
    pub(super) found: BTreeMap<RequestId, Found>,
    /// Waiting sequences, and the blocks that others compute for them.
    pub(super) followers: Vec<(RequestId, Link)>,
    /// A sequence that has the whole cache to itself, and for which that is not enough.
    pub(super) starved: Option<RequestId>,
}

/// What a plan depends on.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) config: &'a SchedulerConfig,
    pub(super) sequences: &'a BTreeMap<RequestId, Sequence>,
    pub(super) cache: &'a PrefixCache,
    /// Blocks that running sequences compute now, and that others can wait for.
    pub(super) producers: &'a BTreeMap<Link, RequestId>,
    /// Tokens of prompts per decode in one step; no limit when nothing is said.
    pub(super) prompt_share: Option<f64>,
    pub(super) now: Duration,
}

/// What is left to give away while planning.
struct Planner<'a> {
    view: &'a View<'a>,
    plan: Plan,
    tokens_left: usize,
    /// Blocks that are free, kept, or given up in this plan, and not promised to anybody.
    blocks_left: usize,
    /// Sequences with blocks that are not planned yet; the last one gives up its blocks first.
    victims: BTreeSet<Rank>,
    /// How many holders each block loses in this plan.
    freed: BTreeMap<BlockId, u32>,
    /// Blocks that newcomers share or copy.
    promised: BTreeSet<BlockId>,
    /// Blocks that newcomers compute.
    announced: BTreeSet<Link>,
}

impl Plan {
    /// Running decodes first, then running prefills, then parked sequences, then waiting ones, each by rank.
    ///
    /// An eighth of the tokens is kept for prefills when there are any, so that many decodes do not starve them. A
    /// decode may take blocks from any worse sequence that is not planned yet; so may a prefill, which guarantees
    /// progress: alone, a sequence always fits.
    pub(super) fn new(view: &View<'_>) -> Self {
        let ranked = |wanted: State| {
            let chosen = view.sequences.values().filter(move |sequence| sequence.state == wanted);
            chosen.map(|sequence| (sequence.rank(view.now, view.config.aging), sequence))
        };
        let ready = |wanted: State| {
            let unpaused = ranked(wanted).filter(|(_, sequence)| sequence.paused.is_none());
            unpaused.map(|(rank, _)| rank).collect::<BTreeSet<Rank>>()
        };
        let (mut decodes, prefills): (Vec<_>, Vec<_>) =
            ranked(State::Running).partition(|(_, sequence)| sequence.decodes());
        let prefills: BTreeSet<Rank> = prefills.into_iter().map(|(rank, _)| rank).collect();
        let (parked, waiting) = (ready(State::Parked), ready(State::Waiting));
        let tokens = view.config.max_batched_tokens;
        let prefill_waits = !prefills.is_empty() || !waiting.is_empty();
        let kept = if prefill_waits { tokens / 8 } else { 0 };
        // With more decodes than tokens, those that have waited longest go first.
        decodes.sort_by_key(|(rank, sequence)| (sequence.last_step, *rank));
        decodes.truncate((tokens - kept).max(1));
        let decodes: BTreeSet<Rank> = decodes.into_iter().map(|(rank, _)| rank).collect();

        let victims = ranked(State::Running).chain(ranked(State::Parked)).map(|(rank, _)| rank).collect();
        let mut planner = Planner {
            view,
            plan: Self::default(),
            tokens_left: tokens,
            blocks_left: view.cache.available(),
            victims,
            freed: BTreeMap::new(),
            promised: BTreeSet::new(),
            announced: BTreeSet::new(),
        };
        for rank in decodes {
            planner.decode(rank);
        }
        planner.limit_prompts();
        for rank in prefills {
            planner.prefill(rank);
        }
        planner.newcomers(parked, waiting);
        planner.plan
    }
}

impl<'a> Planner<'a> {
    fn sequence(&self, id: RequestId) -> &'a Sequence {
        &self.view.sequences[&id]
    }

    /// One token of a running sequence.
    fn decode(&mut self, rank: Rank) {
        // It may have given up its blocks for a sequence planned earlier.
        if self.victims.remove(&rank) {
            let need = self.sequence(rank.id).blocks_for(1, self.view.config.block_tokens);
            if self.make_room(need, rank) {
                self.take(rank.id, 1, need);
            } else if self.is_alone() {
                self.plan.starved = Some(rank.id);
            } else {
                self.give_up(rank.id);
            }
        }
    }

    /// Keeps the step short when readers wait for their next token.
    fn limit_prompts(&mut self) {
        let decodes = self.plan.parts.len();
        if let Some(share) = self.view.prompt_share.filter(|_| decodes > 0) {
            let tokens = (share * (decodes + FIXED_TOKENS) as f64) as usize;
            self.tokens_left = self.tokens_left.min(tokens.max(MIN_PROMPT_TOKENS));
        }
    }

    /// The next chunk of a sequence that has blocks.
    fn prefill(&mut self, rank: Rank) {
        if self.tokens_left == 0 || !self.victims.remove(&rank) {
            return;
        }
        let block_tokens = self.view.config.block_tokens;
        let sequence = self.sequence(rank.id);
        let tokens = sequence.missing().min(self.tokens_left);
        let need = sequence.blocks_for(tokens, block_tokens);
        if self.make_room(need, rank) {
            self.take(rank.id, tokens, need);
            return;
        }
        // A shorter chunk that fits into what is free, the sequence's own last block included.
        let room = (sequence.blocks.len() + self.blocks_left) * block_tokens - sequence.computed;
        let tokens = tokens.min(room);
        if tokens > 0 {
            self.take(rank.id, tokens, sequence.blocks_for(tokens, block_tokens));
        } else if self.is_alone() {
            self.plan.starved = Some(rank.id);
        }
    }

    /// Whether nobody else could give up blocks and nobody else makes progress.
    fn is_alone(&self) -> bool {
        self.plan.parts.is_empty() && self.victims.is_empty()
    }

    fn take(&mut self, id: RequestId, tokens: usize, blocks: usize) {
        self.plan.parts.push((id, tokens));
        self.tokens_left -= tokens;
        self.blocks_left -= blocks;
    }
}
