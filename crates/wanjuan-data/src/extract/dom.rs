//! [`Dom`]: a parsed page in one arena, visited without recursion.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::rc::Rc;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, LocalName, QualName, TokenizerResult};

use super::attribute_limit::limit_attributes;
use super::depth_limit::DepthLimit;
use super::dom_builder::Builder;
use super::raw_text::{RawTextPause, skip_raw_text};

/// Place of a node in its [`Dom`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(NonZeroU32);

impl NodeId {
    /// Dense number from 0, for side tables.
    #[must_use]
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    pub(super) fn from_index(index: usize) -> Self {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        Self(number.expect("a page has fewer than 2^32 nodes"))
    }
}

#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) parent: Option<NodeId>,
    pub(super) previous: Option<NodeId>,
    pub(super) next: Option<NodeId>,
    pub(super) first: Option<NodeId>,
    pub(super) last: Option<NodeId>,
    /// Levels below the document when it was put there.
    pub(super) depth: u32,
    pub(super) data: NodeData,
}

#[derive(Debug, Default)]
pub(super) enum NodeData {
    /// The document, a comment, a doctype, the content of a template.
    #[default]
    Other,
    Text(StrTendril),
    Element(Box<Element>),
}

#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: QualName,
    pub(super) attributes: Vec<Attribute>,
    pub(super) template: Option<NodeId>,
}

/// A parsed page.
#[derive(Debug)]
pub struct Dom {
    pub(super) nodes: Vec<Node>,
}

impl Dom {
    /// Parses a whole page, with scripting off so that `noscript` is content.
    #[must_use]
    pub fn parse(html: &str) -> Self {
        let nodes = Vec::with_capacity(html.len() / 24 + 16);
        let depth = Rc::new(Cell::new(0));
        let builder = Builder { nodes: RefCell::new(nodes), depth: Rc::clone(&depth) };
        builder.push(NodeData::Other);
        let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
        // html5ever logs parse errors of the page, which is not our log's business.
        let silent = tracing::subscriber::NoSubscriber::default();
        tracing::subscriber::with_default(silent, || {
            let sink = DepthLimit::new(RawTextPause::new(TreeBuilder::new(builder, tree_builder)), depth);
            let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
            let input = BufferQueue::default();
            input.push_back(StrTendril::from_slice(&limit_attributes(html)));
            // Encoding labels and the ends of scripts interrupt the tokenizer too; neither concerns us.
            while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {
                if let Some(element) = tokenizer.sink.sink.paused() {
                    skip_raw_text(&input, element, |text| {
                        tokenizer.sink.sink.sink.sink.append_raw_text(text)
                    });
                }
            }
            tokenizer.end();
            tokenizer.sink.sink.sink.sink.finish()
        })
    }

    /// The document node.
    #[must_use]
    pub fn root(&self) -> NodeId {
        NodeId::from_index(0)
    }

    /// The `body` element.
    pub(super) fn body(&self) -> Option<NodeId> {
        let html = self.children(self.root()).find(|id| self.tag(*id) == Some("html"))?;
        self.children(html).find(|id| self.tag(*id) == Some("body"))
    }

    /// Number of nodes: side tables have this length.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node; never for a parsed page.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The parent, `None` for the document and for detached nodes.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.nodes[id.index()].parent
    }

    /// The children in order.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.nodes[id.index()].first, |id| self.nodes[id.index()].next)
    }

    /// Lower-case tag name; `None` for what is not an element.
    #[must_use]
    pub fn tag(&self, id: NodeId) -> Option<&str> {
        match &self.nodes[id.index()].data {
            NodeData::Element(element) => Some(&element.name.local),
            _ => None,
        }
    }

    /// The text of a text node.
    #[must_use]
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match &self.nodes[id.index()].data {
            NodeData::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An attribute of an element.
    #[must_use]
    pub fn attribute(&self, id: NodeId, name: &str) -> Option<&str> {
        match &self.nodes[id.index()].data {
            NodeData::Element(element) => {
                element.attributes.iter().find(|one| &*one.name.local == name).map(|one| &*one.value)
            }
            _ => None,
        }
    }

    /// The name of an element, interned; `None` for what is not an element.
    pub(super) fn local_name(&self, id: NodeId) -> Option<&LocalName> {
        match &self.nodes[id.index()].data {
            NodeData::Element(element) => Some(&element.name.local),
            _ => None,
        }
    }

    /// Name and value of every attribute of an element.
    pub(super) fn attributes(&self, id: NodeId) -> impl Iterator<Item = (&LocalName, &str)> {
        let attributes = match &self.nodes[id.index()].data {
            NodeData::Element(element) => element.attributes.as_slice(),
            _ => &[],
        };
        attributes.iter().map(|one| (&one.name.local, &*one.value))
    }

    /// Visits `root` and everything below it, entering and leaving each node.
    #[must_use]
    pub fn walk(&self, root: NodeId) -> Walk<'_> {
        Walk { dom: self, root, next: Some(WalkEvent::Enter(root)) }
    }

    /// All text below `root`, white space as in the source.
    #[must_use]
    pub fn text_below(&self, root: NodeId) -> String {
        let texts = self.walk(root).filter_map(|event| match event {
            WalkEvent::Enter(id) => self.text(id),
            WalkEvent::Leave(_) => None,
        });
        texts.collect()
    }
}

/// One step of a [`Walk`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WalkEvent {
    /// Before the children of a node.
    Enter(NodeId),
    /// After them.
    Leave(NodeId),
}

/// A depth-first visit without recursion or stack.
#[derive(Debug)]
pub struct Walk<'a> {
    dom: &'a Dom,
    root: NodeId,
    next: Option<WalkEvent>,
}

impl Walk<'_> {
    /// After `Enter(id)` was given: leaves out the children and the `Leave` of that node.
    pub fn skip_children(&mut self, id: NodeId) {
        self.next = self.after(id);
    }

    fn after(&self, id: NodeId) -> Option<WalkEvent> {
        if id == self.root {
            return None;
        }
        let node = &self.dom.nodes[id.index()];
        node.next.map(WalkEvent::Enter).or_else(|| node.parent.map(WalkEvent::Leave))
    }
}

impl Iterator for Walk<'_> {
    type Item = WalkEvent;

    fn next(&mut self) -> Option<WalkEvent> {
        let event = self.next?;
        self.next = match event {
            WalkEvent::Enter(id) => {
                let first = self.dom.nodes[id.index()].first;
                Some(first.map_or(WalkEvent::Leave(id), WalkEvent::Enter))
            }
            WalkEvent::Leave(id) => self.after(id),
        };
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walk_enters_and_leaves_in_document_order() {
        let dom = Dom::parse("<p>a<b>b</b>c</p><p>d");
        let tags: Vec<String> = dom
            .walk(dom.root())
            .map(|event| match event {
                WalkEvent::Enter(id) => dom.tag(id).or(dom.text(id)).unwrap_or("#").to_owned(),
                WalkEvent::Leave(id) => format!("/{}", dom.tag(id).unwrap_or("")),
            })
            .collect();
        let expected = "# html head /head body p a / b b / /b c / /p p d / /p /body /html /";
        assert_eq!(tags.join(" "), expected);
    }

    #[test]
    fn misnested_tags_are_repaired_in_place() {
        let dom = Dom::parse("<table>before<tr><td>x</table><b><p>y</b>z</p>");
        assert_eq!(dom.text_below(dom.root()), "beforexyz");
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let html = "<i>".repeat(20_000) + "deep";
        let dom = Dom::parse(&html);
        assert_eq!(dom.text_below(dom.root()), "deep");
    }
}
