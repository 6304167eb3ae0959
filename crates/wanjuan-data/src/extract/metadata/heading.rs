//! [`Headings`]: the headings of a page, and which of them is that of its content.

use std::collections::BTreeSet;

use super::headline;
use super::site::is_first_page;
use super::text::clean;
use crate::extract::dom::{Dom, NodeId, Role, WalkEvent};

/// The `title` element and the headings, which tell where the content of a page begins.
#[derive(Default)]
pub(super) struct Headings {
    /// The `title` element.
    pub(super) title: Option<String>,
    /// Texts of `h1` and `h2`, except those that lead to the first page of the site, as logos do.
    pub(super) all: Vec<String>,
    /// Texts of `h1` that can be the title, because they are not beside the content.
    pub(super) main: Vec<String>,
    /// The heading that the content begins with.
    pub(super) first: Option<NodeId>,
}

/// Maximum number of headings. A page that has more repeats itself.
const MAX_FOUND: usize = 16;

/// A heading, while the one that the content begins with is searched.
struct Heading {
    id: NodeId,
    text: String,
    is_main: bool,
}

/// Where on a page an element is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    /// It may be in the content.
    Content,
    /// In a menu and the like.
    Beside,
    /// The parser took it out of the page, or it is in a template.
    Nowhere,
}

impl Headings {
    /// Looks at all elements of the page, in the order of the source.
    pub(super) fn read(dom: &Dom) -> Self {
        let mut title = None;
        let mut found = Vec::new();
        for id in (0..dom.len()).map(NodeId::from_index) {
            match dom.role(id) {
                Role::Heading(level @ 1..=2) => {
                    let place = place(dom, id);
                    if found.len() < MAX_FOUND && place != Place::Nowhere && !leads_home(dom, id) {
                        let is_main = level == 1 && place == Place::Content;
                        found.extend(headline::of(dom, id).map(|text| Heading { id, text, is_main }));
                    }
                }
                Role::Never if title.is_none() && dom.tag(id) == Some("title") => {
                    title = clean(&dom.text_below(id)).filter(|_| place(dom, id) != Place::Nowhere);
                }
                _ => {}
            }
        }
        let first = first(&found, title.as_deref().unwrap_or_default());
        let main = found.iter().filter(|heading| heading.is_main).map(|heading| heading.text.clone());
        Self {
            title,
            main: main.collect(),
            all: found.into_iter().map(|heading| heading.text).collect(),
            first,
        }
    }
}

fn place(dom: &Dom, id: NodeId) -> Place {
    let mut place = Place::Content;
    for outer in std::iter::successors(dom.parent(id), |outer| dom.parent(*outer)) {
        if outer == dom.root() {
            return place;
        }
        if matches!(dom.tag(outer), Some("nav" | "aside" | "footer" | "dialog")) {
            place = Place::Beside;
        }
    }
    Place::Nowhere
}

/// The heading whose words are those of the `title` element, else one that is a large part of it, else the first `h1`.
fn first(found: &[Heading], title: &str) -> Option<NodeId> {
    let main = || found.iter().filter(|heading| heading.is_main);
    let compared = main().rev().map(|heading| (heading, Overlap::of(&heading.text, title)));
    // Of equals the last one is the maximum.
    let alike = compared.filter(|(_, overlap)| overlap.is_half());
    let alike = alike.max_by(|(_, one), (_, other)| one.share().total_cmp(&other.share()));
    let alike = alike.map(|(heading, _)| heading);
    // A small part is the name of the site.
    let is_large = |heading: &&Heading| 4 * heading.text.len() >= title.len();
    let part = || found.iter().filter(is_large).find(|heading| title.contains(&heading.text));
    alike.or_else(part).or_else(|| main().next()).map(|heading| heading.id)
}

