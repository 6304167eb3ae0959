//! Titles, without the name of the site around them.

use super::text::clean;

/// Characters between a title and the name of its site.
const SEPARATORS: &[char] =
    &['|', '-', '–', '—', '\\', '/', '>', '»', '›', '·', '•', ':', '｜', '_', '«', '‹', '<'];

/// A stated title, without the name of the site at its start or end. If a part of it is a heading of the page, that is
/// the title. Otherwise separators belong to the title.
pub(super) fn without_site(title: &str, site: Option<&str>, headings: &[String]) -> String {
    let heading = headings.iter().filter(|heading| is_telling(heading, site) && is_part(title, heading));
    if let Some(heading) = heading.max_by_key(|heading| heading.len()) {
        return heading.clone();
    }
    let Some(site) = site.filter(|site| !site.is_empty()) else { return title.to_owned() };
    let ends = |rest: &str| rest.trim_end().ends_with(SEPARATORS);
    let starts = |rest: &str| rest.trim_start().starts_with(SEPARATORS);
    let bare = |rest: &str| clean(rest.trim_matches(|c: char| c.is_whitespace() || SEPARATORS.contains(&c)));
    let before = strip_suffix(title, site).filter(|rest| ends(rest)).and_then(bare);
    let after = || strip_prefix(title, site).filter(|rest| starts(rest)).and_then(bare);
    before.or_else(after).unwrap_or_else(|| title.to_owned())
}

/// The title from the `title` element. Its last part counts as the site if at least three words are left before it.
pub(super) fn of_element(element: &str, site: Option<&str>, headings: &[String]) -> Option<String> {
    let title = without_site(element, site, headings);
    if title.is_empty() {
        return headings.first().cloned();
    }
    if title != element {
        return Some(title);
    }
    let spaced = |(place, separator): (usize, char)| {
        let wide = title[..place].ends_with(' ') && title[place + separator.len_utf8()..].starts_with(' ');
        (SEPARATORS.contains(&separator) && (wide || matches!(separator, '|' | '｜' | '_'))).then_some(place)
    };
    let cut = title.char_indices().filter_map(spaced).next_back();
    let words = |text: &str| text.split_whitespace().count().max(text.chars().filter(is_han).count() / 2);
    let head = cut.map(|place| title[..place].trim_end()).filter(|head| words(head) >= 3);
    Some(head.unwrap_or(&title).to_owned())
}

fn is_han(c: &char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// Whether a heading can be a title: it is more than a word, and not the name of the site.
fn is_telling(heading: &str, site: Option<&str>) -> bool {
    let long = heading.contains(' ') || heading.chars().filter(is_han).count() >= 4;
    long && site.is_none_or(|site| !site.eq_ignore_ascii_case(heading))
}

/// Whether `part` is one part of `title` between separators or ends, but not all of it.
fn is_part(title: &str, part: &str) -> bool {
    // A part that is much shorter is the site, a series or a section.
    (part.len() + 1..=4 * part.len()).contains(&title.len())
        && title.match_indices(part).any(|(start, _)| {
            let (before, after) = (title[..start].trim_end(), title[start + part.len()..].trim_start());
            (before.is_empty() || before.ends_with(SEPARATORS))
                && (after.is_empty() || after.starts_with(SEPARATORS))
        })
}

fn strip_suffix<'a>(title: &'a str, site: &str) -> Option<&'a str> {
    let start = title.len().checked_sub(site.len())?;
    title.get(start..).filter(|end| end.eq_ignore_ascii_case(site)).map(|_| &title[..start])
}

fn strip_prefix<'a>(title: &'a str, site: &str) -> Option<&'a str> {
    title.get(..site.len()).filter(|head| head.eq_ignore_ascii_case(site)).map(|_| &title[site.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_names_go_and_separators_of_the_title_stay() {
        let headings = ["The Bird Site".to_owned(), "Birds - a primer".to_owned()];
        let none: &[String] = &[];
        let cases = [
            ("Birds - a primer | Nature", None, &headings[..], "Birds - a primer"),
            (
                "The Bird Site: Home: Birds - a primer",
                Some("The Bird Site"),
                &headings[..],
                "Birds - a primer",
            ),
            ("Birds - a primer - nature", Some("Nature"), none, "Birds - a primer"),
            ("Nature: Birds - a primer", Some("Nature"), none, "Birds - a primer"),
            ("Birds and nature", Some("Nature"), none, "Birds and nature"),
            ("Birds - a primer", None, none, "Birds - a primer"),
        ];
        for (title, site, headings, expected) in cases {
            assert_eq!(without_site(title, site, headings), expected);
        }
        assert_eq!(of_element("All the birds – My site", None, none).as_deref(), Some("All the birds"));
        assert_eq!(of_element("Birds – My site", None, none).as_deref(), Some("Birds – My site"));
        assert_eq!(of_element("", None, &headings).as_deref(), Some("The Bird Site"));
        assert_eq!(of_element("", None, none), None);
    }

    #[test]
    fn names_of_sites_are_matched_in_any_case_and_at_both_ends() {
        let none: &[String] = &[];
        for (title, site, expected) in [
            ("Birds | NATURE", "nature", "Birds"),
            ("nature » Birds", "Nature", "Birds"),
            ("Birds – Nature ", "Nature", "Birds – Nature "),
            ("Birds Nature", "Nature", "Birds Nature"),
            ("Nature", "Nature", "Nature"),
            ("Birds: Nature", "", "Birds: Nature"),
            ("鸟 - 自然", "自然", "鸟"),
            ("é | Ä", "Ä", "é"),
            ("ß", "ßßßß", "ß"),
        ] {
            assert_eq!(without_site(title, Some(site), none), expected, "{title} of {site}");
        }
    }

    #[test]
    fn the_last_part_of_a_title_element_goes_if_enough_is_left() {
        let none: &[String] = &[];
        for (element, expected) in [
            ("One two three | Site", "One two three"),
            ("One two three - part - Site", "One two three - part"),
            ("One two three-four", "One two three-four"),
            ("One two | Site", "One two | Site"),
            ("One two three|Site", "One two three"),
            ("这是一个标题_网站", "这是一个标题"),
            ("标题_网站", "标题_网站"),
        ] {
            assert_eq!(of_element(element, None, none).as_deref(), Some(expected), "{element}");
        }
    }

    proptest::proptest! {
        /// A title is never longer than what the page states, and never empty.
        #[test]
        fn titles_only_shrink(title in "[A-Za-zé汉 |:–-]{1,40}", site in "[A-Za-zé汉 ]{1,8}", heading in "[A-Za-zé汉 ]{1,20}") {
            let headings = [heading];
            let found = without_site(&title, Some(&site), &headings);
            proptest::prop_assert!(found.len() <= title.len() && !found.is_empty(), "{:?}", found);
            proptest::prop_assert!(title.contains(&found) || title.split_whitespace().collect::<Vec<_>>().join(" ").contains(&found));
        }
    }
}
