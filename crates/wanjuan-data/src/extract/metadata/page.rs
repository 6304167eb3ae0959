//! [`Page`]: collects everything on a page that may be metadata, in one walk.

use super::author;
use super::text::{clean, short_text};
use super::text_date::TextDate;
use crate::extract::dom::{Dom, NodeId, WalkEvent};

/// What the walk found, in document order.
#[derive(Default)]
pub(super) struct Page {
    /// The `title` element.
    pub(super) title: Option<String>,
    /// Texts of `h1` and `h2`.
    pub(super) headings: Vec<String>,
    /// `itemprop=headline`.
    pub(super) headline: Option<String>,
    /// Language of the `html` element.
    pub(super) language: Option<String>,
    /// Address of the page, as the page itself states it.
    pub(super) address: Option<String>,
    /// Texts of JSON-LD scripts.
    pub(super) json_ld: Vec<String>,
    /// Addresses of links with `rel=license`.
    pub(super) licenses: Vec<String>,
    /// Addresses of other links to Creative Commons.
    pub(super) creative_commons: Vec<String>,
    /// Meta tags by `property`, and those by another attribute.
    metas: [Vec<Meta>; 2],
    /// Texts with dates, for each [`Evidence`].
    dates: [Vec<String>; 3],
    /// Bylines, for each [`Evidence`].
    bylines: [Vec<String>; 3],
    text_date: TextDate,
    /// The open element whose authors and dates are not those of the page, such as a comment.
    foreign: Option<NodeId>,
    /// The open element that credits a picture.
    figure: Option<NodeId>,
    /// The open element that is named like a byline.
    open_byline: Option<NodeId>,
}

/// A meta tag.
struct Meta {
    /// In lower case, `:` for `.`.
    name: String,
    content: String,
}

/// Maximum number of elements of one kind. A page that has more repeats itself.
const MAX_FOUND: usize = 16;

/// Maximum length of a headline, in bytes.
const MAX_HEADLINE: usize = 400;

/// Maximum length of a text with a date, in bytes.
const MAX_DATE: usize = 120;

/// What kind of markup a statement rests on, surest first. The number is the place in `dates` and `bylines`.
#[derive(Clone, Copy)]
enum Evidence {
    /// Microdata.
    Property = 0,
    /// `rel=author`, `time`.
    Element = 1,
    /// A class or id that reads like it.
    Name = 2,
}

impl Page {
    /// Walks over the page.
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
            "h1" | "h2" if self.headings.len() < MAX_FOUND => {
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
                self.metas[place.min(1)].push(Meta { name, content: content.clone() });
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

    /// Microdata and markup outside of foreign elements.
    fn look_at_markup(&mut self, dom: &Dom, id: NodeId, tag: &str, words: NameWords) {
        let property = dom.attribute(id, "itemprop").unwrap_or_default();
        let has = |name: &str| !property.is_empty() && property.split_whitespace().any(|one| one == name);
        if has("headline") && self.headline.is_none() {
            self.headline =
                dom.attribute(id, "content").and_then(clean).or_else(|| short_text(dom, id, MAX_HEADLINE));
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
            if found.len() < MAX_FOUND {
                let stated = ["content", "datetime", "title"].iter().find_map(|name| dom.attribute(id, name));
                found.extend(stated.map(str::to_owned));
                found.extend(short_text(dom, id, MAX_DATE));
            }
        }
    }

    fn look_at_byline(&mut self, dom: &Dom, id: NodeId, evidence: Evidence) {
        let found = &mut self.bylines[evidence as usize];
        if found.len() >= MAX_FOUND {
            return;
        }
        let Some(name) = author::of_element(dom, id) else { return };
        match evidence {
            Evidence::Name => match self.open_byline.take() {
                // Inside another such element this one is nearer to the name.
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

    /// Content of the first meta tag with one of the names; earlier names are preferred.
    pub(super) fn meta(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.metas_of(name).next()).map(str::to_owned)
    }

    /// Contents of the meta tags with a name: those by `property`, else the others.
    pub(super) fn metas_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let has = |metas: &&Vec<Meta>| metas.iter().any(|meta| meta.name == name);
        let metas = self.metas.iter().find(has).into_iter().flatten();
        metas.filter(move |meta| meta.name == name).map(|meta| meta.content.as_str())
    }

    /// Texts with dates, surest first: microdata, `time` elements, elements named like a date, a text near the heading.
    pub(super) fn dates(&self) -> impl Iterator<Item = &str> {
        self.dates.iter().flatten().map(String::as_str).chain(self.text_date.found())
    }

    /// The surest byline.
    pub(super) fn byline(&self) -> Option<String> {
        self.bylines.iter().flatten().next().cloned()
    }
}

/// Elements without text, whose class says nothing. Microdata in `meta` and `link` is read like meta tags.
fn has_no_text(tag: &str) -> bool {
    matches!(
        tag,
        "script" | "style" | "link" | "meta" | "img" | "br" | "input" | "option" | "svg" | "path" | "source"
    )
}

/// Whether `rel` of a link contains a relation.
fn is_related(dom: &Dom, id: NodeId, relation: &str) -> bool {
    let relations = dom.attribute(id, "rel").unwrap_or_default();
    relations.len() >= relation.len()
        && relations.split_whitespace().any(|one| one.eq_ignore_ascii_case(relation))
}

/// Elements that contain a whole page, whatever they are named.
fn is_page(tag: &str) -> bool {
    matches!(tag, "html" | "body" | "main" | "article")
}

/// What the class and id of an element read like.
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

    /// Looks at a name in one pass. The letter at a position decides which words are compared there.
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
