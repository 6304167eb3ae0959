//! Instructions about the number of sentences, words and paragraphs.

use std::sync::LazyLock;

use regex::Regex;

use super::arguments::Arguments;
use super::sentences::count_sentences;
use crate::score::text::words::built_in;

/// Marks that end the first word of a paragraph.
const ENDS: [char; 6] = ['.', ',', '?', '!', '\'', '"'];

static WORD: LazyLock<Regex> = LazyLock::new(|| built_in(r"\w+"));
static DIVIDER: LazyLock<Regex> = LazyLock::new(|| built_in(r"\s?\*\*\*\s?"));

/// Number of sentences.
pub(super) fn sentences(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    arguments.holds(count_sentences(text), "num_sentences", "relation")
}

/// Number of words.
pub(super) fn words(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    arguments.holds(WORD.find_iter(text).count(), "num_words", "relation")
}

/// Number of paragraphs between lines of three asterisks. Only the first and the last may be empty.
pub(super) fn paragraphs(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let expected = arguments.number("num_paragraphs")?;
    let parts: Vec<bool> = DIVIDER.split(text).map(|part| part.trim().is_empty()).collect();
    let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
    let filled = parts.iter().filter(|empty| !**empty).count();
    Ok(!inner.contains(&true) && filled == expected)
}

/// Number of paragraphs between empty lines, and the first word of one of them.
pub(super) fn first_word(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let (expected, place) = (arguments.number("num_paragraphs")?, arguments.number("nth_paragraph")?);
    let expected_word = arguments.text("first_word")?.to_lowercase();
    if place == 0 || place > expected {
        return Err(format!("kwargs.nth_paragraph: found {place}, expected 1 to {expected}"));
    }
    let paragraphs: Vec<&str> = text.split("\n\n").collect();
    let filled = paragraphs.iter().filter(|paragraph| !paragraph.trim().is_empty()).count();
    let Some(word) = paragraphs[place.min(paragraphs.len()) - 1].split_whitespace().next() else {
        return Ok(false);
    };
    let word = word.trim_start_matches('\'').trim_start_matches('"');
    let word = word.split(ENDS).next().unwrap_or_default().to_lowercase();
    Ok(place <= filled && filled == expected && word == expected_word)
}
