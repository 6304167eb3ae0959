//! Short texts: white space collapsed, and taken from elements only as far as they are short.

use std::borrow::Cow;

use crate::extract::dom::{Dom, NodeId, WalkEvent};

/// Steps of a walk after which a text is not short. This also bounds the work on nested elements.
const MAX_STEPS: usize = 400;

/// Bytes with white space per byte without it, beyond which a text is not read to its end.
const MAX_WHITE_SPACE: usize = 8;

/// Maximum length of the name of a character reference, in bytes.
const MAX_REFERENCE: usize = 10;

/// Collapses white space and drops marks for hyphenation; `None` if nothing is left.
pub(super) fn clean(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let is_mark = |c: char| matches!(c, '\u{ad}' | '\u{200b}');
    for word in text.split_whitespace().filter(|word| !word.chars().all(is_mark)) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().filter(|c| !is_mark(*c)));
    }
    (!out.is_empty()).then_some(out)
}

/// Decodes character references that are left in a text because the publisher encoded it twice: `Tom &amp;amp; Jerry`.
/// Addresses are left alone.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    let is_name = |rest: &str| {
        let end = rest.find(';').filter(|end| (2..=MAX_REFERENCE).contains(end));
        end.is_some_and(|end| rest[..end].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#'))
    };
    let encoded = text.match_indices('&').any(|(place, _)| is_name(&text[place + 1..]));
    if !encoded || text.starts_with("http") {
        return Cow::Borrowed(text);
    }
    let dom = Dom::parse(&text.replace('<', "&lt;"));
    Cow::Owned(dom.text_below(dom.root()))
}

/// Text below an element if it has at most `limit` bytes. Visits no more of the page than needed.
pub(super) fn short_text(dom: &Dom, id: NodeId, limit: usize) -> Option<String> {
    let mut text = String::new();
    for (step, event) in dom.walk(id).enumerate() {
        if step > MAX_STEPS {
            return None;
        }
        let WalkEvent::Enter(id) = event else { continue };
        if let Some(part) = dom.text(id) {
            // A border between elements is a border between words.
            if !text.is_empty() && dom.parent(id).is_some() {
                text.push(' ');
            }
            text.push_str(part.trim_start_matches(['\n', '\r', '\t']));
            if text.len() > MAX_WHITE_SPACE * limit {
                return None;
            }
        }
    }
    clean(&text).filter(|text| text.len() <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_collapses_to_nothing_or_single_spaces() {
        assert_eq!(clean("  a \n\t b\u{a0}c "), Some("a b c".to_owned()));
        assert_eq!(clean("bro\u{ad}ken at the end"), Some("broken at the end".to_owned()));
        assert_eq!(clean(" \n "), None);
        assert_eq!(clean(""), None);
    }

    #[test]
    fn references_that_are_left_are_decoded() {
        for (text, expected) in [
            ("Tom &amp; Jerry", "Tom & Jerry"),
            ("Bo&#8217;s &eacute;tude", "Bo’s étude"),
            ("a < b &lt; c", "a < b < c"),
            ("R & D; x", "R & D; x"),
            ("http://x/?a=1&copy;=2", "http://x/?a=1&copy;=2"),
            ("&;", "&;"),
        ] {
            assert_eq!(decoded(text), expected);
        }
    }

    fn short(html: &str, limit: usize) -> Option<String> {
        let dom = Dom::parse(html);
        short_text(&dom, dom.body().expect("a page has a body"), limit)
    }

    #[test]
    fn texts_of_several_elements_are_words() {
        assert_eq!(short("<p>Ada</p><p>Bo</p>", 100), Some("Ada Bo".to_owned()));
        assert_eq!(short("<b>A</b>da", 100), Some("A da".to_owned()), "a border counts as one between words");
    }

    #[test]
    fn the_limit_counts_bytes_without_surplus_white_space() {
        assert_eq!(short("<p>  abcd  </p>", 4), Some("abcd".to_owned()));
        assert_eq!(short("<p>abcde</p>", 4), None);
        assert_eq!(short("<p>ab é</p>", 4), None, "5 bytes");
        assert_eq!(short(&format!("<p>a{}</p>", " ".repeat(100)), 4), None);
    }

    #[test]
    fn a_short_text_in_many_elements_is_not_short() {
        assert_eq!(short(&("<b>".repeat(100) + "a" + &"</b>".repeat(100)), 10), Some("a".to_owned()));
        assert_eq!(short(&("<b></b>".repeat(300) + "a"), 10), None);
        assert_eq!(short("", 10), None);
    }
}
