//! Numbers in answers.

use std::sync::LazyLock;

use regex::Regex;

use super::built_in;

static FIRST: LazyLock<Regex> = LazyLock::new(|| built_in(r"-?\d*\.?\d+"));
static GSM8K: LazyLock<Regex> = LazyLock::new(|| built_in(r"-?\d+\.\d+|-?\d+"));
static GROUPED: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|-?[0-9]+(?:\.[0-9]+)?"));

/// The first number.
pub(super) fn first(text: &str) -> Option<f64> {
    FIRST.find(text)?.as_str().parse().ok()
}

/// The last number; `1,234` is one number, printed without commas.
pub(super) fn last(text: &str) -> Option<String> {
    GROUPED.find_iter(text).last().map(|found| found.as_str().replace(',', ""))
}

/// The last number before `Question:`, else `NULL`. Thousands separators cut a number in two, as upstream.
pub(super) fn gsm8k(text: &str) -> String {
    let own = text.split("Question:").next().unwrap_or_default();
    GSM8K.find_iter(own).last().map_or_else(|| "NULL".to_owned(), |found| found.as_str().to_owned())
}

/// What follows the first `#### ` of a solution, up to the next one, without commas.
pub(super) fn gsm8k_dataset(text: &str) -> String {
    text.split("#### ").nth(1).unwrap_or_default().replace(',', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_keeps_sign_and_groups() {
        for (text, number) in [
            ("12 + 30 = 42.", Some("42")),
            ("It is -7", Some("-7")),
            ("about 1,234,567 or 8,9", Some("9")),
            ("= 1,234.5", Some("1234.5")),
            ("none", None),
        ] {
            assert_eq!(last(text).as_deref(), number, "{text}");
        }
    }
}
