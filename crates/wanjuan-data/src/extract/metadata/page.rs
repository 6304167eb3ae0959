//! [`Page`]: collects everything on a page that may be metadata, in one walk.

use html5ever::{LocalName, local_name};

use super::author;
use super::heading::Headings;
use super::labelled_date::LabelledDate;
use super::metas::Metas;
use super::name::is_person;
use super::name_words::{NameWords, Names};
use super::text::{clean, short_text};
use super::text_byline::TextByline;
use super::text_date::TextDate;
use crate::extract::dom::{Dom, NodeId, WalkEvent};

/// What the walk found, in document order.
#[derive(Default)]
pub(super) struct Page {
    /// The `title` element and the headings.
    pub(super) headings: Headings,
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
    /// The meta tags.
    pub(super) metas: Metas,
    /// Texts with dates of the last change.
    modified: Vec<String>,
    /// Texts with dates, for each [`Evidence`].
    dates: [Vec<String>; 3],
    /// The bylines, for each [`Evidence`].
    bylines: [Vec<Byline>; 5],
    text_date: TextDate,
    labelled_date: LabelledDate,
    text_byline: TextByline,
    open: Open,
}

/// The names in an element.
struct Byline {
    element: NodeId,
    names: Vec<String>,
}

/// Elements that the walk is in.
#[derive(Default)]
struct Open {
    /// All of the following, the innermost last.
    all: Vec<NodeId>,
    /// The outermost element whose authors and dates are not those of the page, such as a comment.
    foreign: Option<NodeId>,
    /// The article that the heading of the page is in.
    article: Option<NodeId>,
    /// The outermost element that credits a picture.
    figure: Option<NodeId>,
    /// The element that is named like a byline.
    byline: Option<NodeId>,
    /// The element whose text is not for readers.
    silent: Option<NodeId>,
    /// The form or menu, where accounts are those of the reader.
    form: Option<NodeId>,
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
    /// A link to the page of an author.
    Link = 3,
    /// An element named like an account.
    Account = 4,
}

impl Page {
    /// Walks over the page.
    pub(super) fn read(dom: &Dom) -> Self {
        let mut page = Self { headings: Headings::read(dom), ..Self::default() };
        for event in dom.walk(dom.root()) {
            match event {
                WalkEvent::Enter(id) => page.enter(dom, id),
                WalkEvent::Leave(id) => page.open.leave(id),
            }
        }
        page
    }

    fn enter(&mut self, dom: &Dom, id: NodeId) {
        let Some(tag) = dom.local_name(id) else {
            return self.look_at_text(dom.text(id).unwrap_or_default().trim());
        };
        let names = Names::of(dom, id);
        self.look_at(dom, id, tag, names);
        if self.headings.first == Some(id) {
            self.text_date.at_heading();
            self.text_byline.at_heading();
        }
        self.open.enter(id, tag);
        if has_no_text(tag) {
            return;
        }
        let words = NameWords::of(names);
        // A column in the article is about the article.
        let is_foreign = words.foreign || (words.sidebar && self.open.article.is_none());
        if is_foreign && !is_page(tag) && !self.is_around_heading(dom, id) {
            self.open.foreign.get_or_insert(id);
            self.open.all.push(id);
        }
        if *tag == local_name!("article") && self.is_around_heading(dom, id) {
            self.open.article.get_or_insert(id);
            self.open.all.push(id);
        }
        if words.caption && !is_page(tag) {
            self.open.figure.get_or_insert(id);
            self.open.all.push(id);
        }
        if self.open.foreign.is_none() {
            self.look_at_markup(dom, id, names, words);
        }
    }

    fn look_at_text(&mut self, text: &str) {
        if !text.is_empty() && self.open.foreign.is_none() && self.open.silent.is_none() {
            self.text_date.look_at(text);
            self.labelled_date.look_at(text);
            self.text_byline.look_at(text);
        }
    }

    /// Whether the content of the page begins in an element, whatever it is named.
    fn is_around_heading(&self, dom: &Dom, id: NodeId) -> bool {
        std::iter::successors(self.headings.first, |id| dom.parent(*id)).any(|outer| outer == id)
    }

    fn look_at(&mut self, dom: &Dom, id: NodeId, tag: &LocalName, names: Names<'_>) {
        let attribute = |name: &str| dom.attribute(id, name);
        match *tag {
            local_name!("html") => {
                self.language = attribute("lang").or_else(|| attribute("xml:lang")).and_then(clean);
            }
            local_name!("meta") => self.metas.look_at(dom, id),
            local_name!("script") if attribute("type").is_some_and(|kind| kind.contains("ld+json")) => {
                self.json_ld.push(dom.text_below(id));
            }
            local_name!("link") if names.is_related("canonical") => {
                self.address = names.address.and_then(clean)
            }
            local_name!("link") | local_name!("a") => self.look_at_license(names, *tag == local_name!("a")),
            _ => {}
        }
    }

    fn look_at_license(&mut self, names: Names<'_>, is_visible: bool) {
        let Some(address) = names.address else { return };
        if names.is_related("license") {
            self.licenses.push(address.to_owned());
        } else if is_visible && self.open.figure.is_none() && address.contains("creativecommons.org/") {
            self.creative_commons.push(address.to_owned());
        }
    }

