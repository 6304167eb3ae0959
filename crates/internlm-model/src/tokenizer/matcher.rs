//! Finding fixed strings in text: special tokens, added tokens and user-defined pieces.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::TokenId;

/// A part of a text that was cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part<'a> {
    /// A match.
    Id(TokenId),
    /// Text between matches.
    Text(&'a str),
}

/// What a string asks of the text around it: the flags of an added token in `tokenizer.json`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Edges {
    /// It is found only where no letter, digit or underscore is next to it.
    pub(super) single_word: bool,
    /// The white space before it belongs to it.
    pub(super) lstrip: bool,
    /// The white space after it belongs to it.
    pub(super) rstrip: bool,
}

impl Edges {
    /// What a string takes of `text` when it is at `found` and everything before `taken` is gone; `None` when the
    /// string may not be there. As `AddedVocabulary::find_matches` of the `tokenizers` crate.
    fn widen(self, text: &str, found: Range<usize>, taken: usize) -> Option<Range<usize>> {
        if self == Self::default() {
            return Some(found);
        }
        let (before, after) = (&text[..found.start], &text[found.end..]);
        let is_word = |character| regex_syntax::try_is_word_character(character).unwrap_or(false);
        let inside =
            before.chars().next_back().is_some_and(is_word) || after.chars().next().is_some_and(is_word);
        if self.single_word && inside {
            return None;
        }
        let start = if self.lstrip { before.trim_end().len() } else { found.start };
        let end = if self.rstrip { text.len() - after.trim_start().len() } else { found.end };
        Some(start.max(taken)..end)
    }
}

/// Strings that are cut out of the text first, longest at each place.
pub(super) struct Matcher {
    automaton: AhoCorasick,
    entries: Vec<(TokenId, Edges)>,
}

impl Matcher {
    /// `None` when there is nothing to find.
    pub(super) fn new(strings: &[(String, TokenId)]) -> Option<Self> {
        Self::with_edges(strings.iter().map(|(text, id)| (text.as_str(), *id, Edges::default())))
    }

    /// Like [`new`](Self::new), for strings that ask something of the text around them. Of equal strings the first one
    /// is found.
    pub(super) fn with_edges<'a>(strings: impl Iterator<Item = (&'a str, TokenId, Edges)>) -> Option<Self> {
        let (texts, entries): (Vec<&str>, Vec<_>) =
            strings.map(|(text, id, edges)| (text, (id, edges))).unzip();
        if entries.is_empty() {
            return None;
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(texts)
            .expect("a vocabulary's strings fit into an automaton");
        Some(Self { automaton, entries })
    }

    /// `text` in order: matches as ids, what is between them as text. No part is empty.
    pub(super) fn cut<'a>(matcher: Option<&Self>, text: &'a str) -> Vec<Part<'a>> {
        Self::cut_if(matcher, text, |_| true)
    }

    /// Like [`cut`](Self::cut); a match that is not to `keep` stays text.
    pub(super) fn cut_if<'a>(
        matcher: Option<&Self>,
        text: &'a str,
        keep: impl Fn(TokenId) -> bool,
    ) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        Self::ranges_if(matcher, text, keep, |range: Range<usize>, id: Option<TokenId>| {
            parts.push(id.map_or(Part::Text(&text[range]), Part::Id));
        });
        parts
    }

    /// Calls `part` with the ranges of `text` in order, each with the id of the match that takes it.
    pub(super) fn ranges_if(
        matcher: Option<&Self>,
        text: &str,
        keep: impl Fn(TokenId) -> bool,
        mut part: impl FnMut(Range<usize>, Option<TokenId>),
    ) {
        let mut start = 0;
        if let Some(Self { automaton, entries }) = matcher {
            for found in automaton.find_iter(text) {
                let (id, edges) = entries[found.pattern().as_usize()];
                let taken = edges.widen(text, found.range(), start).filter(|_| keep(id));
                let Some(taken) = taken else { continue };
                if start < taken.start {
                    part(start..taken.start, None);
                }
                start = taken.end;
                part(taken, Some(id));
            }
        }
        if start < text.len() {
            part(start..text.len(), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, edges: Edges) -> Vec<Part<'_>> {
        let matcher = Matcher::with_edges([("<a>", TokenId(7), edges), ("b", TokenId(8), edges)].into_iter());
        Matcher::cut(matcher.as_ref(), text)
    }

    #[test]
    fn edges_take_white_space_along_and_look_for_words() {
        use Part::{Id, Text};
        let (a, b) = (Id(TokenId(7)), Id(TokenId(8)));
        let none = Edges::default();
        assert_eq!(cut("x <a> b", none), [Text("x "), a, Text(" "), b]);
        let left = Edges { lstrip: true, ..none };
        assert_eq!(cut(" \n<a>  b y", left), [a, b, Text(" y")]);
        let right = Edges { rstrip: true, ..none };
        assert_eq!(cut("x <a> \u{3000}b y", right), [Text("x "), a, b, Text("y")]);
        // Both want the same spaces: the first one has them.
        let both = Edges { lstrip: true, rstrip: true, ..none };
        assert_eq!(cut("<a>  b ", both), [a, b]);
        let word = Edges { single_word: true, ..none };
        assert_eq!(cut("b ab é_b (b) <a>b", word), [b, Text(" ab é_b ("), b, Text(") <a>"), b]);
    }
}
