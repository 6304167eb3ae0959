//! [`Page`]: the parts of a page that carry metadata, collected in one walk.

use super::super::dom::{Dom, NodeId, WalkEvent};
use super::author;
use super::clean;
use super::text_date::TextDate;

/// What the walk found, in document order.
#[derive(Default)]
pub(super) struct Page {
    /// The `title` element.
    pub(super) title: Option<String>,
    /// Texts of `h1` and `h2`.
    pub(super) headings: Vec<String>,
    /// `itemprop=headline`.
    pub(super) headline: Option<String>,
    pub(super) language: Option<String>,
    /// Address of the page as it states it.
    pub(super) address: Option<String>,
    /// Texts of JSON-LD scripts.
    pub(super) json_ld: Vec<String>,
    /// Addresses of links with `rel=license`.
    pub(super) licenses: Vec<String>,
    /// Addresses of other links to Creative Commons.
    pub(super) creative_commons: Vec<String>,
    /// By `property`, then by another attribute.
    metas: [Vec<(String, String)>; 2],
    dates: [Vec<String>; 3],
    bylines: [Vec<String>; 3],
    text_date: TextDate,
    /// The open element below which other people write and other dates stand.
    foreign: Option<NodeId>,
    /// The open element below which a picture is credited.
    figure: Option<NodeId>,
    /// The open element that is named like a byline.
    open_byline: Option<NodeId>,
}

/// Elements of one kind that are looked at; a page that has more repeats itself.
const ENOUGH: usize = 16;

/// How sure markup is, and the place in [`Page::dates`] and [`Page::bylines`].
#[derive(Clone, Copy)]
enum Evidence {
    /// Microdata.
    Property = 0,
    /// `rel=author`, `time`.
    Element = 1,
    /// A class or id that sounds like it.
    Name = 2,
}

impl Page {
    pub(super) fn read(dom: &Dom) -> Self {
        let mut page = Self::default();
        for event in dom.walk(dom.root()) {
            match event {
                WalkEvent::Enter(id) => page.enter(dom, id),
                WalkEvent::Leave(id) => {
                    for open in [&mut page.foreign, &mut page.figure, &mut page.open_byline] {
                        *open = open.filter(|open| *open != id);
                    }
                }
            }
        }
        page
    }

    fn enter(&mut self, dom: &Dom, id: NodeId) {
        let Some(tag) = dom.tag(id) else {
            if self.foreign.is_none() {
                self.text_date.look_at(dom.text(id).unwrap_or_default());
            }
            return;
        };
        self.look_at(dom, id, tag);
        if has_no_text(tag) {
            return;
        }
        let words = NameWords::of(dom, id);
        if words.foreign && !is_page(tag) {
            self.foreign.get_or_insert(id);
        }
        if (words.caption && !is_page(tag)) || tag == "figure" {
            self.figure.get_or_insert(id);
        }
        if self.foreign.is_none() {
            self.look_at_markup(dom, id, tag, words);
        }
    }

    fn look_at(&mut self, dom: &Dom, id: NodeId, tag: &str) {
        let attribute = |name: &str| dom.attribute(id, name);
        match tag {
            "html" => {
                self.language = attribute("lang").or_else(|| attribute("xml:lang")).and_then(clean);
            }
            "title" if self.title.is_none() => self.title = clean(&dom.text_below(id)),
            "h1" | "h2" if self.headings.len() < ENOUGH => {
                let Some(heading) = clean(&dom.text_below(id)) else { return };
                if self.title.as_deref().is_some_and(|title| title.contains(&heading)) {
                    self.text_date.at_heading();
                }
                self.headings.push(heading);
            }
            "meta" => self.look_at_meta(dom, id),
            "script" if attribute("type").is_some_and(|kind| kind.contains("ld+json")) => {
                self.json_ld.push(dom.text_below(id));
            }
            "link" | "a" => self.look_at_link(dom, id, tag),
            _ => {}
        }
    }

    fn look_at_meta(&mut self, dom: &Dom, id: NodeId) {
        let Some(content) = dom.attribute(id, "content").and_then(clean) else { return };
        for (place, attribute) in ["property", "name", "itemprop", "http-equiv"].into_iter().enumerate() {
            let names = dom.attribute(id, attribute).unwrap_or_default();
            for name in names.split_whitespace() {
                let name = name.to_ascii_lowercase().replace('.', ":");
                if name == "og:url" && self.address.is_none() {
                    self.address = Some(content.clone());
                }
                self.metas[place.min(1)].push((name, content.clone()));
            }
        }
    }

    fn look_at_link(&mut self, dom: &Dom, id: NodeId, tag: &str) {
        let Some(address) = dom.attribute(id, "href") else { return };
        if is_related(dom, id, "license") {
            self.licenses.push(address.to_owned());
        } else if tag == "a" && self.figure.is_none() && address.contains("creativecommons.org/") {
            self.creative_commons.push(address.to_owned());
        } else if tag == "link" && is_related(dom, id, "canonical") {
            self.address = clean(address);
        }
    }

