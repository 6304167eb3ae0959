//! [`Blocks`]: a page as a sequence of blocks, the units that are kept or dropped.
//!
//! A block is the text between two borders of block-level elements (or two line breaks in a row), with the
//! element that holds it. Nothing is left out here but what no reader can see: scripts, pictures, controls.

use super::containers::{Container, LEVELS, containers};
use super::dom::{Dom, NodeId, WalkEvent};
use super::elements::{Elements, Found, Role, Sums, role_of};
use super::page_signals::PageSignals;
use super::text_statistics::{Inside, Lexicon, TextStatistics, word_hashes};
use html5ever::local_name;

/// One block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Number of the block-level element around it.
    pub(super) container: u32,
    /// Number of the element right around its first text.
    pub(super) innermost: u32,
    /// Its text nodes, as positions in [`Blocks::texts`].
    pub(super) texts: std::ops::Range<u32>,
    /// What its text looks like.
    pub(super) text: TextStatistics,
    /// The containers around it, see [`containers`].
    pub(super) containers: [Container; LEVELS],
}

/// What is known before a page is read.
#[derive(Clone, Copy)]
pub(super) struct Knowledge<'a> {
    /// Learned weights, by hash, of words of the text.
    pub(super) words: &'a dyn Fn(u64) -> Option<f32>,
    /// Of class names and ids.
    pub(super) names: &'a dyn Fn(u64) -> Option<f32>,
    /// Elements that the user wants left out.
    pub(super) leave_out: &'a dyn Fn(NodeId) -> bool,
}

/// A page cut into blocks.
#[derive(Debug)]
pub(super) struct Blocks {
    /// The blocks in document order.
    pub(super) list: Vec<Block>,
    /// The text nodes of all blocks in document order.
    pub(super) texts: Vec<NodeId>,
    /// The elements around them.
    pub(super) elements: Elements,
    /// Elements that no reader sees as text.
    pub(super) unseen: Vec<NodeId>,
    /// What the page says about itself.
    pub(super) signals: PageSignals,
}

impl Blocks {
    /// Cuts the page.
    pub(super) fn of(dom: &Dom, known: Knowledge<'_>) -> Self {
        let signals = PageSignals::of(dom);
        let title = word_hashes(&signals.title);
        let description = word_hashes(&signals.description);
        let lexicon = Lexicon { title: &title, description: &description, weight: known.words };
        let mut cutter = Cutter {
            dom,
            known,
            blocks: Self {
                list: Vec::new(),
                texts: Vec::new(),
                elements: Elements::for_page(dom.len()),
                unseen: Vec::new(),
                signals,
            },
            open: Vec::new(),
            numbered: 0,
            block: None,
            links: 0,
            emphases: 0,
            breaks: 0,
        };
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
}

/// An element that is open during the walk.
struct Open {
    node: NodeId,
    slot: Option<u8>,
    /// Its number, once there is text below it.
    number: Option<u32>,
    /// Place on the stack of the block-level element around: itself or the nearest above.
    container: usize,
    role: Role,
    link: bool,
    emphasis: bool,
}

struct Cutter<'a> {
    dom: &'a Dom,
    known: Knowledge<'a>,
    blocks: Blocks,
    open: Vec<Open>,
    /// How many of them have a number: those of an element are given after those of the elements around it.
    numbered: usize,
    /// The block that is being filled.
    block: Option<Block>,
    links: u32,
    emphases: u32,
    /// Line breaks since the last text.
    breaks: u32,
}

impl Cutter<'_> {
    /// Enters an element; whether what is below it counts.
    fn enter(&mut self, id: NodeId) -> bool {
        let Some(name) = self.dom.local_name(id) else { return false };
        if *name == local_name!("br") {
            self.breaks += 1;
            if self.breaks >= 2 {
                self.close();
            }
            return false;
        }
        let (role, slot) = role_of(name);
        if role == Role::Never || (self.known.leave_out)(id) {
            self.blocks.unseen.push(id);
            return false;
        }
        if role == Role::Block {
            self.close();
        }
        let link = *name == local_name!("a");
        let emphasis = slot == Some(25);
        let place = self.open.len();
        let outer = self.open.last().map_or(place, |open| open.container);
        let container = if role == Role::Block { place } else { outer };
        self.links += u32::from(link);
        self.emphases += u32::from(emphasis);
        if link && let Some(block) = &mut self.block {
            block.text.links += 1;
        }
        self.open.push(Open { node: id, slot, number: None, container, role, link, emphasis });
        true
    }

    fn leave(&mut self) {
        let Some(open) = self.open.pop() else { return };
        self.numbered = self.numbered.min(self.open.len());
        self.links -= u32::from(open.link);
        self.emphases -= u32::from(open.emphasis);
        if open.role == Role::Block {
            self.close();
        }
    }

    /// Gives a number to every open element; those of the container and of the innermost. Elements without text
    /// never get one.
    fn number_open(&mut self) -> Option<(u32, u32)> {
        for place in self.numbered..self.open.len() {
            let parent = place.checked_sub(1).and_then(|above| self.open[above].number);
            let Open { node, slot, .. } = self.open[place];
            let found = Found { dom: self.dom, node, slot };
            self.open[place].number = Some(self.blocks.elements.push(found, parent, self.known.names));
        }
        self.numbered = self.open.len();
        let innermost = self.open.last()?;
        Some((self.open[innermost.container].number?, innermost.number?))
    }

    fn text(&mut self, id: NodeId, text: &str, lexicon: &Lexicon<'_>) {
        let blank = text.bytes().all(|byte| byte.is_ascii_whitespace());
        if blank && self.block.is_none() {
            return;
        }
        let Some((container, innermost)) = self.number_open() else { return };
        let at = u32::try_from(self.blocks.texts.len()).expect("a page has fewer than 2^32 nodes");
        self.blocks.texts.push(id);
        let block = self.block.get_or_insert_with(|| {
            let (text, containers) = (TextStatistics::default(), Default::default());
            let mut block = Block { container, innermost, texts: at..at, text, containers };
            block.text.links = u32::from(self.links > 0);
            block
        });
        block.texts.end = at + 1;
        if !blank {
            block.text.breaks += self.breaks;
            self.breaks = 0;
            let inside = Inside { link: self.links > 0, emphasis: self.emphases > 0 };
            block.text.add(text, inside, lexicon);
        }
    }

    /// Ends the block.
    fn close(&mut self) {
        self.breaks = 0;
        let Some(block) = self.block.take() else { return };
        if block.text.characters == 0 {
            self.blocks.texts.truncate(block.texts.start as usize);
            return;
        }
        let characters = block.text.characters;
        let prose = if block.text.is_prose() { characters } else { 0 };
        let sums = Sums { characters, linked: block.text.linked, prose, blocks: 1 };
        self.blocks.elements.sums_mut(block.container).add(sums);
        self.blocks.list.push(block);
    }
}
