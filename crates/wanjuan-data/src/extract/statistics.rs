//! Text and link lengths of every element, boilerplate left out.

use super::boilerplate::{Hint, hint};
use super::config::ExtractConfig;
use super::dom::{Dom, NodeId, WalkEvent};

/// What is below one node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Code points of text that are not white space.
    pub(super) text: u32,
    /// The part of `text` inside links.
    pub(super) linked: u32,
    /// Number of links.
    pub(super) links: u32,
    /// Commas of several scripts: a sign of prose.
    pub(super) commas: u32,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.text += other.text;
        self.linked += other.linked;
        self.links += other.links;
        self.commas += other.commas;
    }

    /// Share of the text that is inside links, 0 to 1.
    pub(super) fn link_density(self) -> f64 {
        if self.text == 0 { 0.0 } else { f64::from(self.linked) / f64::from(self.text) }
    }
}

/// Side tables over a [`Dom`].
#[derive(Debug)]
pub(super) struct Statistics {
    counts: Vec<Counts>,
    dropped: Vec<bool>,
}

impl Statistics {
    /// Counts text, marks boilerplate. An element that is only suspect stays when it holds most of the
    /// text of the page: some sites call their whole page `menu`.
    pub(super) fn collect(dom: &Dom, config: &ExtractConfig) -> Self {
        let mut hints = vec![Hint::Neutral; dom.len()];
        let mut all = Self { counts: vec![Counts::default(); dom.len()], dropped: vec![false; dom.len()] };
        let mut walk = dom.walk(dom.root());
        while let Some(event) = walk.next() {
            if let WalkEvent::Enter(id) = event {
                hints[id.index()] = hint(dom, id, config);
                if hints[id.index()] == Hint::Drop {
                    all.dropped[id.index()] = true;
                    walk.skip_children(id);
                }
            }
        }
        all.count(dom);
        let total = all.counts(dom.root()).text;
        for (index, hint) in hints.iter().enumerate() {
            if *hint == Hint::Suspect && u64::from(all.counts[index].text) * 2 < u64::from(total) {
                all.dropped[index] = true;
            }
        }
        all.count(dom);
        all
    }

    /// Recomputes the counts of all nodes that are not dropped.
    fn count(&mut self, dom: &Dom) {
        let (mut link_depth, mut code_depth) = (0_u32, 0_u32);
        let mut walk = dom.walk(dom.root());
        while let Some(event) = walk.next() {
            match event {
                WalkEvent::Enter(id) if self.dropped[id.index()] => {
                    self.counts[id.index()] = Counts::default();
                    walk.skip_children(id);
                }
                WalkEvent::Enter(id) => {
                    let link = dom.tag(id) == Some("a");
                    link_depth += u32::from(link);
                    code_depth += u32::from(is_code(dom, id));
                    let mut counts = dom.text(id).map_or_else(Counts::default, counts_of_text);
                    // Links inside code lead to definitions: they do not make it a menu.
                    counts.linked = if link_depth > 0 && code_depth == 0 { counts.text } else { 0 };
                    counts.links = u32::from(link && code_depth == 0);
                    self.counts[id.index()] = counts;
                }
                WalkEvent::Leave(id) => {
                    link_depth -= u32::from(dom.tag(id) == Some("a"));
                    code_depth -= u32::from(is_code(dom, id));
                    if let Some(parent) = dom.parent(id) {
                        let counts = self.counts[id.index()];
                        self.counts[parent.index()].add(counts);
                    }
                }
            }
        }
    }

    /// The counts of one node.
    pub(super) fn counts(&self, id: NodeId) -> Counts {
        self.counts[id.index()]
    }

    /// Whether the node, with all below it, is left out.
    pub(super) fn is_dropped(&self, id: NodeId) -> bool {
        self.dropped[id.index()]
    }

    /// Leaves the node out.
    pub(super) fn drop(&mut self, id: NodeId) {
        self.dropped[id.index()] = true;
    }

    /// Takes the node back in.
    pub(super) fn restore(&mut self, id: NodeId) {
        self.dropped[id.index()] = false;
    }
}

/// Code, and headings that are code in documentation.
fn is_code(dom: &Dom, id: NodeId) -> bool {
    match dom.tag(id) {
        None => false,
        Some("pre" | "code" | "samp" | "kbd") => true,
        Some(_) => dom.attribute(id, "class").is_some_and(|class| class.starts_with("code")),
    }
}

fn counts_of_text(text: &str) -> Counts {
    let mut counts = Counts::default();
    for c in text.chars() {
        counts.text += u32::from(!c.is_whitespace());
        counts.commas += u32::from(matches!(c, ',' | '，' | '、' | '،'));
    }
    counts
}
