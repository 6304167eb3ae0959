//! [`AddedTokens`]: tokens that are cut out of the text before the vocabulary sees it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::matcher::{Edges, Matcher, Part};
use crate::TokenId;

/// How text that spells a special token is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reading {
    /// It stays text.
    Plain,
    /// It is the token.
    Special,
    /// It is the token unless this character is inside of it. The character is then left out of the text.
    Marked(char),
}

impl Reading {
    /// Text between tokens, without what hides tokens.
    pub(super) fn shown(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Marked(hidden) if text.contains(hidden) => Cow::Owned(text.replace(hidden, "")),
            _ => Cow::Borrowed(text),
        }
    }
}

/// One token to cut out.
#[derive(Clone, Debug)]
pub(super) struct Added {
    /// What is looked for.
    pub(super) text: String,
    pub(super) id: TokenId,
    /// Whether [`Reading::Plain`] leaves it in the text.
    pub(super) special: bool,
    pub(super) edges: Edges,
}

/// Tokens to cut out of text, longest at each place.
pub(super) struct AddedTokens {
    matcher: Option<Matcher>,
    special: HashSet<TokenId>,
    /// Whether reading plainly finds nothing.
    all_special: bool,
}

impl AddedTokens {
    /// Of tokens with the same text the first one is found.
    pub(super) fn new(tokens: &[Added]) -> Self {
        let special: HashSet<TokenId> =
            tokens.iter().filter(|token| token.special).map(|token| token.id).collect();
        let strings = tokens.iter().map(|token| (token.text.as_str(), token.id, token.edges));
        Self {
            matcher: Matcher::with_edges(strings),
            all_special: tokens.iter().all(|token| token.special),
            special,
        }
    }

    /// `text` in order. A special token that stays text hides others it overlaps with, as in the `tokenizers` crate.
    pub(super) fn cut<'a>(&self, text: &'a str, reading: Reading) -> Vec<Part<'a>> {
        Matcher::cut_if(self.matcher(reading), text, |id| self.keeps(id, reading))
    }

    /// Calls `part` with the ranges of `text` in order, each with the id of the token that takes it.
    pub(super) fn ranges(
        &self,
        text: &str,
        reading: Reading,
        part: impl FnMut(Range<usize>, Option<TokenId>),
    ) {
        Matcher::ranges_if(self.matcher(reading), text, |id| self.keeps(id, reading), part);
    }

    fn keeps(&self, id: TokenId, reading: Reading) -> bool {
        reading != Reading::Plain || !self.special.contains(&id)
    }

    /// `None` when nothing would be found.
    fn matcher(&self, reading: Reading) -> Option<&Matcher> {
        self.matcher.as_ref().filter(|_| reading != Reading::Plain || !self.all_special)
    }
}
