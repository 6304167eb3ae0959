//! [`cut`]: cuts a page into blocks.
//!
//! Nothing is judged here. Only what is never text (scripts, pictures, controls) is left out.

use html5ever::local_name;

use super::blocks::{Block, Blocks};
use super::containers::containers;
use super::elements::{Elements, Found};
use super::page_signals::PageSignals;
use super::sums::Sums;
use super::text_statistics::{Inside, Lexicon, TextStatistics, word_hashes};
use crate::extract::dom::{Dom, Flow, NodeId, Slot, WalkEvent};

/// What is known before a page is read.
#[derive(Clone, Copy)]
pub(crate) struct Knowledge<'a> {
    /// Learned weights of words of the text, by hash.
    pub(crate) words: &'a dyn Fn(u64) -> Option<f32>,
    /// Learned weights of class names and ids, by hash.
    pub(crate) names: &'a dyn Fn(u64) -> Option<f32>,
    /// Whether the user wants an element left out.
    pub(crate) leave_out: &'a dyn Fn(NodeId) -> bool,
}

impl Knowledge<'_> {
    /// No weights are known and nothing is left out.
    pub(crate) const NOTHING: Self = Self { words: &|_| None, names: &|_| None, leave_out: &|_| false };
}

/// Cuts a page into blocks. A page without a body has none.
pub(crate) fn cut(dom: &Dom, known: Knowledge<'_>) -> Blocks {
    let signals = PageSignals::of(dom);
    let title = word_hashes(&signals.title);
    let description = word_hashes(&signals.description);
    let lexicon = Lexicon { title: &title, description: &description, weight: known.words };
    let mut cutter = Cutter::new(dom, known, signals);
    let Some(body) = dom.body() else { return cutter.blocks };
    let mut walk = dom.walk(body);
    while let Some(event) = walk.next() {
        match event {
            WalkEvent::Enter(id) => {
                if let Some(text) = dom.text(id) {
                    cutter.text(id, text, &lexicon);
                } else if !cutter.enter(id) {
                    walk.skip_children(id);
                }
            }
            WalkEvent::Leave(id) if dom.local_name(id).is_some() => cutter.leave(),
            WalkEvent::Leave(_) => {}
        }
    }
    cutter.close();
    let mut blocks = cutter.blocks;
    blocks.elements.finish();
    for block in &mut blocks.list {
        block.containers = containers(&blocks.elements, block.container);
    }
    blocks
}

/// An element that is open during the walk.
struct Open {
    node: NodeId,
    slot: Option<Slot>,
    /// Its number among the elements, once there is text below it.
    number: Option<u32>,
    /// Place on the stack of the nearest block-level element, itself included.
    container: usize,
    flow: Flow,
    is_link: bool,
    is_emphasis: bool,
}

struct Cutter<'a> {
    dom: &'a Dom,
    known: Knowledge<'a>,
    blocks: Blocks,
    open: Vec<Open>,
    /// How many elements at the bottom of the stack have a number: an element is numbered after all around it.
    numbered: usize,
    /// The block that is being filled.
    block: Option<Block>,
    /// Number of open links.
    links: u32,
    /// Number of open elements in bold or italics.
    emphases: u32,
    /// Line breaks since the last text.
    breaks: u32,
}

impl<'a> Cutter<'a> {
    fn new(dom: &'a Dom, known: Knowledge<'a>, signals: PageSignals) -> Self {
        let elements = Elements::for_page(dom.len());
        let blocks = Blocks { list: Vec::new(), texts: Vec::new(), elements, unseen: Vec::new(), signals };
        let open = Vec::new();
        Self { dom, known, blocks, open, numbered: 0, block: None, links: 0, emphases: 0, breaks: 0 }
    }

    /// Enters an element; returns whether its children are to be visited.
    fn enter(&mut self, id: NodeId) -> bool {
        let (Some(name), Some(tag)) = (self.dom.local_name(id), self.dom.meaning(id)) else { return false };
        if *name == local_name!("br") {
            self.breaks += 1;
            if self.breaks >= 2 {
                self.close();
            }
            return false;
        }
        if tag.cut == Flow::Never || (self.known.leave_out)(id) {
            self.blocks.unseen.push(id);
            return false;
        }
        if tag.cut == Flow::Block {
            self.close();
        }
        let is_link = *name == local_name!("a");
        let is_emphasis = tag.slot == Some(Slot::Emphasis);
        let place = self.open.len();
        let outer = self.open.last().map_or(place, |open| open.container);
        let container = if tag.cut == Flow::Block { place } else { outer };
        self.links += u32::from(is_link);
        self.emphases += u32::from(is_emphasis);
        if is_link && let Some(block) = &mut self.block {
            block.text.links += 1;
        }
        let (slot, flow) = (tag.slot, tag.cut);
        self.open.push(Open { node: id, slot, number: None, container, flow, is_link, is_emphasis });
        true
    }

    fn leave(&mut self) {
        let Some(open) = self.open.pop() else { return };
        self.numbered = self.numbered.min(self.open.len());
        self.links -= u32::from(open.is_link);
        self.emphases -= u32::from(open.is_emphasis);
        if open.flow == Flow::Block {
            self.close();
        }
    }

    /// Numbers all open elements, so that elements without text never get a number. Returns the innermost one.
    fn number_open(&mut self) -> Option<&Open> {
        for place in self.numbered..self.open.len() {
            let parent = place.checked_sub(1).and_then(|above| self.open[above].number);
            let Open { node, slot, .. } = self.open[place];
            let found = Found { dom: self.dom, node, slot };
            self.open[place].number = Some(self.blocks.elements.push(found, parent, self.known.names));
        }
        self.numbered = self.open.len();
        self.open.last()
    }

    fn text(&mut self, id: NodeId, text: &str, lexicon: &Lexicon<'_>) {
        let blank = text.bytes().all(|byte| byte.is_ascii_whitespace());
        if blank && self.block.is_none() {
            return;
        }
        let Some(&Open { container, number: Some(innermost), .. }) = self.number_open() else { return };
        let Some(container) = self.open[container].number else { return };
        let at = u32::try_from(self.blocks.texts.len()).expect("a page has fewer than 2^32 nodes");
        self.blocks.texts.push(id);
        let block = self.block.get_or_insert_with(|| {
            let text = TextStatistics { links: u32::from(self.links > 0), ..TextStatistics::default() };
            Block { container, innermost, texts: at..at, text, containers: Default::default() }
        });
        block.texts.end = at + 1;
        if !blank {
            block.text.breaks += self.breaks;
            self.breaks = 0;
            let inside = Inside { link: self.links > 0, emphasis: self.emphases > 0 };
            block.text.add(text, inside, lexicon);
        }
    }

    /// Ends the open block, if there is one. A block without a visible character is dropped.
    fn close(&mut self) {
        self.breaks = 0;
        let Some(block) = self.block.take() else { return };
        if block.text.characters == 0 {
            self.blocks.texts.truncate(block.texts.start as usize);
            return;
        }
        self.blocks.elements.sums_mut(block.container).add(Sums::of_block(&block.text));
        self.blocks.list.push(block);
    }
}

#[cfg(test)]
mod tests;
