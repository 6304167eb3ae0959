//! Words that announce an answer.

use super::environment::{Content, Environments, Formulas};

/// A formula in a text, and where it is with the words that announce it.
pub(super) type Found<'a> = (usize, Formulas<'a>);

/// Words that announce an answer, from the most certain to the least.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Anchor {
    /// "final answer is X. I hope"
    Hope,
    /// "final answer ... is X"
    FinalAnswer,
    /// "answer: ... X"
    Colon,
    /// "answer ... X"
    Word,
}

/// Finds the formulas that an anchor announces.
pub(super) fn announced<'a>(
    text: &'a str,
    environments: &Environments<'a>,
    anchor: Anchor,
) -> Vec<Found<'a>> {
    let words = match anchor {
        Anchor::Hope => "final answer is",
        Anchor::FinalAnswer => "final answer",
        Anchor::Colon => "answer:",
        Anchor::Word => "answer",
    };
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(start) = find_words(text, words, place) {
        let from = start + words.len();
        let formulas = match anchor {
            Anchor::Hope => hoped(text, environments, from),
            Anchor::FinalAnswer => after_is(text, environments, from),
            Anchor::Colon | Anchor::Word => {
                within(text, from, 50).find_map(|place| environments.at(place, Content::Any))
            }
        };
        place = match formulas {
            Some(formulas) => {
                let end = formulas.end;
                found.push((start, formulas));
                end
            }
            None => from,
        };
    }
    found
}

/// Finds words regardless of case.
pub(super) fn find_words(text: &str, words: &str, from: usize) -> Option<usize> {
    let (bytes, words) = (text.as_bytes(), words.as_bytes());
    let last = bytes.len().checked_sub(words.len())?;
    (from..=last).find(|start| bytes[*start..*start + words.len()].eq_ignore_ascii_case(words))
}

/// The places at most `count` characters behind a place.
pub(super) fn within(text: &str, from: usize, count: usize) -> impl Iterator<Item = usize> {
    let rest = &text[from..];
    let places = rest.char_indices().map(|(index, _)| index).chain(std::iter::once(rest.len()));
    places.take(count + 1).map(move |index| from + index)
}

/// The formula right behind a place, with an optional colon and white space before it.
fn direct<'a>(text: &'a str, environments: &Environments<'a>, from: usize) -> Option<Formulas<'a>> {
    let rest = text[from..].strip_prefix(':').unwrap_or(&text[from..]);
    let spaces = rest.len() - rest.trim_start().len();
    let start = text.len() - rest.len() + spaces;
    let formulas = environments.at(start, Content::Any);
    // A formula in brackets needs the white space before it.
    let space = text[..start].chars().next_back().filter(|letter| spaces > 0 && letter.is_whitespace());
    formulas.or_else(|| environments.at(start - space?.len_utf8(), Content::Any))
}

fn hoped<'a>(text: &'a str, environments: &Environments<'a>, from: usize) -> Option<Formulas<'a>> {
    let formulas = direct(text, environments, from)?;
    let rest = &text[formulas.end..];
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    let spaced = rest.strip_prefix(char::is_whitespace).unwrap_or(rest);
    (rest.starts_with("I hope") || spaced.starts_with("I hope")).then_some(formulas)
}

/// The formula behind the word "is" that follows within 100 characters.
fn after_is<'a>(text: &'a str, environments: &Environments<'a>, from: usize) -> Option<Formulas<'a>> {
    within(text, from, 100).find_map(|place| {
        let rest = &text[place..];
        let trimmed = rest.trim_start();
        let after = trimmed.strip_prefix("is").filter(|_| trimmed.len() < rest.len())?;
        direct(text, environments, text.len() - after.len())
    })
}
