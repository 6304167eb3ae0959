//! `general`: the normal form of short English answers.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::built_in;

// Python's `\w` has no combining marks, so those are punctuation.
static PUNCTUATION: LazyLock<Regex> = LazyLock::new(|| built_in(r"[^\p{L}\p{N}_\s\x1c-\x1f]"));
static FIXED_PUNCTUATION: LazyLock<Regex> = LazyLock::new(|| built_in(r"[^\p{L}\p{N}_.\s\x1c-\x1f]"));
static ARTICLES: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)\b(a|an|the)\b"));
static SPACES: LazyLock<Regex> = LazyLock::new(|| built_in(r"[\s\x1c-\x1f]+"));

/// Cuts a text at the first newline, full stop or comma (ASCII only), then removes punctuation and articles.
///
/// ```
/// assert_eq!(opencompass::score::post::general("The answer, \"42\"!"), "answer");
/// ```
#[must_use]
pub fn general(text: &str) -> String {
    bare_words(text.split(['\n', '.', ',']).next().unwrap_or_default(), &PUNCTUATION)
}

/// [`general`] without its fault: a comma or a full stop inside a number does not end the text, a full-width one does,
/// and a decimal point stays.
pub(super) fn fixed_general(text: &str) -> String {
    let end = text.char_indices().find(|(at, letter)| match letter {
        '\n' | '，' | '。' => true,
        '.' | ',' => !in_number(text, *at),
        _ => false,
    });
    bare_words(&text[..end.map_or(text.len(), |(at, _)| at)], &FIXED_PUNCTUATION)
}

/// Whether a mark of one byte is between two digits.
pub(super) fn in_number(text: &str, at: usize) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    at > 0 && digit(text.as_bytes().get(at - 1)) && digit(text.as_bytes().get(at + 1))
}

/// Removes punctuation, articles and repeated white space.
fn bare_words(text: &str, punctuation: &Regex) -> String {
    let words = punctuation.replace_all(text, "");
    let words = ARTICLES.replace_all(&words, "");
    SPACES.replace_all(&words, " ").trim().to_owned()
}
