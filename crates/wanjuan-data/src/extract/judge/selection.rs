//! [`Selection`]: which blocks of a page are its content, and so which nodes are rendered.

use super::blocks::{Block, Blocks};
use super::expected_f::{Candidate, keep_best};
use super::fragment::{is_fragment, keep_visible};
use super::model::{ScoredPage, score};
use super::page_type::PageType;
use crate::extract::config::{ExtractConfig, Mode};
use crate::extract::dom::{Dom, NodeId, Slot};
use crate::extract::formula::is_math_script;

/// Words added to each block, so that a block of none still has a weight.
const WORDS_OF_A_BLOCK: f64 = 1e-3;

/// The decision about a page.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The most probable type of the page.
    pub(crate) page_type: PageType,
    /// The blocks of the page.
    pub(crate) blocks: Blocks,
    /// For each block, the probability that it is content.
    pub(crate) scores: Vec<f32>,
    /// For each block, whether it is kept.
    pub(crate) kept: Vec<bool>,
    /// For each node, whether it is left out with everything below it.
    dropped: Vec<bool>,
}

impl Selection {
    /// Judges a page.
    pub(crate) fn of(dom: &Dom, config: &ExtractConfig) -> Self {
        let leave_out = |id| is_excluded(dom, id, &config.exclude_elements);
        let ScoredPage { blocks, scores, page_type } = score(dom, &leave_out);
        let kept = if is_fragment(&blocks) {
            keep_visible(&blocks, config.mode)
        } else {
            let mut kept = keep_best(&candidates(&blocks, &scores), beta(config.mode));
            comments_by_mode(&blocks, &mut kept, config.mode, page_type);
            kept
        };
        let dropped = dropped_nodes(dom, &blocks, &kept);
        Self { page_type, blocks, scores, kept, dropped }
    }

    /// Whether a node, and what is below it, may be part of the text.
    pub(crate) fn keeps(&self, id: NodeId) -> bool {
        !self.dropped[id.index()]
    }
}

/// Weight of recall against precision. The value of `Balanced` is the one that is best on the public page sets
/// taken together.
fn beta(mode: Mode) -> f64 {
    match mode {
        Mode::Precision => 0.5,
        Mode::Balanced => 0.8,
        Mode::Recall => 1.8,
    }
}

fn candidates(blocks: &Blocks, scores: &[f32]) -> Vec<Candidate> {
    let candidate = |(block, score): (&Block, &f32)| Candidate {
        words: f64::from(block.text.words) + WORDS_OF_A_BLOCK,
        probability: f64::from(*score),
    };
    blocks.list.iter().zip(scores).map(candidate).collect()
}

/// Comments are content in a forum. Elsewhere [`Mode::Precision`] drops all of them, [`Mode::Recall`] keeps all
/// that read like sentences, and [`Mode::Balanced`] leaves it to the scores.
fn comments_by_mode(blocks: &Blocks, kept: &mut [bool], mode: Mode, page_type: PageType) {
    if mode == Mode::Balanced || page_type == PageType::Forum {
        return;
    }
    let is_comment = |block: &Block| blocks.innermost(block).near.is_inside(Slot::NamedComment);
    let (mut comments, mut others) = (0, 0);
    for (block, _) in blocks.list.iter().zip(kept.iter()).filter(|(_, kept)| **kept) {
        let sum = if is_comment(block) { &mut comments } else { &mut others };
        *sum += block.text.characters;
    }
    // Where most of the content is called a comment, the name means something else.
    if comments > others {
        return;
    }
    for (block, kept) in blocks.list.iter().zip(kept).filter(|(block, _)| is_comment(block)) {
        *kept = mode == Mode::Recall && (*kept || block.text.is_prose());
    }
}

/// Whether the user wants an element left out: `tag.class`, `.class` or `#id`.
fn is_excluded(dom: &Dom, id: NodeId, selectors: &[String]) -> bool {
    selectors.iter().any(|selector| {
        if let Some(wanted) = selector.strip_prefix('#') {
            return dom.attribute(id, "id") == Some(wanted);
        }
        let (wanted_tag, class) = selector.split_once('.').unwrap_or((selector, ""));
        let classes = dom.attribute(id, "class").unwrap_or_default();
        (wanted_tag.is_empty() || dom.tag(id) == Some(wanted_tag))
            && (class.is_empty() || classes.split_ascii_whitespace().any(|one| one == class))
    })
}

/// For each node, whether it is left out: text nodes of blocks that are not kept, and elements that contain text but
/// none that is kept. Elements without text (a picture, a line break, an empty cell) share the fate of what is
/// around them. Formulas in scripts are kept, although a script is never text itself.
fn dropped_nodes(dom: &Dom, blocks: &Blocks, kept: &[bool]) -> Vec<bool> {
    let mut dropped = vec![false; dom.len()];
    for unseen in &blocks.unseen {
        dropped[unseen.index()] = !is_math_script(dom, *unseen);
    }
    let mut holds_kept = vec![false; blocks.elements.len()];
    for (block, kept) in blocks.list.iter().zip(kept) {
        if *kept {
            holds_kept[block.container as usize] = true;
        } else {
            for text in blocks.nodes(block) {
                dropped[text.index()] = true;
            }
        }
    }
    for number in (0..blocks.elements.len() as u32).rev() {
        let element = blocks.elements.get(number);
        if holds_kept[number as usize] {
            holds_kept[element.parent as usize] = true;
        } else if element.sums.characters > 0 {
            dropped[element.node.index()] = true;
        }
    }
    dropped
}

#[cfg(test)]
mod tests;
