//! Names of authors: from bylines and meta tags, without the words around them.

use super::date;
use super::text::{clean, short_text};
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

/// Maximum length of a byline, in bytes.
const MAX_BYTES: usize = 100;

/// Words before a name, which are cut off.
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

/// Joins names by `, `, each once. Texts that are not names, such as addresses and handles, are left out.
pub(super) fn names<'a>(stated: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for name in stated.into_iter().filter_map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join(", "))
}

/// The byline in an element: the parts marked as names if there are any, else the whole text if it is short.
pub(super) fn of_element(dom: &Dom, id: NodeId) -> Option<String> {
    let mut marked = Vec::new();
    for event in dom.walk(id).skip(1).take(200) {
        let WalkEvent::Enter(below) = event else { continue };
        let property = dom.attribute(below, "itemprop").unwrap_or_default();
        if property == "name" {
            marked.extend(dom.attribute(below, "content").map(str::to_owned));
            marked.extend(short_text(dom, below, MAX_BYTES));
        }
    }
    if let Some(names) = names(marked.iter().map(String::as_str)) {
        return Some(names);
    }
    short_text(dom, id, MAX_BYTES).as_deref().and_then(name).filter(|name| is_short(name))
}

/// Whether a text from an element that is only named like a byline reads like a few names.
fn is_short(name: &str) -> bool {
    const NOT_IN_NAMES: &[char] = &['$', '%', '!', '?', '"', '„', '“', '»', ':', '=', '{'];
    !name.contains(NOT_IN_NAMES)
        && !name.ends_with("Updated")
        && name.split([',', '&', ';']).all(|part| part.split(' ').count() <= 7)
}

/// A name without the words around it; `None` if the text is not a name.
fn name(text: &str) -> Option<String> {
    let text = clean(text)?;
    if text.starts_with("http") || text.starts_with(['@', '/', '{', '<']) || text.len() > 2 * MAX_BYTES {
        return None;
    }
    let mut rest = text.as_str();
    while let Some(shorter) = without_lead(rest) {
        rest = shorter;
    }
    // The name ends before a role after a bar, an address in brackets, or a date.
    let end = rest.find(['|', '•', '·', '<']).unwrap_or(rest.len());
    let end = rest[..end].find("(http").unwrap_or(end);
    let rest = without_date(&rest[..end]);
    let rest = rest
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '-' | '–' | '—' | ';' | '/'));
    let letters = rest.chars().filter(|c| c.is_alphabetic()).count();
    let valid = letters >= 2 && !rest.contains('@');
    valid.then(|| rest.to_owned())
}

/// Cuts the text before the first word that starts with a digit, and before the month in front of it.
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

/// Cuts one of the words before a name; `None` without such a word.
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

    fn byline(html: &str) -> Option<String> {
        let dom = Dom::parse(html);
        of_element(&dom, dom.body().expect("a page has a body"))
    }

    #[test]
    fn bylines_in_elements() {
        let cases = [
            ("By Ada Lovelace", Some("Ada Lovelace")),
            ("<b>By</b> <i itemprop=name>Ada</i> and <i itemprop=name>Bo</i>", Some("Ada, Bo")),
            ("<p><meta itemprop=name content=Ada></p>", Some("Ada")),
            ("Price: $5", None),
            ("Who wrote this?", None),
            ("one two three four five six seven eight", None),
            ("Ada Lovelace, Bo Kuhn & Cy", Some("Ada Lovelace, Bo Kuhn & Cy")),
            ("", None),
        ];
        for (html, expected) in cases {
            assert_eq!(byline(html).as_deref(), expected, "{html}");
        }
    }

    #[test]
    fn names_are_joined_once_each() {
        assert_eq!(names(["Ada", "By Ada", "Bo", "@bo", "https://x"]).as_deref(), Some("Ada, Bo"));
        assert_eq!(names(["@bo", "12"]), None);
        assert_eq!(names([]), None);
    }

    #[test]
    fn leads_are_whole_words() {
        for (text, rest) in [
            ("by Ada", Some("Ada")),
            ("By: Ada", Some("Ada")),
            ("Byron", None),
            ("by", None),
            ("Autor/in", None),
            ("作者/王", Some("王")),
            ("von ", None),
        ] {
            assert_eq!(without_lead(text), rest, "{text}");
        }
    }

    proptest::proptest! {
        /// A name is a part of the text it was found in, apart from white space.
        #[test]
        fn names_are_not_invented(text in "[A-Za-zé:|,@ ]{0,40}") {
            let all = text.split_whitespace().collect::<Vec<_>>().join(" ");
            proptest::prop_assert!(name(&text).is_none_or(|name| all.contains(&name)));
        }
    }
}
