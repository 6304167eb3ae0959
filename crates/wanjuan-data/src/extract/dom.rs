//! [`Dom`]: a parsed page in one arena, behind html5ever's `TreeSink`; visited without recursion.

use std::borrow::Cow;
use std::cell::{Ref, RefCell};
use std::num::NonZeroU32;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, LocalName, QualName, TokenizerResult, local_name};

use super::depth_limit::DepthLimit;
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

    fn from_index(index: usize) -> Self {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        Self(number.expect("a page has fewer than 2^32 nodes"))
    }
}

#[derive(Debug, Default)]
struct Node {
    parent: Option<NodeId>,
    previous: Option<NodeId>,
    next: Option<NodeId>,
    first: Option<NodeId>,
    last: Option<NodeId>,
    data: NodeData,
}

#[derive(Debug, Default)]
enum NodeData {
    /// The document, a comment, a doctype, the content of a template.
    #[default]
    Other,
    Text(StrTendril),
    Element(Box<Element>),
}

#[derive(Debug)]
struct Element {
    name: QualName,
    attributes: Vec<Attribute>,
    template: Option<NodeId>,
}

/// A parsed page.
#[derive(Debug)]
pub struct Dom {
    nodes: Vec<Node>,
}

impl Dom {
    /// Parses a whole page, with scripting off so that `noscript` is content.
    #[must_use]
    pub fn parse(html: &str) -> Self {
        let nodes = Vec::with_capacity(html.len() / 24 + 16);
        let builder = Builder { nodes: RefCell::new(nodes) };
        builder.push(NodeData::Other);
        let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
        // html5ever logs parse errors of the page, which is not our log's business.
        let silent = tracing::subscriber::NoSubscriber::default();
        tracing::subscriber::with_default(silent, || {
            let sink = DepthLimit::new(RawTextPause::new(TreeBuilder::new(builder, tree_builder)));
            let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
            let input = BufferQueue::default();
            input.push_back(StrTendril::from_slice(html));
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

/// Collects nodes while html5ever parses.
struct Builder {
    nodes: RefCell<Vec<Node>>,
}

impl Builder {
    fn push(&self, data: NodeData) -> NodeId {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { data, ..Node::default() });
        NodeId::from_index(nodes.len() - 1)
    }

    /// Gives the youngest element its text, when it is data that somebody reads: JSON, TeX.
    fn append_raw_text(&self, text: StrTendril) {
        let youngest = NodeId::from_index(self.nodes.borrow().len() - 1);
        let data = match &self.nodes.borrow()[youngest.index()].data {
            NodeData::Element(element) => element.attributes.iter().any(|one| {
                one.name.local == local_name!("type")
                    && (one.value.contains("json") || one.value.contains("math"))
            }),
            _ => false,
        };
        if data {
            self.insert(youngest, None, NodeOrText::AppendText(text));
        }
    }

    /// Puts `child` under `parent`, before `next` or at the end. Text joins the text before it.
    fn insert(&self, parent: NodeId, next: Option<NodeId>, child: NodeOrText<NodeId>) {
        let previous = {
            let nodes = self.nodes.borrow();
            next.map_or(nodes[parent.index()].last, |next| nodes[next.index()].previous)
        };
        let id = match child {
            NodeOrText::AppendNode(id) => {
                self.detach(id);
                id
            }
            NodeOrText::AppendText(text) => {
                if let Some(previous) = previous
                    && let NodeData::Text(before) = &mut self.nodes.borrow_mut()[previous.index()].data
                {
                    before.push_tendril(&text);
                    return;
                }
                self.push(NodeData::Text(text))
            }
        };
        let nodes = &mut *self.nodes.borrow_mut();
        let node = &mut nodes[id.index()];
        (node.parent, node.previous, node.next) = (Some(parent), previous, next);
        match previous {
            Some(previous) => nodes[previous.index()].next = Some(id),
            None => nodes[parent.index()].first = Some(id),
        }
        match next {
            Some(next) => nodes[next.index()].previous = Some(id),
            None => nodes[parent.index()].last = Some(id),
        }
    }

    fn detach(&self, id: NodeId) {
        let nodes = &mut *self.nodes.borrow_mut();
        let node = &mut nodes[id.index()];
        let (parent, previous, next) = (node.parent.take(), node.previous.take(), node.next.take());
        let Some(parent) = parent else { return };
        match previous {
            Some(previous) => nodes[previous.index()].next = next,
            None => nodes[parent.index()].first = next,
        }
        match next {
            Some(next) => nodes[next.index()].previous = previous,
            None => nodes[parent.index()].last = previous,
        }
    }
}

impl TreeSink for Builder {
    type Handle = NodeId;
    type Output = Dom;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Dom {
        Dom { nodes: self.nodes.into_inner() }
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> NodeId {
        NodeId::from_index(0)
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        Ref::map(self.nodes.borrow(), |nodes| match &nodes[target.index()].data {
            NodeData::Element(element) => &element.name,
            _ => unreachable!("html5ever asks for the name of elements only"),
        })
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> NodeId {
        let template = flags.template.then(|| self.push(NodeData::Other));
        self.push(NodeData::Element(Box::new(Element { name, attributes, template })))
    }

    fn create_comment(&self, _text: StrTendril) -> NodeId {
        self.push(NodeData::Other)
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> NodeId {
        self.push(NodeData::Other)
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        self.insert(*parent, None, child);
    }

    fn append_based_on_parent_node(&self, element: &NodeId, before: &NodeId, child: NodeOrText<NodeId>) {
        let parent = self.nodes.borrow()[element.index()].parent;
        match parent {
            Some(parent) => self.insert(parent, Some(*element), child),
            None => self.insert(*before, None, child),
        }
    }

    fn append_doctype_to_document(&self, _name: StrTendril, _public: StrTendril, _system: StrTendril) {}

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        match &self.nodes.borrow()[target.index()].data {
            NodeData::Element(element) => element.template.unwrap_or(*target),
            _ => *target,
        }
    }

    fn same_node(&self, x: &NodeId, y: &NodeId) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        let parent = self.nodes.borrow()[sibling.index()].parent;
        if let Some(parent) = parent {
            self.insert(parent, Some(*sibling), child);
        }
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attributes: Vec<Attribute>) {
        if let NodeData::Element(element) = &mut self.nodes.borrow_mut()[target.index()].data {
            for attribute in attributes {
                if !element.attributes.iter().any(|known| known.name == attribute.name) {
                    element.attributes.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.detach(*target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        loop {
            let first = self.nodes.borrow()[node.index()].first;
            let Some(child) = first else { break };
            self.insert(*new_parent, None, NodeOrText::AppendNode(child));
        }
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
