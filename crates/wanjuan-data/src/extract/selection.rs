//! [`Selection`]: which blocks of a page are its content.
//!
//! Taken together are the blocks with the greatest expected F measure: with scores p and words w, the set S that
//! maximizes (1 + b^2) sum_S(w p) / (b^2 sum_all(w p) + sum_S(w)). The best set is always the k likeliest blocks
//! for some k (Jansche 2007, "A maximum expected utility framework for binary sequence labeling"), so the limit
//! fits itself to the page: a page of which little is sure is cut at a lower score. The mode sets b.

use super::block_model::{ScoredPage, scores};
use super::blocks::{Block, Blocks};
use super::config::{ExtractConfig, Mode};
use super::dom::{Dom, NodeId};
use super::elements::{FAR, Near, slot_names};
use super::explain::{BlockReport, path};
use super::page_type::PageType;
use super::render::stands_for_content;

/// What is kept of a page.
#[derive(Debug)]
pub(super) struct Selection {
    /// What kind of page it is.
    pub(super) page_type: PageType,
    /// The blocks of the page.
    pub(super) blocks: Blocks,
    /// For each block: how likely it is content, 0 to 1.
    pub(super) scores: Vec<f32>,
    /// For each block: whether it is kept.
    pub(super) kept: Vec<bool>,
    /// For each node: whether it is left out, with all below it.
    dropped: Vec<bool>,
}

impl Selection {
    /// Decides about a page.
    pub(super) fn of(dom: &Dom, config: &ExtractConfig) -> Self {
        let leave_out = |id| is_excluded(dom, id, &config.exclude_elements);
        let ScoredPage { blocks, scores, page_type } = scores(dom, &leave_out);
        let kept = match is_fragment(&blocks) {
            true => keep_visible(&blocks, config.mode),
            false => {
                let mut kept = keep_likeliest(&blocks, &scores, config.mode);
                comments_by_mode(&blocks, &mut kept, config.mode, page_type);
                kept
            }
        };
        let dropped = dropped_nodes(dom, &blocks, &kept);
        Self { page_type, blocks, scores, kept, dropped }
    }

    /// What became of each block.
    pub(super) fn report(&self, dom: &Dom) -> Vec<BlockReport> {
        let fragment = is_fragment(&self.blocks);
        let blocks = self.blocks.list.iter().zip(&self.scores).zip(&self.kept);
        let report = |((block, score), kept): ((&Block, &f32), &bool)| {
            let range = block.texts.start as usize..block.texts.end as usize;
            let text: String = self.blocks.texts[range].iter().filter_map(|id| dom.text(*id)).collect();
            let near = &self.blocks.elements.get(block.innermost).near;
            BlockReport {
                path: path(dom, self.blocks.elements.get(block.innermost).node),
                text: text.split_whitespace().collect::<Vec<_>>().join(" "),
                kept: *kept,
                reason: if *kept { String::new() } else { reason(near, fragment) },
                score: (!fragment).then(|| f64::from(*score)),
            }
        };
        blocks.map(report).collect()
    }

    /// Whether a node, and what is below it, may be part of the text.
    pub(super) fn keeps(&self, id: NodeId) -> bool {
        !self.dropped[id.index()]
    }
}

/// Weight of recall against precision in the expected F measure. Balanced is what the public page sets, taken
/// together, like best.
fn beta(mode: Mode) -> f64 {
    match mode {
        Mode::Precision => 0.5,
        Mode::Balanced => 0.8,
        Mode::Recall => 1.8,
    }
}

fn keep_likeliest(blocks: &Blocks, scores: &[f32], mode: Mode) -> Vec<bool> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    let words = |at: usize| f64::from(blocks.list[at].text.words) + 1e-3;
    let content = |at: usize| words(at) * f64::from(scores[at]);
    let total: f64 = (0..scores.len()).map(content).sum();
    let square = beta(mode).powi(2);
    let (mut words_taken, mut content_taken) = (0.0, 0.0);
    let (mut best, mut best_count) = (f64::NEG_INFINITY, 0);
    for (count, at) in order.iter().enumerate() {
        words_taken += words(*at);
        content_taken += content(*at);
        let expected = (1.0 + square) * content_taken / (square * total + words_taken);
        if expected > best {
            (best, best_count) = (expected, count + 1);
        }
    }
    let mut kept = vec![false; scores.len()];
    for at in &order[..best_count] {
        kept[*at] = true;
    }
    kept
}

/// Comments are content in a forum. Elsewhere precision leaves all of them out, recall takes all that read like
/// sentences, balanced goes by the scores.
fn comments_by_mode(blocks: &Blocks, kept: &mut [bool], mode: Mode, page_type: PageType) {
    if mode == Mode::Balanced || page_type == PageType::Forum {
        return;
    }
    let comment = slot_names().position(|name| name == "near-word-comment");
    let is_comment =
        |block: &Block| comment.is_some_and(|slot| blocks.elements.get(block.innermost).near[slot] < FAR);
    let characters = |comments: bool, kept: &[bool]| -> u32 {
        let of = |(block, kept): (&Block, &bool)| {
            if *kept && is_comment(block) == comments { block.text.characters } else { 0 }
        };
        blocks.list.iter().zip(kept).map(of).sum()
    };
    // Where most of the content is called a comment, the name means something else.
    if characters(true, kept) > characters(false, kept) {
        return;
    }
    for (block, kept) in blocks.list.iter().zip(kept).filter(|(block, _)| is_comment(block)) {
        *kept = mode == Mode::Recall && (*kept || block.text.is_prose());
    }
}

