//! Names of authors: which element holds them, and what to leave out.

use super::super::dom::{Dom, NodeId, WalkEvent};
use super::page::short_text;
use super::{clean, date};

/// Meta tags of authors.
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

/// Bylines are no longer than this, in bytes.
const LONGEST: usize = 100;

/// Words before a name.
const LEAD: &[&str] = &[
    "written by",
    "posted by",
    "published by",
    "story by",
    "submitted by",
    "geschrieben von",
    "verfasst von",
    "text und interview",
    "interview",
    "text",
    "eingestellt von",
    "pressemitteilung von",
    "ein artikel von",
    "ein beitrag von",
    "beitrag von",
    "text von",
    "escrito por",
    "publicado por",
    "publié par",
    "écrit par",
    "scritto da",
    "author",
    "authors",
    "autor",
    "autorin",
    "autoren",
    "auteur",
    "作者",
    "记者",
    "by",
    "von",
    "par",
    "por",
    "from",
    "di",
    "door",
    "af",
    "av",
];

/// Names joined by `, `, each once; what is no name (addresses, handles) is left out.
pub(super) fn names<'a>(stated: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for name in stated.into_iter().filter_map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join(", "))
}

/// The byline in an element: the part marked as name if there is one, else all of a short text.
pub(super) fn of_element(dom: &Dom, id: NodeId) -> Option<String> {
    let mut marked = Vec::new();
    for event in dom.walk(id).skip(1).take(200) {
        let WalkEvent::Enter(below) = event else { continue };
        let property = dom.attribute(below, "itemprop").unwrap_or_default();
        if property == "name" {
            marked.extend(dom.attribute(below, "content").map(str::to_owned));
            marked.extend(short_text(dom, below, LONGEST));
        }
    }
    if let Some(names) = names(marked.iter().map(String::as_str)) {
        return Some(names);
    }
    short_text(dom, id, LONGEST).as_deref().and_then(name).filter(|name| is_short(name))
}

/// Whether a text from an element that is only named like a byline has the length of a few names.
fn is_short(name: &str) -> bool {
    const NO_NAME: &[char] = &['$', '%', '!', '?', '"', '„', '“', '»', ':', '=', '{'];
    !name.contains(NO_NAME)
        && !name.ends_with("Updated")
        && name.split([',', '&', ';']).all(|part| part.split(' ').count() <= 7)
}

/// A name without what surrounds it; `None` when the text is none.
fn name(text: &str) -> Option<String> {
    let text = clean(text)?;
    if text.starts_with("http") || text.starts_with(['@', '/', '{', '<']) || text.len() > 2 * LONGEST {
        return None;
    }
    let mut rest = text.as_str();
    while let Some(shorter) = without_lead(rest) {
        rest = shorter;
    }
    // A role behind a bar, an address in brackets, a date: the name ends before it.
    let end = rest.find(['|', '•', '·', '<']).unwrap_or(rest.len());
    let end = rest[..end].find("(http").unwrap_or(end);
    let rest = without_date(&rest[..end]);
    let rest = rest
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '-' | '–' | '—' | ';' | '/'));
    let letters = rest.chars().filter(|c| c.is_alphabetic()).count();
    let valid = letters >= 2 && !rest.contains('@');
    valid.then(|| rest.to_owned())
}

/// Cuts before the first number that is a word of its own, and before the month in front of it.
fn without_date(text: &str) -> &str {
    let starts = text.match_indices(' ').map(|(place, _)| place);
    let number = |place: &usize| text[place + 1..].starts_with(|c: char| c.is_ascii_digit());
    let Some(end) = starts.into_iter().find(number) else { return text };
    let head = &text[..end];
    match head.rsplit_once(' ') {
        Some((before, last)) if date::is_month(last) || date::is_preposition(last) => before,
        _ => head,
    }
}

fn without_lead(text: &str) -> Option<&str> {
    LEAD.iter().find_map(|lead| {
        let head = text.get(..lead.len())?;
        let rest = &text[lead.len()..];
        let ends = rest.starts_with([' ', ':', '：']) || (rest.starts_with('/') && !lead.is_ascii());
        let same = head == *lead || head.to_lowercase() == *lead;
        let rest = rest.trim_start_matches([' ', ':', '：', '/']);
        (same && ends && !rest.is_empty()).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_freed_of_what_surrounds_them() {
        let of = |text: &str| name(text).unwrap_or_default();
        assert_eq!(of("  By\n\tScott  Cunningham "), "Scott Cunningham");
        assert_eq!(of("Written by: Rob Ewaschuk | SRE"), "Rob Ewaschuk");
        assert_eq!(of("Von Anna Beyer"), "Anna Beyer");
        assert_eq!(of("Ada Lovelace May 20, 2019"), "Ada Lovelace");
        assert_eq!(of("Ada Lovelace (with Bo) on 3 May"), "Ada Lovelace (with Bo)");
        assert_eq!(of("Bo Kuhn (http://example.org/)"), "Bo Kuhn");
        assert_eq!(of("c1ph4"), "c1ph4");
        assert_eq!(of("Byron Vonnegut"), "Byron Vonnegut");
        assert_eq!(of("作者：王小明"), "王小明");
        for text in ["https://example.org/ada", "@ada", "ada@example.org", "By", "12", ""] {
            assert_eq!(name(text).filter(|name| name != "By"), None, "{text}");
        }
    }
}
