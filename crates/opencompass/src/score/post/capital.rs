//! Answers that are upper-case letters.

/// Python's `str.isupper` of one character: upper case, title case excluded.
fn is_upper(letter: &char) -> bool {
    letter.is_uppercase()
}

/// The first upper-case letter of any script.
pub(super) fn first(text: &str) -> String {
    text.chars().find(is_upper).map(String::from).unwrap_or_default()
}

/// The last upper-case letter of any script.
pub(super) fn last(text: &str) -> String {
    text.chars().rev().find(is_upper).map(String::from).unwrap_or_default()
}

/// The first run of the letters A to D.
pub(super) fn first_run(text: &str) -> String {
    let option = |letter: &char| ('A'..='D').contains(letter);
    text.chars().skip_while(|letter| !option(letter)).take_while(option).collect()
}

/// All upper-case letters, sorted, each once, with commas.
pub(super) fn all_listed(text: &str) -> String {
    all_sorted(text).chars().map(String::from).collect::<Vec<_>>().join(", ")
}

/// All upper-case letters, sorted, each once.
pub(super) fn all_sorted(text: &str) -> String {
    let letters: std::collections::BTreeSet<char> = text.chars().filter(is_upper).collect();
    letters.into_iter().collect()
}
