//! [`Dom`]: a parsed page in one arena, visited without recursion.
//!
//! Nodes are linked by their numbers (parent, siblings, first and last child). A [`Walk`] follows these links, so
//! it needs neither recursion nor a stack, and nesting depth cannot overflow anything.

use std::num::NonZeroU32;

use html5ever::tendril::StrTendril;
use html5ever::{Attribute, LocalName, QualName};

use super::tag::{Role, Tag};

/// Identifies a node within its [`Dom`]; meaningless in any other.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(NonZeroU32);

impl NodeId {
    /// Dense number from 0, the index into tables of [`Dom::len`] entries.
    #[must_use]
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    pub(crate) fn from_index(index: usize) -> Self {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        Self(number.expect("a page has fewer than 2^32 nodes"))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) parent: Option<NodeId>,
    pub(crate) previous: Option<NodeId>,
    pub(crate) next: Option<NodeId>,
    pub(crate) first: Option<NodeId>,
    pub(crate) last: Option<NodeId>,
    /// Levels below the document when the node was inserted.
    pub(crate) depth: u32,
    pub(crate) data: NodeData,
}

#[derive(Debug, Default)]
pub(crate) enum NodeData {
    /// The document, a comment, a doctype, or the root of a template's content.
    #[default]
    Other,
    Text(StrTendril),
    Element(Box<Element>),
}

#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: QualName,
    /// What the name means, looked up once.
    pub(crate) tag: Tag,
    pub(crate) attributes: Vec<Attribute>,
    /// Root of the content of a `template`, which is not part of the page.
    pub(crate) template: Option<NodeId>,
}

/// A parsed page: a tree of elements and texts, with every broken tag repaired.
///
/// ```
/// use wanjuan_data::extract::Dom;
///
/// let dom = Dom::parse("<p>one <b>two</p>");
/// assert_eq!(dom.text_below(dom.root()), "one two");
/// ```
#[derive(Debug)]
pub struct Dom {
    pub(crate) nodes: Vec<Node>,
}

impl Dom {
    /// The document node, the ancestor of every attached node.
    #[must_use]
    pub fn root(&self) -> NodeId {
        NodeId::from_index(0)
    }

    /// The `body` element; `None` for a page of frames.
    pub(crate) fn body(&self) -> Option<NodeId> {
        let html = self.children(self.root()).find(|id| self.tag(*id) == Some("html"))?;
        self.children(html).find(|id| self.tag(*id) == Some("body"))
    }

    /// Number of nodes, attached or not: the length of tables indexed by [`NodeId::index`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Always `false` for a parsed page, which has at least its document node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The parent; `None` for the document and for detached nodes.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.nodes[id.index()].parent
    }

    /// The children in document order.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.nodes[id.index()].first, |id| self.nodes[id.index()].next)
    }

    /// Tag name in lower case; `None` for a node that is not an element.
    #[must_use]
    pub fn tag(&self, id: NodeId) -> Option<&str> {
        match &self.nodes[id.index()].data {
            NodeData::Element(element) => Some(&element.name.local),
            _ => None,
        }
    }

    /// The text of a text node, white space as in the source; `None` for other nodes.
    #[must_use]
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match &self.nodes[id.index()].data {
            NodeData::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of an attribute, empty if it is given without one; `None` if the element does not have it.
    #[must_use]
    pub fn attribute(&self, id: NodeId, name: &str) -> Option<&str> {
        match &self.nodes[id.index()].data {
            NodeData::Element(element) => {
                element.attributes.iter().find(|one| &*one.name.local == name).map(|one| &*one.value)
            }
            _ => None,
        }
    }

    /// Interned tag name, fast to compare; `None` for a node that is not an element.
    pub(crate) fn local_name(&self, id: NodeId) -> Option<&LocalName> {
        match &self.nodes[id.index()].data {
            NodeData::Element(element) => Some(&element.name.local),
            _ => None,
        }
    }

    /// What the tag of an element means; a node that is not an element has none.
    pub(crate) fn meaning(&self, id: NodeId) -> Option<Tag> {
        match &self.nodes[id.index()].data {
            NodeData::Element(element) => Some(element.tag),
            _ => None,
        }
    }

    /// How an element is rendered; [`Role::Inline`] for a node that is not an element.
    pub(crate) fn role(&self, id: NodeId) -> Role {
        self.meaning(id).map_or(Role::Inline, |tag| tag.role)
    }

    /// Name and value of every attribute of an element, in source order.
    pub(crate) fn attributes(&self, id: NodeId) -> impl Iterator<Item = (&LocalName, &str)> {
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

    /// All text below `root`, concatenated, white space as in the source.
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
    /// The walk is at a node, before its children.
    Enter(NodeId),
    /// The walk has visited all children of the node.
    Leave(NodeId),
}

/// A depth-first visit without recursion or a stack; see [`Dom::walk`].
#[derive(Debug)]
pub struct Walk<'a> {
    dom: &'a Dom,
    root: NodeId,
    next: Option<WalkEvent>,
}

impl Walk<'_> {
    /// Call right after `Enter(id)`: skips the children of `id` and its `Leave`.
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
mod tests;
