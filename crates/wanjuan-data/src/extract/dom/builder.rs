//! [`Builder`]: implements html5ever's `TreeSink` to fill the arena of a [`Dom`].

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode};
use html5ever::tendril::StrTendril;
use html5ever::tree_builder::TreeSink;
use html5ever::{Attribute, QualName, local_name};

use super::tag::Tag;
use super::tree::{Dom, Element, Node, NodeData, NodeId};

/// The arena while html5ever parses. html5ever calls it through shared references, hence the cells.
pub(crate) struct Builder {
    pub(crate) nodes: RefCell<Vec<Node>>,
    /// Depth of the node inserted last, read by the depth limit.
    pub(crate) depth: Rc<Cell<u32>>,
}

impl Builder {
    /// Adds a detached node.
    pub(crate) fn push(&self, data: NodeData) -> NodeId {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { data, ..Node::default() });
        NodeId::from_index(nodes.len() - 1)
    }

    /// Appends raw text to the element created last, if it is data that extraction reads: JSON or TeX.
    pub(crate) fn append_raw_text(&self, text: StrTendril) {
        let newest = NodeId::from_index(self.nodes.borrow().len() - 1);
        let data = match &self.nodes.borrow()[newest.index()].data {
            NodeData::Element(element) => element.attributes.iter().any(|one| {
                one.name.local == local_name!("type")
                    && (one.value.contains("json") || one.value.contains("math"))
            }),
            _ => false,
        };
        if data {
            self.insert(newest, None, NodeOrText::AppendText(text));
        }
    }

    /// Inserts `child` under `parent`, before `next` or at the end. Text is joined to a text node before it.
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
                let nodes = &mut *self.nodes.borrow_mut();
                self.depth.set(nodes[parent.index()].depth + 1);
                if let Some(previous) = previous
                    && let NodeData::Text(before) = &mut nodes[previous.index()].data
                {
                    before.push_tendril(&text);
                    return;
                }
                nodes.push(Node { data: NodeData::Text(text), ..Node::default() });
                NodeId::from_index(nodes.len() - 1)
            }
        };
        let nodes = &mut *self.nodes.borrow_mut();
        let depth = nodes[parent.index()].depth + 1;
        self.depth.set(depth);
        let node = &mut nodes[id.index()];
        (node.parent, node.previous, node.next, node.depth) = (Some(parent), previous, next, depth);
        match previous {
            Some(previous) => nodes[previous.index()].next = Some(id),
            None => nodes[parent.index()].first = Some(id),
        }
        match next {
            Some(next) => nodes[next.index()].previous = Some(id),
            None => nodes[parent.index()].last = Some(id),
        }
    }

    /// Unlinks a node from its parent and siblings; its own children stay with it.
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
        let tag = Tag::of(&name.local);
        self.push(NodeData::Element(Box::new(Element { name, tag, attributes, template })))
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