/// Pages of so few blocks are pieces of a page (a feed entry, a fragment pasted into a file): no model of whole
/// pages can judge them.
const FRAGMENT_BLOCKS: usize = 12;

/// For people: the nearest tags and class words that speak of something else than content. The score is the
/// reason, this says what the score mostly saw.
fn reason(near: &Near, fragment: bool) -> String {
    let telling = |name: &&String| {
        let word = name.rsplit('-').next().unwrap_or_default();
        TELLING.contains(&word)
    };
    let names: Vec<String> = slot_names().collect();
    let mut found: Vec<(u8, &String)> =
        near.iter().copied().zip(&names).filter(|(steps, name)| *steps < FAR && telling(name)).collect();
    found.sort();
    let mut words: Vec<&str> = Vec::new();
    for word in found.iter().filter_map(|(_, name)| name.rsplit('-').next()) {
        if !words.contains(&word) && words.len() < 3 {
            words.push(word);
        }
    }
    match (words.is_empty(), fragment) {
        (false, _) => format!("inside {}", words.join(", ")),
        (true, true) => "left out".to_owned(),
        (true, false) => "low score".to_owned(),
    }
}

/// Tags and kinds of class words that are told as reasons.
const TELLING: &[&str] = &[
    "nav",
    "footer",
    "aside",
    "header",
    "form",
    "hidden",
    "button",
    "noscript",
    "comment",
    "share",
    "related",
    "sidebar",
    "widget",
    "advert",
    "cookie",
    "modal",
    "login",
    "newsletter",
    "search",
    "pager",
    "cart",
    "meta",
    "author",
    "tag",
];

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

fn is_fragment(blocks: &Blocks) -> bool {
    blocks.list.len() <= FRAGMENT_BLOCKS
}

/// Of a fragment everything is kept that is neither hidden nor navigation, nor named as something around the
/// content. Names count only while they leave half of the text: some pages call everything `menu`.
fn keep_visible(blocks: &Blocks, mode: Mode) -> Vec<bool> {
    let names: Vec<String> = slot_names().collect();
    let slots = |wanted: &[&str]| -> Vec<usize> {
        (0..names.len()).filter(|slot| wanted.contains(&names[*slot].as_str())).collect()
    };
    let (never, around) = (slots(NEVER_CONTENT), slots(AROUND_CONTENT));
    let inside = |block: &Block, slots: &[usize]| {
        let near = &blocks.elements.get(block.innermost).near;
        slots.iter().any(|slot| near[*slot] < FAR)
    };
    let visible: Vec<bool> = blocks.list.iter().map(|block| !inside(block, &never)).collect();
    if mode == Mode::Recall {
        return visible;
    }
    let unnamed = |(block, visible): (&Block, &bool)| {
        *visible && !inside(block, &around) && block.text.link_density() < MOSTLY_LINKS
    };
    let content: Vec<bool> = blocks.list.iter().zip(&visible).map(unnamed).collect();
    let characters = |kept: &[bool]| -> u32 {
        blocks.list.iter().zip(kept).filter(|(_, kept)| **kept).map(|(block, _)| block.text.characters).sum()
    };
    if characters(&content) * 2 >= characters(&visible) { content } else { visible }
}

/// Share of linked text from which a block of a fragment is a menu.
const MOSTLY_LINKS: f32 = 0.8;

/// Slots of what is never the content of a fragment.
const NEVER_CONTENT: &[&str] = &["near-tag-hidden", "near-tag-nav", "near-tag-footer", "near-tag-aside"];

/// Slots of names of what stands around content.
const AROUND_CONTENT: &[&str] = &[
    "near-word-nav",
    "near-word-footer",
    "near-word-comment",
    "near-word-share",
    "near-word-related",
    "near-word-advert",
    "near-word-cookie",
    "near-word-login",
    "near-word-newsletter",
    "near-word-modal",
    "near-word-pager",
];

/// Text nodes of blocks that are not kept, and elements that hold text but none that is kept. What holds no text
/// (a picture, a line break, an empty cell) goes with what is around it.
fn dropped_nodes(dom: &Dom, blocks: &Blocks, kept: &[bool]) -> Vec<bool> {
    let mut dropped = vec![false; dom.len()];
    for unseen in &blocks.unseen {
        dropped[unseen.index()] = !stands_for_content(dom, *unseen);
    }
    let mut holds_kept = vec![false; blocks.elements.len()];
    for (block, kept) in blocks.list.iter().zip(kept) {
        if *kept {
            holds_kept[block.container as usize] = true;
        } else {
            for text in &blocks.texts[block.texts.start as usize..block.texts.end as usize] {
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
