//! [`RawTextPause`]: jumps over scripts and styles instead of reading them character by character.
//!
//! They are about half of the bytes of a page, and html5ever's tokenizer looks at each byte. This sink makes the
//! tokenizer stop after the start tag of such an element. [`skip_raw_text`] then searches for the end tag by the
//! rules of the HTML standard's script data states (section 13.2.5.4 and following).

use std::cell::Cell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult};
use html5ever::tree_builder::TreeSink;
use html5ever::{LocalName, local_name};
use memchr::memchr;
use memchr::memmem;

/// The elements whose text is skipped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RawText {
    Script,
    Style,
}

/// A token sink that interrupts the tokenizer after the start tags of [`RawText`] elements.
pub(crate) struct RawTextPause<S> {
    pub(crate) sink: S,
    paused: Cell<Option<RawText>>,
}

impl<S> RawTextPause<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self { sink, paused: Cell::new(None) }
    }

    /// The element at which the tokenizer stopped. Taking it clears it.
    pub(crate) fn paused(&self) -> Option<RawText> {
        self.paused.take()
    }
}

fn raw_text(name: &LocalName) -> Option<RawText> {
    match *name {
        local_name!("script") => Some(RawText::Script),
        local_name!("style") => Some(RawText::Style),
        _ => None,
    }
}

impl<H, Sink> TokenSink for RawTextPause<html5ever::tree_builder::TreeBuilder<H, Sink>>
where
    H: Clone,
    Sink: TreeSink<Handle = H>,
{
    type Handle = H;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<H> {
        let element = match &token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => raw_text(&tag.name),
            _ => None,
        };
        let result = self.sink.process_token(token, line);
        match (&result, element) {
            // The tree builder asks for raw text, so this is the HTML element and not its namesake in SVG.
            (TokenSinkResult::RawData(_), Some(element)) => {
                self.paused.set(Some(element));
                TokenSinkResult::Script(self.sink.sink.get_document())
            }
            _ => result,
        }
    }

    fn end(&self) {
        self.sink.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.sink.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Removes the text of `element` from the front of `input`, up to its end tag or the end of the page, and passes
/// it to `take`.
pub(crate) fn skip_raw_text(input: &BufferQueue, element: RawText, take: impl FnOnce(StrTendril)) {
    let Some(text) = input.pop_front() else { return };
    let end = match element {
        RawText::Script => script_end(&text),
        RawText::Style => tag_at_or_after(&text, 0, "</style").unwrap_or(text.len()),
    };
    // A tendril is at most 2^32 bytes long.
    let end = u32::try_from(end).unwrap_or(text.len32());
    take(text.subtendril(0, end));
    input.push_front(text.subtendril(end, text.len32() - end));
}

/// Position of `tag` (given with its angle bracket) as a whole word, in any letter case.
fn tag_at_or_after(text: &str, mut at: usize, tag: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    loop {
        at += memchr(b'<', bytes.get(at..)?)?;
        if is_tag(&bytes[at..], tag) {
            return Some(at);
        }
        at += 1;
    }
}

fn is_tag(bytes: &[u8], tag: &str) -> bool {
    bytes.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag.as_bytes()))
        && bytes
            .get(tag.len())
            .is_none_or(|next| matches!(next, b'\t' | b'\n' | 0x0c | b'\r' | b' ' | b'/' | b'>'))
}

/// Position of the end tag of a script. After `<!--`, a `<script` hides the next end tag, up to `-->`.
fn script_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut comment_end, mut hidden) = (0, None, false);
    while let Some(step) = bytes.get(at..).and_then(|rest| memchr(b'<', rest)) {
        at += step;
        if comment_end.is_some_and(|end| end < at) {
            (comment_end, hidden) = (None, false);
        }
        let rest = &bytes[at..];
        if is_tag(rest, "</script") {
            if !hidden {
                return at;
            }
            hidden = false;
        } else if comment_end.is_none() && rest.starts_with(b"<!--") {
            // The dashes may belong to both delimiters: `<!-->` is a whole comment.
            let end = memmem::find(&rest[2..], b"-->");
            comment_end = Some(end.map_or(usize::MAX, |end| at + 2 + end));
        } else if comment_end.is_some() && is_tag(rest, "<script") {
            hidden = true;
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scripts_end_where_the_standard_says() {
        for (script, length) in [
            ("a</script>b", 1),
            ("a</scripts></SCRIPT >", 11),
            ("<!--<script></script>--></script>", 24),
            ("<!--</script>", 4),
            ("<!--><script></script>", 13),
            ("<!---><script></script>", 14),
            ("no end", 6),
            ("", 0),
            ("<", 1),
            ("</script", 0),
            ("</script/", 0),
            ("</scriptx", 9),
            ("<!-- <script> --> </script>", 18),
            ("<!-- <script> </script> </script>", 24),
        ] {
            assert_eq!(script_end(script), length, "{script}");
        }
    }

    #[test]
    fn styles_end_at_the_first_end_tag() {
        for (style, end) in [
            ("p > a</style>", Some(5)),
            ("</STYLE\n>", Some(0)),
            ("<!-- </style> -->", Some(5)),
            ("</styles>", None),
        ] {
            assert_eq!(tag_at_or_after(style, 0, "</style"), end, "{style}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// What is skipped and what is left make up the input, and outside of comments the skipped part has no end
        /// tag.
        #[test]
        fn nothing_is_lost(
            parts in prop::collection::vec(
                prop::sample::select(&["a<b", "<script>", "</script>", "<!--", "-->", "</style >", "é"][..]), 0..12,
            ),
            element in prop::sample::select(&[RawText::Script, RawText::Style][..]),
        ) {
            let text = parts.concat();
            let input = BufferQueue::default();
            input.push_back(StrTendril::from_slice(&text));
            let mut taken = String::new();
            skip_raw_text(&input, element, |skipped| taken = skipped.to_string());
            let rest = input.pop_front().map_or(String::new(), |rest| rest.to_string());
            prop_assert_eq!(format!("{taken}{rest}"), text);
            let end = if element == RawText::Script { "</script" } else { "</style" };
            prop_assert!(rest.is_empty() || rest.starts_with(end), "{}", rest);
            prop_assert!(taken.contains("<!--") || !taken.contains(end), "{}", taken);
        }
    }
}
