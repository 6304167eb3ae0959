//! The containers around a block, and distances in the tree of elements.

use super::blocks::{Block, Blocks, Container, LEVELS};
use super::elements::Elements;
use super::sums::Sums;

/// Number of elements visited on the way up. Pages that nest deeper are not written by people.
const MAX_STEPS: usize = 600;

/// Greater distances count as this one.
const MAX_DISTANCE: usize = 30;

/// The containers of a block, from the inside. `container` is the number of the block-level element around the
/// block. Each container has more text than the one before. If there are fewer than [`LEVELS`], the last is
/// repeated.
pub(crate) fn containers(elements: &Elements, container: u32) -> [Container; LEVELS] {
    let mut found = [Container::default(); LEVELS];
    let mut number = container;
    let mut level = 0;
    let mut current = Container { sums: elements.get(number).sums, element: number, ..Container::default() };
    for _ in 0..MAX_STEPS {
        let element = elements.get(number);
        if element.sums.characters > current.sums.characters {
            found[level] = current;
            level += 1;
            if level == LEVELS {
                return found;
            }
            current = Container { sums: element.sums, element: number, ..Container::default() };
        }
        current.alike = current.alike.max(element.alike);
        current.alike_before = current.alike_before.max(element.alike_before);
        if element.parent == number {
            break;
        }
        number = element.parent;
    }
    found[level..].fill(current);
    found
}

/// An element above a block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ancestor {
    /// Steps up to it from the block-level element of the block.
    pub(crate) steps: f32,
    /// Characters of its text.
    pub(crate) characters: u32,
}

/// The first element around a block whose text is `enough`; the topmost element if none is.
pub(crate) fn ancestor(blocks: &Blocks, block: &Block, enough: impl Fn(Sums) -> bool) -> Ancestor {
    let mut number = block.container;
    let mut steps = 0;
    while steps < MAX_STEPS {
        let element = blocks.elements.get(number);
        if element.parent == number || enough(element.sums) {
            break;
        }
        number = element.parent;
        steps += 1;
    }
    let characters = blocks.elements.get(number).sums.characters;
    Ancestor { steps: steps.min(MAX_DISTANCE) as f32, characters }
}

/// Steps up from a block to the first element that is around `other` too.
pub(crate) fn steps_to_common(blocks: &Blocks, block: &Block, other: &Block) -> f32 {
    let (mut number, mut target) = (block.container, other.container);
    let mut steps = 0;
    for _ in 0..2 * MAX_STEPS {
        // Elements are numbered in document order, so the later one cannot be around the earlier one.
        if number > target {
            number = blocks.elements.get(number).parent;
            steps += 1;
        } else if number < target {
            target = blocks.elements.get(target).parent;
        } else {
            break;
        }
    }
    steps.min(MAX_DISTANCE) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::extract::dom::Dom;
    use crate::extract::judge::cutter::{Knowledge, cut};
    use crate::extract::sample::markup;

    fn blocks(html: &str) -> (Dom, Blocks) {
        let dom = Dom::parse(html);
        let blocks = cut(&dom, Knowledge::NOTHING);
        (dom, blocks)
    }

    #[test]
    fn wrappers_around_the_same_text_count_as_one() {
        let (dom, blocks) = blocks("<main><div><div><p>ab</p></div></div><p>cd</p></main><p>ef</p>");
        let tags = blocks.list[0].containers.map(|container| {
            (
                dom.tag(blocks.elements.get(container.element).node).unwrap_or_default(),
                container.sums.characters,
            )
        });
        assert_eq!(tags, [("p", 2), ("main", 4), ("body", 6), ("body", 6)]);
    }

    #[test]
    fn like_siblings_are_counted_over_all_wrappers() {
        let (_, blocks) =
            blocks("<div><section><p>a</p></section></div><div><section><p>b</p></section></div>");
        let container = blocks.list[1].containers[0];
        assert_eq!(
            (container.alike, container.alike_before),
            (2, 1),
            "of the div, two levels above the text"
        );
    }

    #[test]
    fn ancestors_are_the_first_with_enough_text() {
        let (_, blocks) = blocks("<div><div><p>ab</p><p>cd</p></div><p>efg</p></div>");
        let of = |enough: u32| ancestor(&blocks, &blocks.list[0], |sums| sums.characters >= enough);
        assert_eq!(of(1), Ancestor { steps: 0.0, characters: 2 });
        assert_eq!(of(3), Ancestor { steps: 1.0, characters: 4 });
        assert_eq!(of(5), Ancestor { steps: 2.0, characters: 7 });
        assert_eq!(of(99), Ancestor { steps: 3.0, characters: 7 }, "the body, when nothing is enough");
    }

    #[test]
    fn far_ancestors_are_all_the_same() {
        let (_, blocks) = blocks(&("<div>".repeat(100) + "a" + &"</div>".repeat(100) + "b"));
        assert_eq!(ancestor(&blocks, &blocks.list[0], |sums| sums.characters > 1).steps, MAX_DISTANCE as f32);
    }

    #[test]
    fn steps_to_the_common_element() {
        let (_, blocks) = blocks("<div><ul><li>a</li><li>b</li></ul><p>c</p></div><h1>d</h1>");
        let steps = |from: usize, to: usize| steps_to_common(&blocks, &blocks.list[from], &blocks.list[to]);
        assert_eq!([steps(0, 0), steps(0, 1), steps(0, 2), steps(0, 3)], [0.0, 1.0, 2.0, 3.0]);
        assert_eq!([steps(2, 0), steps(3, 0)], [1.0, 1.0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// The steps are those to the first element on both ways up, compared element by element.
        #[test]
        fn steps_are_those_of_the_definition(html in markup()) {
            let (_, blocks) = blocks(&html);
            let way_up = |block: &Block| {
                let parent = |number: &u32| {
                    let parent = blocks.elements.get(*number).parent;
                    (parent != *number).then_some(parent)
                };
                std::iter::successors(Some(block.container), parent).collect::<Vec<u32>>()
            };
            for block in &blocks.list {
                for other in &blocks.list {
                    let around_other = way_up(other);
                    let expected = way_up(block).iter().position(|number| around_other.contains(number));
                    let expected = expected.map_or(f32::NAN, |steps| steps.min(MAX_DISTANCE) as f32);
                    prop_assert_eq!(steps_to_common(&blocks, block, other), expected);
                }
            }
        }
    }
}
