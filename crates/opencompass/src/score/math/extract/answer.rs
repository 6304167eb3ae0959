//! [`answers`]: the answer of a text, as a value and as text.

use super::anchor::{Anchor, announced, find_words};
use super::environment::{Content, Environments, Formula, Formulas};
use super::formula::read;
use super::plain;
use crate::score::math::latex::Expr;
use crate::score::math::normal::{Boxes, Repairs};

/// The maximum length of the text that is searched, in bytes.
const MAX_TEXT: usize = 32 * 1024;

/// Where an answer may be, and how often the search tries again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::score::math) enum Source {
    /// Formulas and numbers anywhere, until one can be read: the library's default.
    Anywhere,
    /// Formulas and numbers anywhere, of which the first that is found decides: OpenCompass' setting for references.
    First,
    /// Formulas in boxes or behind the word "answer", of which the first decides: OpenCompass' setting for
    /// predictions.
    Anchored,
}

/// The answer of a text: its value if it can be read, and its text.
#[derive(Clone, Debug, Default)]
pub(in crate::score::math) struct Answer {
    pub(in crate::score::math) value: Option<Expr>,
    pub(in crate::score::math) text: Option<String>,
}

/// A place in a text that may be its answer.
enum Candidate<'a> {
    Formulas(Formulas<'a>, Boxes),
    Plain(plain::Plain),
}

/// Finds the answer of a text. Among places of the same rank the one that ends last decides, and of those the longest.
pub(in crate::score::math) fn answers(text: &str, source: Source) -> Answer {
    let text = tail(text);
    let mut answer = Answer::default();
    let environments = Environments::new(text);
    let repairs = if source == Source::Anchored { Repairs::LastSide } else { Repairs::All };
    for rank in 0..RANKS {
        let mut candidates = candidates(text, &environments, source, rank);
        candidates.sort_by_key(|(start, end, _)| (std::cmp::Reverse(*end), *start));
        let found = !candidates.is_empty();
        for (_, _, candidate) in candidates {
            let (value, written) = match candidate {
                Candidate::Formulas(formulas, boxes) => read(&formulas, boxes, repairs),
                Candidate::Plain(plain) => (plain.value, plain.text),
            };
            if answer.text.is_none() && !written.is_empty() {
                answer.text = Some(written);
            }
            answer.value = value;
            if answer.value.is_some() || source != Source::Anywhere {
                break;
            }
        }
        if answer.value.is_some() || (found && source != Source::Anywhere) {
            break;
        }
    }
    answer
}

/// The end of a long text, where its answer is.
fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(MAX_TEXT);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// The number of ranks: a sure final answer, a final answer, "answer:", "answer", anywhere.
const RANKS: usize = 5;

/// The words that announce the answers of the first ranks.
const ANCHORS: [Anchor; RANKS - 1] = [Anchor::Hope, Anchor::FinalAnswer, Anchor::Colon, Anchor::Word];

/// The candidates of one rank with their places.
fn candidates<'a>(
    text: &'a str,
    environments: &Environments<'a>,
    source: Source,
    rank: usize,
) -> Vec<(usize, usize, Candidate<'a>)> {
    let mut all = Vec::new();
    let formulas = |(start, formulas): (usize, Formulas<'a>)| {
        (start, formulas.end, Candidate::Formulas(formulas, Boxes::All))
    };
    let anchor = ANCHORS.get(rank);
    let boxes_rank = if source == Source::Anchored { 0 } else { 1 };
    if let Some(anchor) = anchor
        && find_words(text, "answer", 0).is_some()
    {
        all.extend(announced(text, environments, *anchor).into_iter().map(formulas));
        if source != Source::Anchored {
            let plain = plain::announced(text, *anchor).into_iter();
            all.extend(plain.map(|plain| (plain.start, plain.end, Candidate::Plain(plain))));
        }
    }
    if rank == boxes_rank && text.contains("\\boxed{") {
        all.extend(environments.all(Content::Boxed).into_iter().map(formulas));
        all.extend(bare_box(text));
    }
    if anchor.is_none() && source != Source::Anchored {
        all.extend(environments.all(Content::Any).into_iter().map(formulas));
        let plain = plain::everywhere(text).into_iter();
        all.extend(plain.map(|plain| (plain.start, plain.end, Candidate::Plain(plain))));
    }
    all
}

/// Everything from the first box to the last closing brace of the text.
fn bare_box(text: &str) -> Option<(usize, usize, Candidate<'_>)> {
    let start = text.find("\\boxed{")?;
    let end = text.rfind('}').filter(|end| *end > start + "\\boxed{".len())? + 1;
    let parts = vec![Formula { text: &text[start..end], percent: false }];
    Some((start, end, Candidate::Formulas(Formulas { parts, end }, Boxes::Last)))
}
