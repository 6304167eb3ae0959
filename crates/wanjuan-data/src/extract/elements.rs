//! [`Elements`]: the elements of a page in document order, with what is near each and what is below it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use html5ever::{LocalName, local_name};

use super::class_words::{Fnv, KINDS, kind_names, kinds};
use super::dom::{Dom, NodeId};

/// Tags that have a slot in [`Near`], in slot order.
const TAGS: &[&str] = &[
    "a",
    "article",
    "aside",
    "blockquote",
    "button",
    "dl",
    "details",
    "figure",
    "figcaption",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "header",
    "label",
    "li",
    "main",
    "nav",
    "noscript",
    "pre",
    "section",
    "table",
    "p",
    "hidden",
    "emphasis",
];

/// Number of slots of [`Near`].
pub(super) const SLOTS: usize = TAGS.len() + KINDS;

/// For each tag and each kind of class word: steps up to the nearest element that has it, 0 for the element
/// itself, [`FAR`] and more for none.
pub(super) type Near = [u8; SLOTS];

/// No ancestor has it.
pub(super) const FAR: u8 = 32;

/// Names of the slots, for the list of features.
pub(super) fn slot_names() -> impl Iterator<Item = String> {
    let tags = TAGS.iter().map(|tag| format!("near-tag-{tag}"));
    tags.chain(kind_names().map(|kind| format!("near-word-{kind}")))
}

/// How an element takes part in the flow of text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// No text for readers: scripts, pictures, form controls.
    Never,
    /// Starts and ends a block.
    Block,
    /// Part of a line.
    Inline,
}

/// Role and slot of a tag.
pub(super) fn role_of(name: &LocalName) -> (Role, Option<u8>) {
    use Role::{Block, Inline, Never};
    match *name {
        local_name!("a") => (Inline, Some(0)),
        local_name!("article") => (Block, Some(1)),
        local_name!("aside") => (Block, Some(2)),
        local_name!("blockquote") => (Block, Some(3)),
        local_name!("button") => (Block, Some(4)),
        local_name!("dl") => (Block, Some(5)),
        local_name!("details") | local_name!("summary") => (Block, Some(6)),
        local_name!("figure") => (Block, Some(7)),
        local_name!("figcaption") | local_name!("caption") => (Block, Some(8)),
        local_name!("footer") => (Block, Some(9)),
        local_name!("form") | local_name!("fieldset") => (Block, Some(10)),
        local_name!("h1") => (Block, Some(11)),
        local_name!("h2") => (Block, Some(12)),
        local_name!("h3") | local_name!("h4") | local_name!("h5") | local_name!("h6") => (Block, Some(13)),
        local_name!("header") | local_name!("hgroup") => (Block, Some(14)),
        local_name!("label") => (Inline, Some(15)),
        local_name!("li") => (Block, Some(16)),
        local_name!("main") => (Block, Some(17)),
        local_name!("nav") | local_name!("menu") => (Block, Some(18)),
        local_name!("noscript") => (Block, Some(19)),
        local_name!("pre") | local_name!("listing") => (Block, Some(20)),
        local_name!("code") => (Inline, Some(20)),
        local_name!("section") => (Block, Some(21)),
        local_name!("table") => (Block, Some(22)),
        local_name!("p") => (Block, Some(23)),
        local_name!("b") | local_name!("strong") | local_name!("em") | local_name!("i") => (Inline, Some(25)),
        _ if is_never_text(name) => (Never, None),
        _ if is_plain_block(name) => (Block, None),
        _ => (Inline, None),
    }
}

/// Scripts, pictures and form controls.
fn is_never_text(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("script")
            | local_name!("style")
            | local_name!("template")
            | local_name!("svg")
            | local_name!("iframe")
            | local_name!("object")
            | local_name!("embed")
            | local_name!("canvas")
            | local_name!("input")
            | local_name!("select")
            | local_name!("textarea")
            | local_name!("datalist")
            | local_name!("option")
            | local_name!("progress")
            | local_name!("meter")
            | local_name!("head")
            | local_name!("audio")
            | local_name!("video")
            | local_name!("map")
            | local_name!("area")
            | local_name!("frameset")
            | local_name!("noframes")
    )
}

