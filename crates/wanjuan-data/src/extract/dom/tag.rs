//! [`Tag`]: what an HTML tag means for text. One table answers for the renderer and for the judge.
//!
//! The renderer asks for the [`Role`], which follows HTML's default rendering (standard, section 15). The judge asks
//! for the [`Slot`] and for the flow by which a page is cut into blocks.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use html5ever::{LocalName, local_name};

use super::slot::Slot;

/// How an element takes part in the layout of text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flow {
    /// Never text: scripts, pictures, form controls.
    Never,
    /// Starts and ends a paragraph.
    Block,
    /// Part of a line.
    Inline,
}

/// What the renderer does with an element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// Never text: scripts, pictures, form controls.
    Never,
    /// A block with an empty line before and after it.
    Paragraph,
    /// A block on its own lines, without empty lines around it.
    Line,
    /// `h1` to `h6`, with the level.
    Heading(u8),
    /// `br`.
    Break,
    /// `hr`.
    Rule,
    /// `pre` and its obsolete relatives: white space is kept.
    Preformatted,
    /// `ul`, `dir` and `menu`.
    BulletList,
    /// `ol`.
    NumberedList,
    /// `li`.
    Item,
    /// `dd`.
    Description,
    /// `table`.
    Table,
    /// `tr`.
    Row,
    /// `td` and `th`.
    Cell,
    /// `blockquote`.
    BlockQuote,
    /// `img`.
    Image,
    /// `a`.
    Link,
    /// Code inside a line: `code`, `kbd`, `samp`, `tt`.
    Code,
    /// `b` and `strong`.
    Strong,
    /// `i` and `em`.
    Emphasis,
    /// Text that was struck out: `del`, `s`, `strike`.
    Strike,
    /// `sub`.
    Subscript,
    /// `sup`.
    Superscript,
    /// `q`, which gets quotation marks.
    Quote,
    /// `rt`: the reading of ruby text.
    Reading,
    /// No effect on its text.
    Inline,
}

impl Role {
    /// The flow that follows from the role.
    pub(crate) fn flow(self) -> Flow {
        match self {
            Self::Never => Flow::Never,
            Self::Paragraph
            | Self::Line
            | Self::Heading(_)
            | Self::Rule
            | Self::Preformatted
            | Self::BulletList
            | Self::NumberedList
            | Self::Item
            | Self::Description
            | Self::Table
            | Self::Row
            | Self::Cell
            | Self::BlockQuote => Flow::Block,
            _ => Flow::Inline,
        }
    }
}

/// What a tag means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tag {
    /// What the renderer does with it.
    pub(crate) role: Role,
    /// The slot by which the judge's trees know it, if any.
    pub(crate) slot: Option<Slot>,
    /// How the judge cuts a page at it. This is [`Role::flow`] except for the tags marked `judged_inline`.
    pub(crate) cut: Flow,
}

impl Tag {
    /// A tag that is not in the table.
    const UNKNOWN: Self = Self { role: Role::Inline, slot: None, cut: Flow::Inline };

    /// Looks a tag name up. Unknown names, such as those of custom elements, are inline.
    pub(crate) fn of(name: &LocalName) -> Self {
        TABLE.get(name).copied().unwrap_or(Self::UNKNOWN)
    }
}

/// A line of the table.
struct Entry {
    name: LocalName,
    role: Role,
    slot: Option<Slot>,
    judged_inline: bool,
}

/// A tag without a slot.
const fn tag(name: LocalName, role: Role) -> Entry {
    Entry { name, role, slot: None, judged_inline: false }
}

/// A tag with a slot.
const fn near(name: LocalName, role: Role, slot: Slot) -> Entry {
    Entry { name, role, slot: Some(slot), judged_inline: false }
}

/// A tag that the judge takes for part of a line although its role is different. The trees were trained on pages
/// cut this way, so correcting it needs newly trained trees. These tags are rare.
const fn judged_inline(name: LocalName, role: Role) -> Entry {
    Entry { name, role, slot: None, judged_inline: true }
}

