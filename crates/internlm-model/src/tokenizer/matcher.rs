//! Finding fixed strings in text: special tokens and user-defined pieces.

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

/// Strings that are cut out of the text first, longest at each place.
pub(super) struct Matcher {
    automaton: AhoCorasick,
    ids: Vec<TokenId>,
}

impl Matcher {
    /// `None` when there is nothing to find.
    pub(super) fn new(strings: &[(String, TokenId)]) -> Option<Self> {
        if strings.is_empty() {
            return None;
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(strings.iter().map(|(text, _)| text))
            .expect("a vocabulary's strings fit into an automaton");
        Some(Self { automaton, ids: strings.iter().map(|(_, id)| *id).collect() })
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
        let mut start = 0;
        if let Some(matcher) = matcher {
            for found in matcher.automaton.find_iter(text) {
                let id = matcher.ids[found.pattern().as_usize()];
                if !keep(id) {
                    continue;
                }
                if start < found.start() {
                    parts.push(Part::Text(&text[start..found.start()]));
                }
                parts.push(Part::Id(id));
                start = found.end();
            }
        }
        if start < text.len() {
            parts.push(Part::Text(&text[start..]));
        }
        parts
    }
}
