//! The containers around a block, and how far away others are in the tree.

use super::blocks::{Block, Blocks};
use super::elements::{Elements, Sums};

/// Containers around a block that are looked at.
pub(super) const LEVELS: usize = 4;

/// Elements that are looked at on the way up: pages of more nesting are not written by people.
const MAX_STEPS: usize = 600;

/// Distances beyond this are all the same.
const MAX_DISTANCE: usize = 30;

/// A container of a block with what it adds to the ones inside.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Container {
    pub(super) sums: Sums,
    /// Greatest number of like siblings among the wrappers it stands for.
    pub(super) alike: u16,
    /// Greatest number of like siblings before them.
    pub(super) alike_before: u16,
    /// Number of the innermost of these.
    pub(super) element: u32,
}

/// The containers of a block, whose block-level element is number `container`, from the inside, each with more text than the one before; wrappers around the
/// same text count as one. Where there are no more, the last is repeated.
pub(super) fn containers(elements: &Elements, container: u32) -> [Container; LEVELS] {
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

/// Steps up to the first element around a block that is `enough`, and its characters.
pub(super) fn ancestor(blocks: &Blocks, block: &Block, enough: impl Fn(Sums) -> bool) -> (f32, u32) {
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
    (steps.min(MAX_DISTANCE) as f32, blocks.elements.get(number).sums.characters)
}

/// Steps up from a block to the first element that is around `other` too.
pub(super) fn steps_to_common(blocks: &Blocks, block: &Block, other: &Block) -> f32 {
    let (mut number, mut target) = (block.container, other.container);
    let mut steps = 0;
    for _ in 0..2 * MAX_STEPS {
        // Elements are numbered in document order: the later one cannot be around the earlier one.
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

/// Blocks with the same tags and classes around them share a path.
pub(super) fn path_of(blocks: &Blocks, block: &Block) -> u64 {
    blocks.elements.get(block.innermost).signature
}
