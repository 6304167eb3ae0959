//! [`limit_attributes`]: shortens a tag with thousands of attributes before it is parsed.
//!
//! html5ever compares each attribute with all before it, so a megabyte tag of 100,000 attributes would take a
//! minute. Tags written by people or by programs have a few dozen.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memrchr};

/// Step of the search, in bytes. A tag shorter than two steps cannot hold enough attributes to matter.
const WINDOW: usize = 16 << 10;

/// Number of attributes kept in a long tag.
const MAX_ATTRIBUTES: usize = 1024;

/// Returns the page without the surplus attributes of very long tags.
pub(crate) fn limit_attributes(html: &str) -> Cow<'_, str> {
    let bytes = html.as_bytes();
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    // Any stretch of two windows without `<` contains one aligned window: it is a long tag, or a long text.
    while let Some(window) = bytes.get(at..at + WINDOW) {
        let (from, inside) = (at, memchr(b'<', window));
        at += WINDOW;
        if inside.is_none()
            && let Some(start) = memrchr(b'<', &bytes[copied..from]).map(|start| copied + start)
            && bytes[start + 1].is_ascii_alphabetic()
            && let Some(surplus) = surplus(bytes, start)
        {
            out.push_str(&html[copied..surplus.start]);
            (copied, at) = (surplus.end, surplus.end);
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    out.push_str(&html[copied..]);
    Cow::Owned(out)
}

/// Bytes of the surplus attributes of the tag at `start`, up to its `>`; `None` if it has no surplus.
fn surplus(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let (mut quote, mut after_space, mut attributes, mut cut) = (None, false, 0, None);
    let mut before = b' ';
    for (offset, byte) in bytes[start..].iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if before == b'=' => quote = Some(*byte),
            (None, b'>') => return cut.map(|cut| cut..start + offset),
            (None, byte) if byte.is_ascii_whitespace() => after_space = true,
            (None, _) if after_space => {
                after_space = false;
                attributes += 1;
                if attributes == MAX_ATTRIBUTES {
                    cut = Some(start + offset);
                }
            }
            _ => {}
        }
        before = *byte;
    }
    cut.map(|cut| cut..bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surplus_attributes_go_and_text_stays() {
        let attributes: String = (0..10_000).map(|n| format!(" a{n}='>'")).collect();
        let page = format!("<p>before</p><p{attributes}>text</p>{}", "word ".repeat(20_000));
        let limited = limit_attributes(&page);
        assert!(limited.len() < page.len() - 80_000, "{} bytes", limited.len());
        assert!(limited.contains("a1000=") && limited.contains(">text</p>word word"));
    }

    #[test]
    fn ordinary_pages_are_untouched() {
        let long = format!("<p title=\"{}\">text</p>", "a > b ".repeat(10_000));
        for page in ["", "<p>", "a > b", long.as_str()] {
            assert!(matches!(limit_attributes(page), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn a_long_tag_without_end_is_cut_to_the_end() {
        let page = format!("<p{}", " a=1".repeat(20_000));
        let limited = limit_attributes(&page);
        assert_eq!(limited.matches("a=1").count(), MAX_ATTRIBUTES - 1);
    }

    #[test]
    fn a_closing_bracket_in_quotes_does_not_end_the_tag() {
        let attributes = " a='>'".repeat(8_000);
        let page = format!("<p{attributes} b=\"<i>\">x</p>");
        let limited = limit_attributes(&page);
        assert!(
            limited.ends_with(">x</p>") && !limited.contains("<i>"),
            "{}",
            &limited[limited.len() - 40..]
        );
    }

    proptest::proptest! {
        /// Text without tags is never cut, however long.
        #[test]
        fn text_is_untouched(word in "[a-z>'\"= ]{1,30}", times in 1..4_000_usize) {
            let page = word.repeat(times);
            proptest::prop_assert_eq!(limit_attributes(&page), page.as_str());
        }

        /// Two long tags are both cut, and everything outside of them stays.
        #[test]
        fn only_tags_are_cut(first in 9_000..12_000_usize, between in "[a-z ]{0,50}", second in 9_000..12_000_usize) {
            let page = format!("<a{}>{between}</a><b{}>end", " x=12".repeat(first), " y=12".repeat(second));
            let limited = limit_attributes(&page);
            let kept = MAX_ATTRIBUTES - 1;
            let expected =
                format!("<a{} >{between}</a><b{} >end", " x=12".repeat(kept), " y=12".repeat(kept));
            proptest::prop_assert_eq!(limited, expected);
        }
    }
}