/// Block-level tags without a slot.
fn is_plain_block(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("address")
            | local_name!("body")
            | local_name!("center")
            | local_name!("dd")
            | local_name!("dir")
            | local_name!("div")
            | local_name!("dt")
            | local_name!("hr")
            | local_name!("html")
            | local_name!("legend")
            | local_name!("ol")
            | local_name!("tbody")
            | local_name!("td")
            | local_name!("tfoot")
            | local_name!("th")
            | local_name!("thead")
            | local_name!("tr")
            | local_name!("ul")
            | local_name!("dialog")
    )
}

const HIDDEN_SLOT: usize = 24;

/// Sums over the text below an element.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// Code points that are not white space.
    pub(super) characters: u32,
    /// The part of them inside links.
    pub(super) linked: u32,
    /// The part of them in blocks of prose.
    pub(super) prose: u32,
    /// Blocks.
    pub(super) blocks: u32,
}

impl Sums {
    /// Adds `other`.
    pub(super) fn add(&mut self, other: Self) {
        self.characters += other.characters;
        self.linked += other.linked;
        self.prose += other.prose;
        self.blocks += other.blocks;
    }
}

/// One element that may hold text.
#[derive(Clone, Debug)]
pub(super) struct ElementInfo {
    /// Its node.
    pub(super) node: NodeId,
    /// Number of its parent element; itself for the first.
    pub(super) parent: u32,
    /// Levels below the first element.
    pub(super) depth: u16,
    /// Number of children of the parent with the same tag and classes, itself included.
    pub(super) alike: u16,
    /// Hash of tag and classes (digits left out), of this and the two elements above.
    pub(super) signature: u64,
    /// What is near.
    pub(super) near: Near,
    /// What is below.
    pub(super) sums: Sums,
    /// Learned weights of the class names and ids of this and all elements above.
    pub(super) names: NameWeights,
    /// Number of the nearest `article` around, itself included.
    pub(super) article: Option<u32>,
    /// Place among the children of the parent with the same tag and classes, from 0.
    pub(super) alike_before: u16,
}

/// Learned weights of names, from the element up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NameWeights {
    /// Of the element itself.
    pub(super) own: f32,
    /// Of its parent.
    pub(super) parent: f32,
    /// Sum over all elements above and itself.
    pub(super) sum: f32,
    /// Least and greatest of any of them.
    pub(super) least: f32,
    pub(super) greatest: f32,
}

/// An element met during the walk.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) dom: &'a Dom,
    pub(super) node: NodeId,
    /// Slot of its tag.
    pub(super) slot: Option<u8>,
}

/// The elements in document order: a parent comes before its children.
#[derive(Debug, Default)]
pub(super) struct Elements {
    list: Vec<ElementInfo>,
    alike: HashMap<(u32, u64), u16, BuildHasherDefault<Fnv>>,
    own: Vec<u64>,
}

impl Elements {
    /// None yet; room for those of a page of `nodes` nodes.
    pub(super) fn for_page(nodes: usize) -> Self {
        // About a third of the nodes are elements with text below.
        Self { list: Vec::with_capacity(nodes / 3), ..Self::default() }
    }

    /// Adds the element `node`, whose parent is number `parent`; its number.
    pub(super) fn push(
        &mut self,
        found: Found<'_>,
        parent: Option<u32>,
        weight: &dyn Fn(u64) -> Option<f32>,
    ) -> u32 {
        let Found { dom, node, slot } = found;
        let number = u32::try_from(self.list.len()).expect("a page has fewer than 2^32 nodes");
        let above = parent.map(|parent| &self.list[parent as usize]);
        let mut near =
            above.map_or([FAR; SLOTS], |above| above.near.map(|steps| steps.saturating_add(1).min(FAR)));
        if let Some(slot) = slot {
            near[usize::from(slot)] = 0;
        }
        let mut own = Fnv::default();
        let name = dom.tag(node).unwrap_or_default();
        own.write(name.as_bytes());
        for (attribute, value) in dom.attributes(node) {
            look_at(attribute, value, &mut near, &mut own);
        }
        let above_signature = above.map_or(0, |above| above.signature);
        let parent_own = parent.map_or(0, |parent| self.own[parent as usize]);
        let signature =
            own.0 ^ parent_own.rotate_left(17) ^ (above_signature >> 7 & 0xffff_ffff).rotate_left(40);
        let depth = above.map_or(0, |above| above.depth.saturating_add(1));
        let parent = parent.unwrap_or(number);
        let alike_before = self.alike.entry((parent, own.0)).or_default();
        let sums = Sums::default();
        let names = name_weights(dom, node, above.map(|above| above.names), weight);
        let article = if slot == Some(1) { Some(number) } else { above.and_then(|above| above.article) };
        let info = ElementInfo {
            node,
            parent,
            depth,
            alike: 0,
            signature,
            near,
            sums,
            names,
            article,
            alike_before: *alike_before,
        };
        *alike_before = alike_before.saturating_add(1);
        self.own.push(own.0);
        self.list.push(info);
        number
    }

