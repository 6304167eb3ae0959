//! Finding, sharing and evicting, on prompts that are easy to follow.

use super::*;

const NOBODY: Scope = Scope { salt: None, group: None };

fn ids(tokens: std::ops::Range<u32>) -> Vec<TokenId> {
    tokens.map(TokenId).collect()
}

/// Computes `tokens` in fresh blocks of four and publishes them; gives the blocks, which are held.
fn compute(cache: &mut PrefixCache, tokens: &[TokenId]) -> Vec<BlockId> {
    let mut blocks: Vec<BlockId> = Vec::new();
    for part in tokens.chunks(4) {
        let parent = blocks.last().map_or(Parent::Start(NOBODY), |last| Parent::Block(*last));
        let block = cache.allocate().expect("there is room");
        if part.len() == 4 {
            blocks.push(cache.publish(block, parent, part));
        } else {
            cache.publish_tail(block, parent, part);
            blocks.push(block);
        }
    }
    assert_eq!(cache.problems(), Vec::<String>::new());
    blocks
}

fn give_up(cache: &mut PrefixCache, blocks: &[BlockId]) {
    for block in blocks.iter().rev() {
        cache.release(*block);
    }
    assert_eq!(cache.problems(), Vec::<String>::new());
}

#[test]
fn full_blocks_are_found_and_the_last_one_can_be_copied() {
    let mut cache = PrefixCache::new(8, 4, Retention::Keep);
    let blocks = compute(&mut cache, &ids(0..10));
    let found = cache.find(&NOBODY, &ids(0..10));
    assert_eq!(found.blocks, blocks[..2]);
    assert_eq!(found.tail, Some(Tail { from: blocks[2], tokens: 2 }));
    assert_eq!(found.tokens(4), 10);
    // Two blocks and a half: of the third one, three tokens fit.
    let found = cache.find(&NOBODY, &ids(0..7));
    assert_eq!((found.blocks.as_slice(), found.tokens(4)), (&blocks[..1], 7));
    assert_eq!(cache.find(&NOBODY, &ids(1..7)), Found::default());
    let other = Scope { salt: Some("x".into()), group: None };
    assert_eq!(cache.find(&other, &ids(0..10)), Found::default());
}

#[test]
fn clearing_forgets_what_nobody_holds() {
    let mut cache = PrefixCache::new(8, 4, Retention::Keep);
    for start in [0, 20] {
        let blocks = compute(&mut cache, &ids(start..start + 10));
        give_up(&mut cache, &blocks);
    }
    assert_eq!((cache.pool().cached(), cache.pool().free()), (6, 2));
    cache.clear();
    assert_eq!((cache.pool().cached(), cache.pool().free()), (0, 8));
    assert_eq!(cache.find(&NOBODY, &ids(0..10)), Found::default());
    assert_eq!(cache.problems(), Vec::<String>::new());
}

#[test]
fn what_is_given_up_stays_until_its_room_is_needed_last_blocks_first() {
    let mut cache = PrefixCache::new(4, 4, Retention::Keep);
    let old = compute(&mut cache, &ids(0..8));
    give_up(&mut cache, &old);
    let new = compute(&mut cache, &ids(20..28));
    give_up(&mut cache, &new);
    assert_eq!((cache.pool().cached(), cache.available()), (4, 4));
    // The older prefix is in use again.
    cache.hold(old[0]);
    cache.release(old[0]);
    let taken = [cache.allocate(), cache.allocate()];
    assert_eq!(taken, [Some(old[1]), Some(new[1])], "nobody has held these for the longest time");
    assert_eq!(cache.find(&NOBODY, &ids(0..8)).blocks, old[..1]);
    assert_eq!(cache.problems(), Vec::<String>::new());
}

#[test]
fn the_same_tokens_computed_twice_become_one_block() {
    let mut cache = PrefixCache::new(8, 4, Retention::Keep);
    let first = compute(&mut cache, &ids(0..8));
    let second = compute(&mut cache, &ids(0..8));
    assert_eq!(first, second);
    assert_eq!((cache.pool().active(), cache.pool().free()), (2, 6));
    give_up(&mut cache, &first);
    assert_eq!(cache.pool().active(), 2, "the second sequence still holds them");
    give_up(&mut cache, &second);
    assert_eq!((cache.pool().active(), cache.pool().cached()), (0, 2));
}

#[test]
fn a_block_that_fills_up_takes_the_place_of_its_first_tokens() {
    let mut cache = PrefixCache::new(8, 4, Retention::Keep);
    let blocks = compute(&mut cache, &ids(0..3));
    assert_eq!(cache.find(&NOBODY, &ids(0..9)).tokens(4), 3);
    assert_eq!(cache.publish(blocks[0], Parent::Start(NOBODY), &ids(0..4)), blocks[0]);
    assert_eq!(cache.find(&NOBODY, &ids(0..9)).blocks, blocks);
    assert_eq!(cache.problems(), Vec::<String>::new());
}

#[test]
fn without_retention_blocks_are_shared_and_free_at_once() {
    let mut cache = PrefixCache::new(8, 4, Retention::Drop);
    let first = compute(&mut cache, &ids(0..10));
    let second = compute(&mut cache, &ids(0..10));
    assert_eq!(first[..2], second[..2]);
    give_up(&mut cache, &first);
    assert_eq!(cache.find(&NOBODY, &ids(0..10)).blocks, second[..2]);
    give_up(&mut cache, &second);
    assert_eq!((cache.pool().free(), cache.pool().cached()), (8, 0));
    assert_eq!(cache.find(&NOBODY, &ids(0..10)), Found::default());
}
