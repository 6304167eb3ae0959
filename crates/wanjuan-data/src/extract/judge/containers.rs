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