/// Whether a heading is a link to the first page of the site, as logos are.
fn leads_home(dom: &Dom, heading: NodeId) -> bool {
    let home = |id: NodeId| dom.tag(id) == Some("a") && dom.attribute(id, "href").is_some_and(is_first_page);
    let around = dom.parent(heading).is_some_and(home);
    around || dom.walk(heading).take(40).any(|event| matches!(event, WalkEvent::Enter(id) if home(id)))
}

/// How many words two texts have in common.
#[derive(Clone, Copy)]
pub(super) struct Overlap {
    /// Number of different words in both.
    pub(super) common: usize,
    /// Number of different words of the first text.
    pub(super) first: usize,
    /// Number of different words of the second text.
    pub(super) second: usize,
}

impl Overlap {
    /// Compares the words of two texts in any case.
    pub(super) fn of(first: &str, second: &str) -> Self {
        let (first, second) = (words(first), words(second));
        let common = first.intersection(&second).count();
        Self { common, first: first.len(), second: second.len() }
    }

    /// Whether at least half of the words of the shorter text are in the other.
    pub(super) fn is_half(self) -> bool {
        self.common > 0 && 2 * self.common >= self.first.min(self.second)
    }

    /// Share of the words in both among the words in either.
    pub(super) fn share(self) -> f64 {
        self.common as f64 / (self.first + self.second - self.common).max(1) as f64
    }
}

/// The different words of a text; a Han or kana character is a word. An apostrophe belongs to its word.
fn words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let text = text.to_lowercase().replace('’', "'");
    for run in text.split(|c: char| !c.is_alphanumeric() && c != '\'') {
        let mut word = String::new();
        for c in run.trim_matches('\'').chars() {
            match c {
                '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' => {
                    words.extend([std::mem::take(&mut word), c.to_string()]);
                }
                c => word.push(c),
            }
        }
        words.insert(word);
    }
    words.remove("");
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(html: &str) -> Headings {
        Headings::read(&Dom::parse(html))
    }

    #[test]
    fn menus_and_logos_are_not_main() {
        let found = read(
            "<h1><a href=/>Shore</a></h1><nav><h1>Menu</h1></nav><h1>Tides <b>turn</b>¶</h1><h2>Why</h2>\
             <footer><h1>About</h1></footer>",
        );
        assert_eq!(found.main, ["Tides turn"]);
        assert!(read("<template><title>T</title><h1>Tides</h1></template>").all.is_empty());
        assert_eq!(found.all, ["Menu", "Tides turn", "Why", "About"]);
    }

    #[test]
    fn the_content_begins_with_the_heading_of_the_title() {
        let first = |html: &str| {
            let dom = Dom::parse(html);
            let first = Headings::read(&dom).first;
            first.map(|id| dom.text_below(id))
        };
        for (html, expected) in [
            ("<title>Tides turn | Shore</title><h1>Shore</h1><h1>Tides do turn</h1>", Some("Tides do turn")),
            ("<title>Tides | Shore</title><h1>News of today</h1><h2>Tides</h2>", Some("Tides")),
            (
                "<title>The tides of the sea | Shore</title><h2>Shore</h2><h1>Why it turns</h1>",
                Some("Why it turns"),
            ),
            ("<title>Other</title><h1>News</h1>", Some("News")),
            ("<title>Other</title><h2>News</h2>", None),
            ("", None),
        ] {
            assert_eq!(first(html).as_deref(), expected, "{html}");
        }
    }

    #[test]
    fn words_in_common() {
        let overlap = Overlap::of("Tides turn at noon", "At noon: the TIDES");
        assert_eq!((overlap.common, overlap.first, overlap.second), (3, 4, 4));
        assert!(overlap.is_half() && (overlap.share() - 0.6).abs() < 1e-9);
        assert_eq!(Overlap::of("潮汐ab", "潮").common, 1);
        assert_eq!(Overlap::of("the sea’s 'tides'", "The sea's tides").common, 3);
        let none = Overlap::of("", "");
        assert!(!none.is_half() && none.share() == 0.0);
    }
}
