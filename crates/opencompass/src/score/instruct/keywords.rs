//! Instructions about words and letters. Keywords are patterns, as upstream uses them.

use regex::{Regex, RegexBuilder};

use super::arguments::Arguments;

/// All keywords occur.
pub(super) fn existence(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    for keyword in arguments.texts("keywords")? {
        if !pattern(keyword)?.is_match(text) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A keyword occurs so many times.
pub(super) fn frequency(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let keyword = pattern(arguments.text("keyword")?.trim())?;
    arguments.holds(keyword.find_iter(text).count(), "frequency", "relation")
}

/// No forbidden word occurs.
pub(super) fn forbidden(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    for word in arguments.texts("forbidden_words")? {
        if pattern(&format!(r"\b{word}\b"))?.is_match(text) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A letter occurs so many times, in upper or lower case. A sign is refused: upstream counts a random letter instead.
pub(super) fn letter(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let letter = arguments.text("letter")?.to_lowercase();
    let mut letters = letter.chars();
    let (Some(letter @ 'a'..='z'), None) = (letters.next(), letters.next()) else {
        return Err(format!("kwargs.letter: found `{letter}`, expected one letter from a to z"));
    };
    let found = text.to_lowercase().chars().filter(|other| *other == letter).count();
    arguments.holds(found, "let_frequency", "let_relation")
}

fn pattern(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text).case_insensitive(true).build();
    built.map_err(|_| format!("kwargs: found the keyword `{text}`, expected a regular expression"))
}
