//! Merging symbols: the pair of neighbors with the lowest rank first, the leftmost of equals, until none is left.
//!
//! Sennrich, Haddow, Birch: "Neural machine translation of rare words with subword units", ACL 2016. Gives the
//! symbols of `Word::merge_all` of the `tokenizers` crate (`models/bpe/word.rs`). Short words look at all pairs
//! for every merge; long ones keep the pairs sorted, new ones in a heap, so that
//! time stays near-linear.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use foldhash::fast::RandomState;

/// Words with more symbols than this take the heap.
const SHORT: usize = 160;

/// Memory for more symbols than this is not kept.
const LARGE: usize = 1 << 16;

/// The rank of a pair that does not merge: after all others.
const NEVER: u32 = u32::MAX;

/// One merge of a vocabulary.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tokenizer) struct Merge {
    pub(in crate::tokenizer) left: u32,
    pub(in crate::tokenizer) right: u32,
    pub(in crate::tokenizer) merged: u32,
}

/// All merges, found by their pair.
pub(super) struct Merges {
    /// Rank by pair.
    ranks: HashMap<u64, u32, RandomState>,
    /// The new symbol by rank.
    merged: Vec<u32>,
}

/// Memory for merging that is used again and again.
#[derive(Default)]
pub(super) struct Scratch {
    /// The symbols of a word: to merge, then merged.
    pub(super) symbols: Vec<u32>,
    ranks: Vec<u32>,
    links: Vec<Link>,
    /// Rank and place of the pairs of a long word before the first merge, in this order.
    first: Vec<(u32, usize)>,
    /// Those of pairs that merging made.
    queue: BinaryHeap<Reverse<(u32, usize)>>,
}

/// The neighbors of a symbol of a long word; `None` for a symbol that went into its left neighbor.
type Link = Option<Neighbors>;

#[derive(Clone, Copy)]
struct Neighbors {
    previous: Option<usize>,
    next: usize,
}

impl Scratch {
    /// Gives back the memory of words that were very long.
    pub(super) fn shrink(&mut self) {
        if self.symbols.capacity() > LARGE {
            *self = Self::default();
        }
    }
}

fn key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

impl Merges {
    /// Merges by rank; of a pair that occurs twice the last one counts.
    pub(super) fn new(merges: &[Merge]) -> Self {
        let ranks = merges.iter().zip(0..NEVER).map(|(merge, rank)| (key(merge.left, merge.right), rank));
        Self { ranks: ranks.collect(), merged: merges.iter().map(|merge| merge.merged).collect() }
    }

    fn rank(&self, left: u32, right: u32) -> u32 {
        self.ranks.get(&key(left, right)).copied().unwrap_or(NEVER)
    }

    /// Merges `scratch.symbols` in place.
    pub(super) fn apply(&self, scratch: &mut Scratch) {
        if scratch.symbols.len() <= SHORT { self.apply_short(scratch) } else { self.apply_long(scratch) }
    }

    fn apply_short(&self, scratch: &mut Scratch) {
        let Scratch { symbols, ranks, .. } = scratch;
        ranks.clear();
        ranks.extend(symbols.windows(2).map(|pair| self.rank(pair[0], pair[1])));
        while let Some(&lowest) = ranks.iter().min().filter(|&&rank| rank != NEVER) {
            let at =
                ranks.iter().position(|&rank| rank == lowest).expect("the lowest rank is one of the ranks");
            symbols[at] = self.merged[lowest as usize];
            symbols.remove(at + 1);
            ranks.remove(at);
            if at > 0 {
                ranks[at - 1] = self.rank(symbols[at - 1], symbols[at]);
            }
            if at < ranks.len() {
                ranks[at] = self.rank(symbols[at], symbols[at + 1]);
            }
        }
    }

    fn apply_long(&self, scratch: &mut Scratch) {
        let Scratch { symbols, links, first, queue, .. } = scratch;
        let end = symbols.len();
        links.clear();
        links.extend((0..end).map(|at| Some(Neighbors { previous: at.checked_sub(1), next: at + 1 })));
        // Most pairs are there from the start: sorted once, they need no heap.
        let pairs = symbols.windows(2).enumerate();
        let pairs = pairs.map(|(at, pair)| (self.rank(pair[0], pair[1]), at));
        first.clear();
        first.extend(pairs.filter(|(rank, _)| *rank != NEVER));
        first.sort_unstable();
        let mut first = first.iter().copied().peekable();
        queue.clear();
        loop {
            let later = queue.peek().map(|Reverse(entry)| *entry);
            let next = match (first.peek(), later) {
                (Some(&entry), Some(later)) if later < entry => queue.pop().map(|Reverse(entry)| entry),
                (Some(_), _) => first.next(),
                (None, _) => queue.pop().map(|Reverse(entry)| entry),
            };
            let Some((rank, at)) = next else { break };
            let Some(Neighbors { previous, next }) = links[at] else { continue };
            // The pair may have changed since it was queued: then it was queued again.
            if next == end || self.rank(symbols[at], symbols[next]) != rank {
                continue;
            }
            symbols[at] = self.merged[rank as usize];
            let after = links[next].take().map_or(end, |link| link.next);
            links[at] = Some(Neighbors { previous, next: after });
            if let Some(Some(link)) = links.get_mut(after) {
                link.previous = Some(at);
                let rank = self.rank(symbols[at], symbols[after]);
                queue.extend((rank != NEVER).then_some(Reverse((rank, at))));
            }
            if let Some(previous) = previous {
                let rank = self.rank(symbols[previous], symbols[at]);
                queue.extend((rank != NEVER).then_some(Reverse((rank, previous))));
            }
        }
        let mut links = links.iter();
        symbols.retain(|_| links.next().is_some_and(Option::is_some));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    proptest::proptest! {
        /// Ids are merged by hand-made tables, so that ties and merges that feed each other are frequent.
        #[test]
        fn short_and_long_words_merge_alike(
            pairs in proptest::collection::vec((0_u32..8, 0_u32..8, 0_u32..8), 0..20),
            symbols in proptest::collection::vec(0_u32..4, 0..40),
        ) {
            // Symbols of a real vocabulary grow by merging: no merge gives one of its parts again.
            let merges: Vec<Merge> = pairs
                .into_iter()
                .zip(8..)
                .map(|((left, right, _), merged)| Merge { left, right, merged: merged % 20 })
                .filter(|merge| merge.merged > merge.left.max(merge.right))
                .collect();
            let merges = Merges::new(&merges);
            let mut short = Scratch { symbols: symbols.clone(), ..Scratch::default() };
            let mut long = Scratch { symbols, ..Scratch::default() };
            merges.apply_short(&mut short);
            merges.apply_long(&mut long);
            proptest::prop_assert_eq!(short.symbols, long.symbols);
        }
    }
}
