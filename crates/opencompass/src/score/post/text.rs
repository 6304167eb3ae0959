//! `general`: the normal form of short English answers.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::built_in;

static PUNCTUATION: LazyLock<Regex> = LazyLock::new(|| built_in(r"[^\w\s]"));
static ARTICLES: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)\b(a|an|the)\b"));
static SPACES: LazyLock<Regex> = LazyLock::new(|| built_in(r"\s+"));

/// Cuts a text at the first newline, full stop or comma (ASCII only), then removes punctuation and articles.
///
/// ```
/// assert_eq!(opencompass::score::post::general("The answer, \"42\"!"), "answer");
/// ```
#[must_use]
pub fn general(text: &str) -> String {
    let cut = text.split(['\n', '.', ',']).next().unwrap_or_default();
    let words = PUNCTUATION.replace_all(cut, "");
    let words = ARTICLES.replace_all(&words, "");
    SPACES.replace_all(&words, " ").trim().to_owned()
}
