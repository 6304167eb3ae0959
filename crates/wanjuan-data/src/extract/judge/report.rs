//! [`report`]: what became of each block, in words for people.

use super::fragment::is_fragment;
use super::near::Near;
use super::selection::Selection;
use crate::extract::dom::{Dom, NodeId, Slot};
use crate::extract::explanation::BlockReport;

/// Number of slots that a reason names.
const MAX_WORDS: usize = 3;

/// Tags and kinds of names that are given as reasons: those that speak of something else than content.
const TELLING: &[Slot] = &[
    Slot::Nav,
    Slot::NamedNav,
    Slot::Footer,
    Slot::NamedFooter,
    Slot::Aside,
    Slot::Header,
    Slot::NamedHeader,
    Slot::Form,
    Slot::NamedForm,
    Slot::Hidden,
    Slot::NamedHidden,
    Slot::Button,
    Slot::NamedButton,
    Slot::Noscript,
    Slot::NamedComment,
    Slot::NamedShare,
    Slot::NamedRelated,
    Slot::NamedSidebar,
    Slot::NamedWidget,
    Slot::NamedAdvert,
    Slot::NamedCookie,
    Slot::NamedModal,
    Slot::NamedLogin,
    Slot::NamedNewsletter,
    Slot::NamedSearch,
    Slot::NamedPager,
    Slot::NamedCart,
    Slot::NamedMeta,
    Slot::NamedAuthor,
    Slot::NamedTag,
];

/// Reports on the blocks of a page in order. Blocks of a fragment have no score, because no model judged them.
pub(crate) fn report(dom: &Dom, selection: &Selection) -> Vec<BlockReport> {
    let blocks = &selection.blocks;
    let is_fragment = is_fragment(blocks);
    let decisions = selection.scores.iter().zip(&selection.kept);
    let reports = blocks.list.iter().zip(decisions).map(|(block, (score, kept))| {
        let element = blocks.innermost(block);
        let reason = match (kept, nearby(&element.near), is_fragment) {
            (true, _, _) => String::new(),
            (false, words, _) if !words.is_empty() => format!("inside {}", words.join(", ")),
            (false, _, true) => "left out".to_owned(),
            (false, _, false) => "low score".to_owned(),
        };
        BlockReport {
            path: path(dom, element.node),
            text: blocks.text(dom, block).split_whitespace().collect::<Vec<_>>().join(" "),
            kept: *kept,
            reason,
            score: (!is_fragment).then(|| f64::from(*score)),
        }
    });
    reports.collect()
}

/// The nearest tags and names that speak against content, nearest first. The score decides; these words only name
/// what it probably saw.
fn nearby(near: &Near) -> Vec<&'static str> {
    let mut found: Vec<(u8, String, Slot)> = TELLING
        .iter()
        .filter(|slot| near.is_inside(**slot))
        .map(|slot| (near.steps(*slot), slot.column(), *slot))
        .collect();
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let mut words: Vec<&str> = Vec::new();
    for word in found.iter().map(|(_, _, slot)| slot.word()) {
        if !words.contains(&word) && words.len() < MAX_WORDS {
            words.push(word);
        }
    }
    words
}

/// The elements from the root to `id`, each with its id or first class: `html>body>div#main>p.lead`.
fn path(dom: &Dom, id: NodeId) -> String {
    let mut names: Vec<String> = std::iter::successors(Some(id), |id| dom.parent(*id))
        .filter(|id| dom.tag(*id).is_some())
        .map(|id| name_of(dom, id))
        .collect();
    names.reverse();
    names.join(">")
}

/// A tag with its id, else its first class.
fn name_of(dom: &Dom, id: NodeId) -> String {
    let first = |name| dom.attribute(id, name).and_then(|value| value.split_ascii_whitespace().next());
    let name = first("id").map(|name| format!("#{name}")).or(first("class").map(|name| format!(".{name}")));
    dom.tag(id).unwrap_or_default().to_owned() + &name.unwrap_or_default()
}

#[cfg(test)]
mod tests;
