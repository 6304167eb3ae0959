//! The index, compared with a list of token sequences.

use proptest::prelude::*;

use super::*;

fn ids(tokens: &[u32]) -> Arc<[TokenId]> {
    tokens.iter().copied().map(TokenId).collect()
}

fn start(salt: Option<&str>) -> Parent {
    Parent::Start(Scope { salt: salt.map(Arc::from), group: None })
}

fn link(parent: Parent, tokens: &[u32]) -> Link {
    Link { parent, tokens: ids(tokens) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_closest_block_is_that_of_the_longest_common_beginning(
        // A small alphabet, so that beginnings are shared.
        stored in prop::collection::btree_set(prop::collection::vec(0..3_u32, 1..5), 0..8),
        asked in prop::collection::vec(0..3_u32, 0..6),
    ) {
        let mut index = PrefixIndex::new(8);
        for (number, tokens) in (0..).zip(&stored) {
            index.insert(BlockId(number), link(start(None), tokens));
        }
        let common = |tokens: &Vec<u32>| tokens.iter().zip(&asked).take_while(|(a, b)| a == b).count();
        let expected = stored.iter().map(common).max().filter(|longest| *longest > 0);
        let found = index.closest(&start(None), &ids(&asked));
        prop_assert_eq!(found.map(|(_, shared)| shared), expected);
        if let Some((block, shared)) = found {
            let tokens = stored.iter().nth(block.index()).expect("a stored one");
            prop_assert_eq!(common(tokens), shared);
        }
        prop_assert_eq!(index.problems(), Vec::<String>::new());
    }

    #[test]
    fn blocks_are_found_at_their_places_until_they_leave(
        // Each block continues an earlier one or starts a sequence.
        parents in prop::collection::vec((any::<usize>(), 0..2_u32), 1..20),
    ) {
        let mut index = PrefixIndex::new(parents.len());
        let mut places: Vec<Option<Link>> = Vec::new();
        for (number, (choice, token)) in parents.iter().enumerate() {
            let parent = match choice % (number + 1) {
                0 => start(None),
                place if places[place - 1].is_some() => Parent::Block(BlockId(place as u32 - 1)),
                _ => start(None),
            };
            let link = link(parent, &[*token]);
            let taken = index.child(&link.parent, &link.tokens).is_some();
            if !taken {
                index.insert(BlockId(number as u32), link.clone());
            }
            places.push((!taken).then_some(link));
            prop_assert_eq!(index.problems(), Vec::<String>::new());
        }
        for (number, place) in places.iter().enumerate().rev() {
            let block = BlockId(number as u32);
            prop_assert_eq!(index.link(block), place.as_ref());
            if let Some(link) = place {
                prop_assert_eq!(index.child(&link.parent, &link.tokens), Some(block));
                index.remove(block);
                prop_assert_eq!(index.child(&link.parent, &link.tokens), None);
            }
            prop_assert!(!index.contains(block));
            prop_assert_eq!(index.problems(), Vec::<String>::new());
        }
        prop_assert!(index.starts.is_empty(), "scopes leave nothing behind");
    }
}

#[test]
fn scopes_do_not_see_each_other() {
    let mut index = PrefixIndex::new(3);
    index.insert(BlockId(0), link(start(None), &[1, 2]));
    index.insert(BlockId(1), link(start(Some("a")), &[1, 2]));
    assert_eq!(index.child(&start(None), &ids(&[1, 2])), Some(BlockId(0)));
    assert_eq!(index.child(&start(Some("a")), &ids(&[1, 2])), Some(BlockId(1)));
    assert_eq!(index.child(&start(Some("b")), &ids(&[1, 2])), None);
    assert_eq!(index.closest(&start(Some("b")), &ids(&[1, 2])), None);
}

#[test]
#[should_panic(expected = "children leave the index before their parents")]
fn a_parent_does_not_leave_before_its_children() {
    let mut index = PrefixIndex::new(2);
    index.insert(BlockId(0), link(start(None), &[1]));
    index.insert(BlockId(1), link(Parent::Block(BlockId(0)), &[2]));
    index.remove(BlockId(0));
}
