//! Authors: where pages name them, and which of the statements names the people and not the site.

use super::name::{MAX_BYTES, is_person, is_role, name};
use super::site::{Site, letters};
use super::text::short_text;
use crate::extract::dom::{Dom, NodeId, WalkEvent};

/// Meta tags with the author; earlier ones are preferred.
pub(super) const AUTHOR: &[&str] = &[
    "dc:creator",
    "dcterm:creator",
    "dcterms:creator",
    "author",
    "parsely-author",
    "article:author_name",
    "article:author",
    "og:article:author",
    "og:author",
    "citation_author",
    "sailthru:author",
    "cxenseparse:author",
    "byl",
    "dc:author",
    "twitter:creator",
];

/// Names in the order they are stated, each once. Texts that are not names, such as addresses and handles, are left
/// out.
pub(super) fn names<'a>(stated: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in stated.into_iter().filter_map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The authors among the statements, the surest first, joined by `, `.
///
/// Publishers that do not know the author state the site instead, or the account that published the page. Then the
/// people that the page names elsewhere are its authors; without any, the statement is taken.
pub(super) fn choose(statements: &[Vec<String>], site: &Site) -> Option<String> {
    let names_people = |names: &&Vec<String>| names.iter().any(|name| !site.is(name) && !is_role(name));
    let people = statements.iter().find(names_people);
    let names = people.or_else(|| statements.iter().find(|names| !names.is_empty()))?;
    let stated = names.iter().filter(|name| people.is_none() || !site.is(name));
    let spelled: Vec<&str> = stated.map(|name| spelled(name, statements)).collect();
    Some(spelled.join(", "))
}

/// The name of an account in the spelling that another statement has: `ada.lovelace` for `Ada Lovelace`.
fn spelled<'a>(name: &'a str, statements: &'a [Vec<String>]) -> &'a str {
    if name.contains(' ') {
        return name;
    }
    let same = |other: &&String| other.contains(' ') && letters(other) == letters(name);
    statements.iter().flatten().find(same).map_or(name, String::as_str)
}

/// The byline in an element: the parts marked as names if there are any, else the whole text if it is short.
pub(super) fn of_element(dom: &Dom, id: NodeId) -> Vec<String> {
    let mut marked = Vec::new();
    for event in dom.walk(id).skip(1).take(200) {
        let WalkEvent::Enter(below) = event else { continue };
        let property = dom.attribute(below, "itemprop").unwrap_or_default();
        if property == "name" {
            marked.extend(dom.attribute(below, "content").map(str::to_owned));
            marked.extend(short_text(dom, below, MAX_BYTES));
        }
    }
    let marked = names(marked.iter().map(String::as_str));
    if !marked.is_empty() {
        return marked;
    }
    let text = short_text(dom, id, MAX_BYTES);
    let name = text.as_deref().and_then(name).filter(|name| is_short(name));
    name.map(|name| first_name(dom, id).filter(|_| !is_list(&name)).unwrap_or(name)).into_iter().collect()
}

/// Whether a text is a list of names, and no role follows them.
fn is_list(text: &str) -> bool {
    let parts =
        text.split([',', ';', '&']).flat_map(|part| part.split(" and ")).flat_map(|part| part.split(" und "));
    parts.map(str::trim).all(|part| part.split(' ').count() <= 3)
}

/// The first text below an element, if it reads like a name; others after it are roles.
fn first_name(dom: &Dom, id: NodeId) -> Option<String> {
    let texts = dom.walk(id).take(100).filter_map(|event| match event {
        WalkEvent::Enter(below) => dom.text(below),
        WalkEvent::Leave(_) => None,
    });
    texts.filter_map(name).next().filter(|name| name.contains(' ') && is_person(name))
}

