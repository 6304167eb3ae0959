//! Which element holds the content.
//!
//! Pages that say so themselves (`articleBody`, `<article>`, `<main>`, well-known class names) are believed
//! when the element holds enough text. Otherwise paragraphs vote for the elements around them, after
//! Readability (Arc90, 2009): a paragraph scores 1 + its commas + its length / 100 (at most 3), its parent
//! takes all of that and its grandparent half, and the sum shrinks with the share of linked text.

use super::dom::{Dom, NodeId, WalkEvent};
use super::statistics::Statistics;

/// Text an element must hold before its own claim is believed, in non-space characters.
const ENOUGH_TEXT: u32 = 200;

/// Class and id names of content, most telling first.
const CONTENT_NAMES: &[&str] = &[
    "article-body",
    "articlebody",
    "article__body",
    "article-content",
    "article-text",
    "story-body",
    "post-content",
    "entry-content",
    "post-body",
    "entry",
    "post-text",
    "blog-content",
    "story-content",
    "page-content",
    "main-content",
    "content-main",
    "maincontent",
    "td-post-content",
    "mw-content-text",
    "bodycontent",
    "content-body",
    "text-content",
    "artikel",
    "article",
    "post",
    "content",
];

/// The root of the content; the body when nothing stands out.
pub(super) fn find(dom: &Dom, statistics: &Statistics) -> NodeId {
    let body = body(dom).unwrap_or_else(|| dom.root());
    let total = statistics.counts(body).text;
    let enough = ENOUGH_TEXT.min(total / 3).max(1);
    by_property(dom, statistics, body)
        .filter(|id| statistics.counts(*id).text >= enough)
        .or_else(|| by_element(dom, statistics, body).filter(|id| statistics.counts(*id).text >= enough))
        .map(|id| by_name_inside(dom, statistics, id).unwrap_or(id))
        .or_else(|| by_name_inside(dom, statistics, body))
        .or_else(|| by_votes(dom, statistics, body))
        .unwrap_or(body)
}

fn elements<'a>(dom: &'a Dom, statistics: &'a Statistics, root: NodeId) -> impl Iterator<Item = NodeId> + 'a {
    let mut walk = dom.walk(root);
    std::iter::from_fn(move || {
        loop {
            match walk.next()? {
                WalkEvent::Enter(id) if statistics.is_dropped(id) => walk.skip_children(id),
                WalkEvent::Enter(id) if dom.tag(id).is_some() => return Some(id),
                _ => {}
            }
        }
    })
}

fn body(dom: &Dom) -> Option<NodeId> {
    let html = dom.children(dom.root()).find(|id| dom.tag(*id) == Some("html"))?;
    dom.children(html).find(|id| dom.tag(*id) == Some("body"))
}

/// schema.org's `articleBody`.
fn by_property(dom: &Dom, statistics: &Statistics, body: NodeId) -> Option<NodeId> {
    elements(dom, statistics, body)
        .filter(|id| dom.attribute(*id, "itemprop").is_some_and(|value| value.contains("articleBody")))
        .max_by_key(|id| (statistics.counts(*id).text, std::cmp::Reverse(*id)))
}

/// The longest `<article>` when it outweighs the others, else `<main>`, else what holds the articles.
fn by_element(dom: &Dom, statistics: &Statistics, body: NodeId) -> Option<NodeId> {
    let text = |id: &NodeId| statistics.counts(*id).text;
    let articles: Vec<NodeId> =
        elements(dom, statistics, body).filter(|id| dom.tag(*id) == Some("article")).collect();
    let longest = articles.iter().copied().max_by_key(|id| (text(id), std::cmp::Reverse(*id)));
    let main = elements(dom, statistics, body)
        .find(|id| dom.tag(*id) == Some("main") || dom.attribute(*id, "role") == Some("main"));
    let outer: u32 = articles.iter().filter(|id| !is_inside(dom, **id, &articles)).map(text).sum();
    let in_main = main.map_or(0, |id| text(&id));
    match (longest, main) {
        (Some(article), _) if text(&article) * 2 > outer && text(&article) * 3 > in_main => Some(article),
        (_, Some(main)) => Some(main),
        (Some(article), None) => dom.parent(article),
        (None, None) => None,
    }
}

fn is_inside(dom: &Dom, id: NodeId, others: &[NodeId]) -> bool {
    std::iter::successors(dom.parent(id), |id| dom.parent(*id)).any(|outer| others.contains(&outer))
}

/// An element named like content that holds most of the text of `root`.
fn by_name_inside(dom: &Dom, statistics: &Statistics, root: NodeId) -> Option<NodeId> {
    let total = statistics.counts(root).text;
    let rank = |id: NodeId| {
        let names = [dom.attribute(id, "class"), dom.attribute(id, "id")];
        let names = names.into_iter().flatten().flat_map(str::split_ascii_whitespace);
        names.filter_map(|name| CONTENT_NAMES.iter().position(|one| name.eq_ignore_ascii_case(one))).min()
    };
    elements(dom, statistics, root)
        .filter(|id| matches!(dom.tag(*id), Some("div" | "section" | "td" | "article" | "main")))
        .filter(|id| statistics.counts(*id).text * 2 > total && statistics.counts(*id).text >= ENOUGH_TEXT)
        .filter_map(|id| rank(id).map(|rank| (rank, id)))
        .min()
        .map(|(_, id)| id)
}

/// The element with the best score by its paragraphs.
fn by_votes(dom: &Dom, statistics: &Statistics, body: NodeId) -> Option<NodeId> {
    let mut scores = vec![0.0_f64; dom.len()];
    for id in elements(dom, statistics, body) {
        let counts = statistics.counts(id);
        if !matches!(dom.tag(id), Some("p" | "pre" | "blockquote" | "td" | "li")) || counts.text < 25 {
            continue;
        }
        let vote = 1.0 + f64::from(counts.commas) + (f64::from(counts.text) / 100.0).min(3.0);
        let vote = vote * (1.0 - counts.link_density());
        let mut share = 1.0;
        for outer in std::iter::successors(dom.parent(id), |id| dom.parent(*id)).take(3) {
            scores[outer.index()] += vote * share;
            share /= 2.0;
        }
    }
    let score = |id: NodeId| scores[id.index()] * (1.0 - statistics.counts(id).link_density());
    let best =
        elements(dom, statistics, body).max_by(|a, b| score(*a).total_cmp(&score(*b)).then(b.cmp(a)))?;
    if score(best) < 3.0 {
        return None;
    }
    // Siblings that hold content too: then the parent is the root.
    let mut root = best;
    while let Some(parent) = dom.parent(root).filter(|parent| *parent != body && dom.tag(*parent).is_some()) {
        if score(parent) < 0.6 * score(best) {
            break;
        }
        root = parent;
    }
    Some(root)
}