/// The table, in alphabetical order.
static ENTRIES: &[Entry] = &[
    near(local_name!("a"), Role::Link, Slot::A),
    tag(local_name!("address"), Role::Paragraph),
    tag(local_name!("area"), Role::Never),
    near(local_name!("article"), Role::Paragraph, Slot::Article),
    near(local_name!("aside"), Role::Paragraph, Slot::Aside),
    tag(local_name!("audio"), Role::Never),
    near(local_name!("b"), Role::Strong, Slot::Emphasis),
    near(local_name!("blockquote"), Role::BlockQuote, Slot::Blockquote),
    tag(local_name!("body"), Role::Paragraph),
    tag(local_name!("br"), Role::Break),
    near(local_name!("button"), Role::Line, Slot::Button),
    tag(local_name!("canvas"), Role::Never),
    near(local_name!("caption"), Role::Paragraph, Slot::Figcaption),
    tag(local_name!("center"), Role::Paragraph),
    near(local_name!("code"), Role::Code, Slot::Pre),
    tag(local_name!("datalist"), Role::Never),
    tag(local_name!("dd"), Role::Description),
    tag(local_name!("del"), Role::Strike),
    near(local_name!("details"), Role::Paragraph, Slot::Details),
    tag(local_name!("dialog"), Role::Paragraph),
    tag(local_name!("dir"), Role::BulletList),
    tag(local_name!("div"), Role::Line),
    near(local_name!("dl"), Role::Paragraph, Slot::Dl),
    tag(local_name!("dt"), Role::Line),
    near(local_name!("em"), Role::Emphasis, Slot::Emphasis),
    tag(local_name!("embed"), Role::Never),
    near(local_name!("fieldset"), Role::Paragraph, Slot::Form),
    near(local_name!("figcaption"), Role::Line, Slot::Figcaption),
    near(local_name!("figure"), Role::Paragraph, Slot::Figure),
    near(local_name!("footer"), Role::Paragraph, Slot::Footer),
    near(local_name!("form"), Role::Paragraph, Slot::Form),
    tag(local_name!("frameset"), Role::Never),
    near(local_name!("h1"), Role::Heading(1), Slot::H1),
    near(local_name!("h2"), Role::Heading(2), Slot::H2),
    near(local_name!("h3"), Role::Heading(3), Slot::H3),
    near(local_name!("h4"), Role::Heading(4), Slot::H3),
    near(local_name!("h5"), Role::Heading(5), Slot::H3),
    near(local_name!("h6"), Role::Heading(6), Slot::H3),
    tag(local_name!("head"), Role::Never),
    near(local_name!("header"), Role::Line, Slot::Header),
    near(local_name!("hgroup"), Role::Line, Slot::Header),
    tag(local_name!("hr"), Role::Rule),
    tag(local_name!("html"), Role::Paragraph),
    near(local_name!("i"), Role::Emphasis, Slot::Emphasis),
    tag(local_name!("iframe"), Role::Never),
    tag(local_name!("image"), Role::Image),
    tag(local_name!("img"), Role::Image),
    tag(local_name!("input"), Role::Never),
    tag(local_name!("kbd"), Role::Code),
    near(local_name!("label"), Role::Inline, Slot::Label),
    tag(local_name!("legend"), Role::Line),
    near(local_name!("li"), Role::Item, Slot::Li),
    near(local_name!("listing"), Role::Preformatted, Slot::Pre),
    near(local_name!("main"), Role::Paragraph, Slot::Main),
    tag(local_name!("map"), Role::Never),
    near(local_name!("menu"), Role::BulletList, Slot::Nav),
    tag(local_name!("meter"), Role::Never),
    near(local_name!("nav"), Role::Paragraph, Slot::Nav),
    judged_inline(local_name!("noembed"), Role::Never),
    tag(local_name!("noframes"), Role::Never),
    near(local_name!("noscript"), Role::Paragraph, Slot::Noscript),
    tag(local_name!("object"), Role::Never),
    tag(local_name!("ol"), Role::NumberedList),
    tag(local_name!("option"), Role::Never),
    near(local_name!("p"), Role::Paragraph, Slot::P),
    judged_inline(local_name!("plaintext"), Role::Preformatted),
    near(local_name!("pre"), Role::Preformatted, Slot::Pre),
    tag(local_name!("progress"), Role::Never),
    tag(local_name!("q"), Role::Quote),
    judged_inline(local_name!("rp"), Role::Never),
    tag(local_name!("rt"), Role::Reading),
    tag(local_name!("s"), Role::Strike),
    tag(local_name!("samp"), Role::Code),
    tag(local_name!("script"), Role::Never),
    judged_inline(local_name!("search"), Role::Paragraph),
    near(local_name!("section"), Role::Paragraph, Slot::Section),
    tag(local_name!("select"), Role::Never),
    tag(local_name!("strike"), Role::Strike),
    near(local_name!("strong"), Role::Strong, Slot::Emphasis),
    tag(local_name!("style"), Role::Never),
    tag(local_name!("sub"), Role::Subscript),
    near(local_name!("summary"), Role::Line, Slot::Details),
    tag(local_name!("sup"), Role::Superscript),
    tag(local_name!("svg"), Role::Never),
    near(local_name!("table"), Role::Table, Slot::Table),
    tag(local_name!("tbody"), Role::Line),
    tag(local_name!("td"), Role::Cell),
    tag(local_name!("template"), Role::Never),
    tag(local_name!("textarea"), Role::Never),
    tag(local_name!("tfoot"), Role::Line),
    tag(local_name!("th"), Role::Cell),
    tag(local_name!("thead"), Role::Line),
    judged_inline(local_name!("title"), Role::Never),
    tag(local_name!("tr"), Role::Row),
    tag(local_name!("tt"), Role::Code),
    tag(local_name!("ul"), Role::BulletList),
    tag(local_name!("video"), Role::Never),
    judged_inline(local_name!("xmp"), Role::Preformatted),
];

/// The table by name. Names are interned, so their hash is ready.
static TABLE: LazyLock<HashMap<LocalName, Tag, BuildHasherDefault<ReadyHash>>> = LazyLock::new(|| {
    let meaning = |entry: &Entry| {
        let cut = if entry.judged_inline { Flow::Inline } else { entry.role.flow() };
        Tag { role: entry.role, slot: entry.slot, cut }
    };
    ENTRIES.iter().map(|entry| (entry.name.clone(), meaning(entry))).collect()
});

/// Takes the hash of an interned name as it is.
#[derive(Default)]
struct ReadyHash(u64);

impl Hasher for ReadyHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, hash: u32) {
        // The table uses both the low and the high bits.
        self.0 = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests;