    /// Microdata and markup of the page's own content.
    fn look_at_markup(&mut self, dom: &Dom, id: NodeId, tag: &str, words: NameWords) {
        let property = dom.attribute(id, "itemprop").unwrap_or_default();
        let has = |name: &str| !property.is_empty() && property.split_whitespace().any(|one| one == name);
        if has("headline") && self.headline.is_none() {
            self.headline = dom.attribute(id, "content").and_then(clean).or_else(|| short_text(dom, id, 400));
        }
        let author = match () {
            () if has("author") => Some(Evidence::Property),
            () if tag == "a" && is_related(dom, id, "author") => Some(Evidence::Element),
            () if words.author => Some(Evidence::Name),
            () => None,
        };
        if let Some(evidence) = author.filter(|_| !is_page(tag)) {
            self.look_at_byline(dom, id, evidence);
        }
        let date = match () {
            () if has("datePublished") || has("dateCreated") => Some(Evidence::Property),
            () if tag == "time" => Some(Evidence::Element),
            () if words.date => Some(Evidence::Name),
            () => None,
        };
        if let Some(evidence) = date {
            let found = &mut self.dates[evidence as usize];
            if found.len() < ENOUGH {
                let stated = ["content", "datetime", "title"].iter().find_map(|name| dom.attribute(id, name));
                found.extend(stated.map(str::to_owned));
                found.extend(short_text(dom, id, 120));
            }
        }
    }

    fn look_at_byline(&mut self, dom: &Dom, id: NodeId, evidence: Evidence) {
        let found = &mut self.bylines[evidence as usize];
        if found.len() >= ENOUGH {
            return;
        }
        let Some(name) = author::of_element(dom, id) else { return };
        match evidence {
            Evidence::Name => match self.open_byline.take() {
                // Of an element in such an element the inner one is nearer to the name.
                Some(_) => {
                    found.pop();
                    found.push(name);
                }
                None => {
                    found.push(name);
                    self.open_byline = Some(id);
                }
            },
            _ => found.push(name),
        }
    }

    /// The first of the named meta tags.
    pub(super) fn meta(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.metas_of(name).next()).map(str::to_owned)
    }

    /// Contents of the meta tags of one name: those by `property`, else the others.
    pub(super) fn metas_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let has = |metas: &&Vec<(String, String)>| metas.iter().any(|(key, _)| key == name);
        let metas = self.metas.iter().find(has).into_iter().flatten();
        metas.filter(move |(key, _)| key == name).map(|(_, content)| content.as_str())
    }

    /// Dates in microdata, `time` elements, elements that are named so and texts by the heading, surest first.
    pub(super) fn dates(&self) -> impl Iterator<Item = &str> {
        self.dates.iter().flatten().map(String::as_str).chain(self.text_date.found())
    }

    /// The surest byline.
    pub(super) fn byline(&self) -> Option<String> {
        self.bylines.iter().flatten().next().cloned()
    }
}

/// Elements whose class says nothing about text; microdata in `meta` and `link` is read as meta tags are.
fn has_no_text(tag: &str) -> bool {
    matches!(
        tag,
        "script" | "style" | "link" | "meta" | "img" | "br" | "input" | "option" | "svg" | "path" | "source"
    )
}

/// Whether a link has this relation to the page.
fn is_related(dom: &Dom, id: NodeId, relation: &str) -> bool {
    let relations = dom.attribute(id, "rel").unwrap_or_default();
    relations.len() >= relation.len()
        && relations.split_whitespace().any(|one| one.eq_ignore_ascii_case(relation))
}

fn is_page(tag: &str) -> bool {
    matches!(tag, "html" | "body" | "main" | "article")
}

/// Text below an element if it has at most `limit` bytes; looks no further than needed.
pub(super) fn short_text(dom: &Dom, id: NodeId, limit: usize) -> Option<String> {
    let mut text = String::new();
    for (step, event) in dom.walk(id).enumerate() {
        // A short text in many elements is no short text; this also bounds the work on nested elements.
        if step > 400 {
            return None;
        }
        let WalkEvent::Enter(id) = event else { continue };
        if let Some(part) = dom.text(id) {
            // A break between elements is one between words.
            if !text.is_empty() && dom.parent(id).is_some() {
                text.push(' ');
            }
            text.push_str(part.trim_start_matches(['\n', '\r', '\t']));
            if text.len() > 8 * limit {
                return None;
            }
        }
    }
    clean(&text).filter(|text| text.len() <= limit)
}

/// What class and id of an element sound like.
#[derive(Clone, Copy, Default)]
struct NameWords {
    author: bool,
    date: bool,
    foreign: bool,
    caption: bool,
}

impl NameWords {
    fn of(dom: &Dom, id: NodeId) -> Self {
        let mut words = Self::default();
        for name in ["class", "id"].iter().filter_map(|name| dom.attribute(id, name)) {
            words.scan(name.as_bytes());
        }
        words
    }

    /// One pass over the name; the first letter of a word decides what is compared.
    fn scan(&mut self, name: &[u8]) {
        for (place, byte) in name.iter().enumerate() {
            let rest = &name[place..];
            let is = |word: &str| {
                rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
            };
            match byte | 0x20 {
                b'a' => self.author |= is("author") || is("auteur") || is("autor"),
                b'b' => self.author |= is("byline"),
                b'w' => self.author |= is("writtenby"),
                b'd' => self.date |= is("date") && !is("dateline"),
                b'p' => self.date |= is("published") || is("pubtime") || is("posted"),
                b'c' => {
                    self.foreign |= is("comment");
                    self.caption |= is("caption") || is("credit");
                }
                b'r' => self.foreign |= is("related") || is("recommend"),
                b's' => self.foreign |= is("sidebar"),
                _ => {}
            }
        }
    }
}
