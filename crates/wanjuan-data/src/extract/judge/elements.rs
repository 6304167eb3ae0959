//! [`Elements`]: the elements around the text of a page, with what is near each and what is below it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use html5ever::{LocalName, local_name};

use super::class_words::kinds;
use super::fnv::Fnv;
use super::name_weights::NameWeights;
use super::near::Near;
use super::sums::Sums;
use crate::extract::dom::{Dom, NodeId, Slot, seems_hidden};

/// One element with text below it.
#[derive(Clone, Debug)]
pub(crate) struct ElementInfo {
    /// Its node in the page.
    pub(crate) node: NodeId,
    /// Number of its parent element; its own number for the first element.
    pub(crate) parent: u32,
    /// Levels below the first element.
    pub(crate) depth: u16,
    /// Number of children of the parent with the same tag and classes, itself included.
    pub(crate) alike: u16,
    /// Number of those children before it.
    pub(crate) alike_before: u16,
    /// Hash of the tags and classes (digits left out) of this and the two elements above.
    pub(crate) signature: u64,
    /// Distance to the nearest element of each slot.
    pub(crate) near: Near,
    /// Counts over the text below.
    pub(crate) sums: Sums,
    /// Learned weights of the class names and ids of this and all elements above.
    pub(crate) names: NameWeights,
    /// Number of the nearest `article`, itself included.
    pub(crate) article: Option<u32>,
}

/// An element that the walk over the page has met.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    /// The page.
    pub(crate) dom: &'a Dom,
    /// The element.
    pub(crate) node: NodeId,
    /// Slot of its tag.
    pub(crate) slot: Option<Slot>,
}

/// The elements in document order, so that a parent comes before its children.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    list: Vec<ElementInfo>,
    /// How many children of a parent have the same tag and classes, by number of the parent and hash.
    alike: HashMap<(u32, u64), u16, BuildHasherDefault<Fnv>>,
    /// For each element, the hash of its own tag and classes.
    own: Vec<u64>,
}

impl Elements {
    /// An empty list with room for a page of `nodes` nodes.
    pub(crate) fn for_page(nodes: usize) -> Self {
        // About a third of the nodes are elements with text below.
        Self { list: Vec::with_capacity(nodes / 3), ..Self::default() }
    }

    /// Adds an element, whose parent has the number `parent`, and returns its number. `weight` gives the learned
    /// weight of a name by its hash.
    pub(crate) fn push(
        &mut self,
        found: Found<'_>,
        parent: Option<u32>,
        weight: &dyn Fn(u64) -> Option<f32>,
    ) -> u32 {
        let Found { dom, node, slot } = found;
        let number = u32::try_from(self.list.len()).expect("a page has fewer than 2^32 nodes");
        let above = parent.map(|parent| &self.list[parent as usize]);
        let mut near = above.map_or_else(Near::nothing, |above| above.near.one_step_down());
        if let Some(slot) = slot {
            near.mark(slot);
        }
        let mut own = Fnv::default();
        own.write(dom.tag(node).unwrap_or_default().as_bytes());
        for (attribute, value) in dom.attributes(node) {
            look_at(attribute, value, &mut near, &mut own);
        }
        let above_signature = above.map_or(0, |above| above.signature);
        let parent_own = parent.map_or(0, |parent| self.own[parent as usize]);
        let signature =
            own.0 ^ parent_own.rotate_left(17) ^ (above_signature >> 7 & 0xffff_ffff).rotate_left(40);
        let depth = above.map_or(0, |above| above.depth.saturating_add(1));
        let names = NameWeights::of(dom, node, above.map(|above| above.names), weight);
        let is_article = slot == Some(Slot::Article);
        let article = if is_article { Some(number) } else { above.and_then(|above| above.article) };
        let parent = parent.unwrap_or(number);
        let alike = self.alike.entry((parent, own.0)).or_default();
        let alike_before = *alike;
        *alike = alike.saturating_add(1);
        self.own.push(own.0);
        self.list.push(ElementInfo {
            node,
            parent,
            depth,
            alike: 0,
            alike_before,
            signature,
            near,
            sums: Sums::default(),
            names,
            article,
        });
        number
    }

    /// To be called once, when all elements and the sums of their own blocks are in: adds the sums of each element
    /// to those of its parent, and fills in [`ElementInfo::alike`].
    pub(crate) fn finish(&mut self) {
        for number in (1..self.list.len()).rev() {
            let (sums, parent) = (self.list[number].sums, self.list[number].parent);
            self.list[parent as usize].sums.add(sums);
        }
        for (element, own) in self.list.iter_mut().zip(&self.own) {
            element.alike = self.alike.get(&(element.parent, *own)).copied().unwrap_or(1);
        }
    }

    /// The element of a number that [`Elements::push`] returned.
    pub(crate) fn get(&self, number: u32) -> &ElementInfo {
        &self.list[number as usize]
    }

    /// The sums of an element, to add those of a block to.
    pub(crate) fn sums_mut(&mut self, number: u32) -> &mut Sums {
        &mut self.list[number as usize].sums
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
}

/// Marks what an attribute says about its element; classes also enter the hash of the element.
fn look_at(attribute: &LocalName, value: &str, near: &mut Near, own: &mut Fnv) {
    match *attribute {
        local_name!("class") | local_name!("id") | local_name!("role") | local_name!("itemprop") => {
            for slot in kinds(value).slots() {
                near.mark(slot);
            }
            if *attribute == local_name!("class") {
                for byte in value.bytes().filter(|byte| !byte.is_ascii_digit()) {
                    own.write(&[byte]);
                }
            }
        }
        _ if seems_hidden(attribute, value) => near.mark(Slot::Hidden),
        _ => {}
    }
}