/// Whether an address leads to the page of an author: a part of its path says so, and the next one names the author.
pub(super) fn is_address(address: &str) -> bool {
    const PARTS: &[&str] = &[
        "author",
        "authors",
        "autor",
        "autoren",
        "autores",
        "auteur",
        "auteurs",
        "contributor",
        "contributors",
        "writer",
        "writers",
        "journalist",
        "journalists",
        "reporter",
        "columnist",
    ];
    let is_author = |start: &usize| {
        let (part, rest) = address[*start..].split_once('/').unwrap_or_default();
        let named = !rest.is_empty() && !rest.starts_with(['/', '?', '#']);
        named && PARTS.iter().any(|word| part.eq_ignore_ascii_case(word))
    };
    // The first letters exclude most parts.
    let may_be = |start: &usize| {
        let letter = address.as_bytes().get(*start).map(|letter| letter | 0x20);
        matches!(letter, Some(b'a' | b'c' | b'j' | b'r' | b'w'))
    };
    let starts = address.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(place, _)| place + 1);
    std::iter::once(0).chain(starts).filter(may_be).any(|start| is_author(&start))
}

/// Whether a text from an element that is only named like a byline reads like a few names.
fn is_short(name: &str) -> bool {
    const NOT_IN_NAMES: &[char] = &['$', '%', '!', '?', '"', '„', '“', '»', ':', '=', '{'];
    !name.contains(NOT_IN_NAMES)
        && !name.ends_with("Updated")
        && name.split([',', '&', ';']).all(|part| part.split(' ').count() <= 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn byline(html: &str) -> String {
        let dom = Dom::parse(html);
        of_element(&dom, dom.body().expect("a page has a body")).join(", ")
    }

    #[test]
    fn bylines_in_elements() {
        let cases = [
            ("By Ada Lovelace", "Ada Lovelace"),
            ("<b>By</b> <i itemprop=name>Ada</i> and <i itemprop=name>Bo</i>", "Ada, Bo"),
            ("<p><meta itemprop=name content=Ada></p>", "Ada"),
            ("Price: $5", ""),
            ("Who wrote this?", ""),
            ("one two three four five six seven eight", ""),
            ("Ada Lovelace, Bo Kuhn & Cy", "Ada Lovelace, Bo Kuhn & Cy"),
            ("<a>Ada Lovelace</a>, <a>Bo Kuhn</a>", "Ada Lovelace, Bo Kuhn"),
            ("By <a>Ada Lovelace</a> <i>Senior Editor At Large</i>", "Ada Lovelace"),
            ("", ""),
        ];
        for (html, expected) in cases {
            assert_eq!(byline(html), expected, "{html}");
        }
    }

    #[test]
    fn names_are_stated_once_each() {
        assert_eq!(names(["Ada", "By Ada", "Bo", "@bo", "https://x"]), ["Ada", "Bo"]);
        assert_eq!(names(["@bo", "12"]), Vec::<String>::new());
    }

    #[test]
    fn people_come_before_the_site() {
        let site = Site::new(["The Shore".to_owned()], Some("https://shore.example/"));
        let choose = |statements: &[&[&str]]| {
            let owned =
                |names: &&[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
            let statements: Vec<Vec<String>> = statements.iter().map(owned).collect();
            choose(&statements, &site)
        };
        let cases: &[(&[&[&str]], Option<&str>)] = &[
            (&[&["Ada"], &["Bo"]], Some("Ada")),
            (&[&["The Shore"], &["Bo"]], Some("Bo")),
            (&[&["Ada", "the shore"], &["Bo"]], Some("Ada")),
            (&[&["admin"], &["Ada Lovelace", "Bo"]], Some("Ada Lovelace, Bo")),
            (&[&["The Shore"], &["admin"]], Some("The Shore")),
            (&[&["Ada", "Redaktion"]], Some("Ada, Redaktion")),
            (&[&["admin"]], Some("admin")),
            (&[&["ada.lovelace"], &["Ada Lovelace"]], Some("Ada Lovelace")),
            (&[&["ada"], &["Bo"]], Some("ada")),
            (&[], None),
        ];
        for (statements, expected) in cases {
            assert_eq!(choose(statements).as_deref(), *expected, "{statements:?}");
        }
    }

    #[test]
    fn addresses_of_authors() {
        for address in ["/author/ada", "https://x.example/Autoren/ada/", "../authors/ada?x#y"] {
            assert!(is_address(address), "{address}");
        }
        for address in ["/author/", "/author", "/authority/ada", "", "/"] {
            assert!(!is_address(address), "{address}");
        }
    }
}