    /// When all elements and the sums of their own text are in: adds sums up to the first element.
    pub(super) fn finish(&mut self) {
        for number in (1..self.list.len()).rev() {
            let (sums, parent) = (self.list[number].sums, self.list[number].parent);
            self.list[parent as usize].sums.add(sums);
        }
        for (element, own) in self.list.iter_mut().zip(&self.own) {
            element.alike = self.alike.get(&(element.parent, *own)).copied().unwrap_or(1);
        }
    }

    /// Element number `number`.
    pub(super) fn get(&self, number: u32) -> &ElementInfo {
        &self.list[number as usize]
    }

    /// The sums of element number `number`, to add its own text to.
    pub(super) fn sums_mut(&mut self, number: u32) -> &mut Sums {
        &mut self.list[number as usize].sums
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}

fn look_at(attribute: &LocalName, value: &str, near: &mut Near, own: &mut Fnv) {
    match *attribute {
        local_name!("class") | local_name!("id") | local_name!("role") | local_name!("itemprop") => {
            let mut found = kinds(value);
            while found != 0 {
                near[TAGS.len() + found.trailing_zeros() as usize] = 0;
                found &= found - 1;
            }
            if *attribute == local_name!("class") {
                for byte in value.bytes().filter(|byte| !byte.is_ascii_digit()) {
                    own.write(&[byte]);
                }
            }
        }
        local_name!("hidden") => near[HIDDEN_SLOT] = 0,
        local_name!("style") if is_invisible(value) => near[HIDDEN_SLOT] = 0,
        _ if &**attribute == "aria-hidden" && value == "true" => near[HIDDEN_SLOT] = 0,
        _ => {}
    }
}

/// Whether a `style` hides the element.
fn is_invisible(style: &str) -> bool {
    let hides = |property: &str, value: &str| {
        style.find(property).is_some_and(|at| {
            let rest = style[at + property.len()..].trim_start();
            rest.strip_prefix(':').is_some_and(|rest| rest.trim_start().starts_with(value))
        })
    };
    hides("display", "none") || hides("visibility", "hidden")
}

/// Hashes of the class names and ids of an element, lower case, digits left out.
pub(super) fn name_hashes(dom: &Dom, node: NodeId) -> impl Iterator<Item = u64> {
    let values = dom
        .attributes(node)
        .filter(|(name, _)| **name == local_name!("class") || **name == local_name!("id"));
    values.flat_map(|(_, value)| value.split_ascii_whitespace().take(12)).map(|name| {
        let mut hash = Fnv::default();
        for byte in name.bytes().filter(|byte| !byte.is_ascii_digit()) {
            hash.write(&[byte.to_ascii_lowercase()]);
        }
        hash.0
    })
}

fn name_weights(
    dom: &Dom,
    node: NodeId,
    above: Option<NameWeights>,
    weight: &dyn Fn(u64) -> Option<f32>,
) -> NameWeights {
    let own: f32 = name_hashes(dom, node).filter_map(weight).sum();
    let above = above.unwrap_or_default();
    NameWeights {
        own,
        parent: above.own,
        sum: above.sum + own,
        least: above.least.min(own),
        greatest: above.greatest.max(own),
    }
}