    /// Microdata and markup outside of foreign elements.
    fn look_at_markup(&mut self, dom: &Dom, id: NodeId, names: Names<'_>, words: NameWords) {
        let Some(tag) = dom.local_name(id) else { return };
        let is_link = *tag == local_name!("a");
        let is_marked = names.is_marked();
        let has = |name: &str| is_marked && names.has_property(name);
        if has("headline") && self.headline.is_none() {
            self.headline =
                dom.attribute(id, "content").and_then(clean).or_else(|| short_text(dom, id, MAX_HEADLINE));
        }
        let leads_to_author = || is_link && names.address.is_some_and(author::is_address);
        let author = match () {
            () if has("author") => Some(Evidence::Property),
            () if is_link && names.is_related("author") => Some(Evidence::Element),
            () if words.author => Some(Evidence::Name),
            () if leads_to_author() => Some(Evidence::Link),
            () if words.account && self.open.form.is_none() => Some(Evidence::Account),
            () => None,
        };
        if let Some(evidence) = author.filter(|_| !is_page(tag)) {
            self.look_at_byline(dom, id, evidence);
        }
        let date = match () {
            () if has("datePublished") || has("dateCreated") => Some(Evidence::Property),
            () if *tag == local_name!("time") => Some(Evidence::Element),
            () if words.date => Some(Evidence::Name),
            () => None,
        };
        if let Some(evidence) = date {
            let is_modified = words.modified && !matches!(evidence, Evidence::Property);
            let found = if is_modified { &mut self.modified } else { &mut self.dates[evidence as usize] };
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
        let names = author::of_element(dom, id);
        if names.is_empty() {
            return;
        }
        if matches!(evidence, Evidence::Link) && !names.iter().all(|name| is_person(name)) {
            return;
        }
        if matches!(evidence, Evidence::Name) {
            // Inside another such element this one is nearer to the name.
            if self.open.byline.take().is_some() {
                found.pop();
            } else {
                self.open.byline = Some(id);
                self.open.all.push(id);
            }
        }
        let Some(last) = found.last_mut().filter(|last| are_alike(dom, last.element, id)) else {
            return found.push(Byline { element: id, names });
        };
        for name in names {
            if !last.names.contains(&name) {
                last.names.push(name);
            }
        }
    }

    /// Texts with dates, surest first: microdata, `time` elements, elements named like a date, a text that says so, a
    /// text near the heading.
    pub(super) fn dates(&self) -> impl Iterator<Item = &str> {
        let texts = self.labelled_date.published().into_iter().chain(self.text_date.found());
        self.dates.iter().flatten().map(String::as_str).chain(texts)
    }

    /// Texts with dates in microdata and `time` elements.
    pub(super) fn marked_dates(&self) -> impl Iterator<Item = &str> {
        let marked = [Evidence::Property, Evidence::Element];
        marked.into_iter().flat_map(|evidence| &self.dates[evidence as usize]).map(String::as_str)
    }

    /// The text that is nothing but a date and directly beside the heading.
    pub(super) fn date_beside_heading(&self) -> Option<&str> {
        self.text_date.beside_heading()
    }

    /// The first text that is nothing but a date, on a page without a heading.
    pub(super) fn date_without_heading(&self) -> Option<&str> {
        self.text_date.without_heading()
    }

    /// Texts with dates of the last change: elements named like it, a text that says so.
    pub(super) fn modified(&self) -> impl Iterator<Item = &str> {
        self.modified.iter().map(String::as_str).chain(self.labelled_date.modified())
    }

    /// The names in the bylines, surest first: microdata, links to the author, elements named like a byline, a text
    /// near the heading.
    pub(super) fn bylines(&self) -> impl Iterator<Item = Vec<String>> {
        let text = self.text_byline.found().map(|name| vec![name.to_owned()]);
        self.bylines.iter().flatten().map(|byline| byline.names.clone()).chain(text)
    }
}

impl Open {
    fn enter(&mut self, id: NodeId, tag: &LocalName) {
        match *tag {
            local_name!("script") | local_name!("style") | local_name!("title") => {
                self.silent.get_or_insert(id);
            }
            local_name!("form") | local_name!("nav") | local_name!("label") => {
                self.form.get_or_insert(id);
            }
            local_name!("figure") => {
                self.figure.get_or_insert(id);
            }
            _ => return,
        }
        self.all.push(id);
    }

    /// Leaves an element. Most elements are not open in this sense, and those that are close in turn.
    fn leave(&mut self, id: NodeId) {
        if self.all.last() != Some(&id) {
            return;
        }
        while self.all.last() == Some(&id) {
            self.all.pop();
        }
        let texts = [&mut self.silent, &mut self.form, &mut self.byline];
        for open in [&mut self.foreign, &mut self.article, &mut self.figure].into_iter().chain(texts) {
            *open = open.filter(|open| *open != id);
        }
    }
}

/// Elements without text, whose class says nothing. Microdata in `meta` and `link` is read like meta tags.
fn has_no_text(tag: &LocalName) -> bool {
    matches!(
        *tag,
        local_name!("script")
            | local_name!("style")
            | local_name!("link")
            | local_name!("meta")
            | local_name!("img")
            | local_name!("br")
            | local_name!("input")
            | local_name!("option")
            | local_name!("svg")
            | local_name!("path")
            | local_name!("source")
    )
}

/// Whether two elements are items of a list: they have the same parent and the same class.
fn are_alike(dom: &Dom, one: NodeId, other: NodeId) -> bool {
    one != other
        && dom.parent(one) == dom.parent(other)
        && dom.attribute(one, "class") == dom.attribute(other, "class")
}

/// Elements that contain a whole page, whatever they are named.
fn is_page(tag: &LocalName) -> bool {
    matches!(*tag, local_name!("html") | local_name!("body") | local_name!("main") | local_name!("article"))
}
