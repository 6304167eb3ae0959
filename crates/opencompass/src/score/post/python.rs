//! Python's methods of strings, where Rust's differ or have no counterpart.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::built_in;

static DIGIT: LazyLock<Regex> = LazyLock::new(|| built_in(r"\A[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐]\z"));
static WORD: LazyLock<Regex> = LazyLock::new(|| built_in(r"\A[\p{L}\p{N}]\z"));

fn is_one(pattern: &Regex, letter: char) -> bool {
    pattern.is_match(letter.encode_utf8(&mut [0; 4]))
}

/// `str.isspace` of one letter: Rust leaves out the four separators of ASCII.
pub(super) fn is_space(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

/// `str.isdigit` of one letter, superscripts included.
pub(super) fn is_digit(letter: char) -> bool {
    letter.is_ascii_digit() || (!letter.is_ascii() && is_one(&DIGIT, letter))
}

/// Whether `\w` of Python's `re` matches a letter: combining marks are not part of words.
pub(super) fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || (!letter.is_ascii() && is_one(&WORD, letter))
}

/// `str.strip`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.lstrip`.
pub(super) fn lstrip(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// `str.rstrip`.
pub(super) fn rstrip(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// `text.split(mark)[0]`.
pub(super) fn before<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).map_or(text, |(before, _)| before)
}

/// `text.split(mark)[1]`: what is between the first mark and the next one. `None` if there is no mark.
pub(super) fn behind_first<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split(mark).nth(1)
}

/// `text.split(mark)[-1]`: what follows the last mark, or the whole text.
pub(super) fn behind_last<'a>(text: &'a str, mark: &str) -> &'a str {
    text.rsplit_once(mark).map_or(text, |(_, behind)| behind)
}

/// `str.capitalize` of an English word.
pub(super) fn capitalize(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    first + &letters.as_str().to_lowercase()
}

/// What Python's `$` accepts in front of the end of a text: nothing, or one newline.
pub(super) fn without_last_newline(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_behave_as_in_python() {
        assert_eq!(strip("\u{1c} a\u{3000}"), "a");
        assert_eq!((lstrip(" a "), rstrip(" a ")), ("a ", " a"));
        assert_eq!(behind_first("a-b-c", "-"), Some("b"));
        assert_eq!(behind_first("a", "-"), None);
        assert_eq!((behind_last("a-b-c", "-"), behind_last("a", "-"), before("a-b", "-")), ("c", "a", "a"));
        assert_eq!((capitalize("yES"), capitalize("")), ("Yes".to_owned(), String::new()));
        assert!(is_digit('²') && is_digit('٣') && !is_digit('½') && !is_digit('a'));
        assert!(is_word('½') && is_word('好') && is_word('_') && !is_word('\u{301}') && !is_word('-'));
        assert_eq!((without_last_newline("a\n\n"), without_last_newline("a")), ("a\n", "a"));
    }
}
