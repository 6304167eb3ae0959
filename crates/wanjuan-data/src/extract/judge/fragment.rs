//! Pieces of a page: a feed entry, a fragment pasted into a file. The model judges whole pages, so it is not asked.

use super::blocks::{Block, Blocks};
use crate::extract::config::Mode;
use crate::extract::dom::Slot;

/// Greatest number of blocks of a fragment.
const MAX_BLOCKS: usize = 12;

/// Share of linked text from which a block of a fragment is a menu.
const MOSTLY_LINKS: f32 = 0.8;

/// What is never the content of a fragment.
const NEVER_CONTENT: &[Slot] = &[Slot::Hidden, Slot::Nav, Slot::Footer, Slot::Aside];

/// Names given to what surrounds content.
const AROUND_CONTENT: &[Slot] = &[
    Slot::NamedNav,
    Slot::NamedFooter,
    Slot::NamedComment,
    Slot::NamedShare,
    Slot::NamedRelated,
    Slot::NamedAdvert,
    Slot::NamedCookie,
    Slot::NamedLogin,
    Slot::NamedNewsletter,
    Slot::NamedModal,
    Slot::NamedPager,
];

/// Whether there are too few blocks for the model.
pub(crate) fn is_fragment(blocks: &Blocks) -> bool {
    blocks.list.len() <= MAX_BLOCKS
}

/// For each block of a fragment, whether it is kept. Hidden blocks and navigation are dropped, and so are menus and
/// what is named like the surroundings of content. Names count only if at least half of the text remains, because
/// some pages call everything `menu`. [`Mode::Recall`] ignores names and links.
pub(crate) fn keep_visible(blocks: &Blocks, mode: Mode) -> Vec<bool> {
    let inside = |block: &Block, slots: &[Slot]| blocks.innermost(block).near.is_inside_any(slots);
    let visible: Vec<bool> = blocks.list.iter().map(|block| !inside(block, NEVER_CONTENT)).collect();
    if mode == Mode::Recall {
        return visible;
    }
    let is_content =
        |block: &Block| !inside(block, AROUND_CONTENT) && block.text.link_density() < MOSTLY_LINKS;
    let content: Vec<bool> =
        blocks.list.iter().zip(&visible).map(|(block, visible)| *visible && is_content(block)).collect();
    if characters(blocks, &content) * 2 >= characters(blocks, &visible) { content } else { visible }
}

/// Characters of the blocks that are kept.
fn characters(blocks: &Blocks, kept: &[bool]) -> u32 {
    blocks.list.iter().zip(kept).filter(|(_, kept)| **kept).map(|(block, _)| block.text.characters).sum()
}
