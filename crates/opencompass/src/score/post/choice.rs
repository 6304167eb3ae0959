//! Letters and numbers of options, by the rules of sets that do not use `first_option_postprocess`.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pattern::built_in;
use super::post_entry::{Apply, PostEntry};
use super::python::{rstrip, strip};
use crate::dataset::Named;
use crate::score::Reading;
use crate::{Error, Result};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::configured("GPQA_Simple_Eval_postprocess", &[], gpqa).with_fixed(),
    PostEntry::text("arxivrollbench_selection_postprocess", &[], selection),
    PostEntry::text("arxivrollbench_choice_postprocess", &[], choice),
    PostEntry::readings("crowspairs_postprocess", &[], crowspairs, fixed_crowspairs),
    PostEntry::configured("supergpqa_option", &["extract_option_labels"], supergpqa),
    PostEntry::configured("answer_cleansing", &[], answer_cleansing),
];

static GPQA: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)ANSWER\s*:\s*([A-D])"));
static FIXED_GPQA: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"(?i)ANSWER\W{0,4}:\W{0,6}(?:text\{)?([A-D])(?-u:\b)"));
static SELECTION: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)\bselection\s*([1-4])\b"));
static ONE_TO_FOUR: LazyLock<Regex> = LazyLock::new(|| built_in(r"\b[1-4]\b"));
static A_TO_D: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)\b[ABCD]\b"));
static A_OR_B: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?-u:\b)([AB])(?-u:\b)"));

/// The letter behind `ANSWER:`, which upstream leaves small if it is; null if it is missing. In the fixed reading,
/// the last one in upper case.
fn gpqa(named: &Named, reading: Reading) -> Result<Apply> {
    named.no_arguments()?;
    Ok(Box::new(move |text| match reading {
        Reading::Compat => GPQA.captures(text).map(|found| found[1].to_owned()).into(),
        Reading::Fixed => FIXED_GPQA.captures_iter(text).last().map(|found| found[1].to_uppercase()).into(),
    }))
}

fn selection(text: &str) -> String {
    let text = strip(text);
    let named = SELECTION.captures(text).and_then(|found| found.get(1));
    match named.or_else(|| ONE_TO_FOUR.find(text)) {
        Some(number) => format!("Selection {}", number.as_str()),
        None => text.to_owned(),
    }
}

fn choice(text: &str) -> String {
    let text = strip(text);
    A_TO_D.find(text).map_or_else(|| text.to_owned(), |letter| letter.as_str().to_uppercase())
}

/// `A` and `B` anywhere with one letter behind them count, even in words.
fn crowspairs(text: &str) -> String {
    if text.contains("Neither") || text.contains("Both") {
        return "invalid".to_owned();
    }
    if let Some(first @ ('A' | 'B')) = text.chars().next() {
        return first.to_string();
    }
    let followed = |letter: char| {
        let mut places = text.match_indices(letter).map(|(at, _)| &text[at + 1..]);
        places.any(|rest| !rest.is_empty() && !rest.starts_with('\n'))
    };
    let letter = ['A', 'B'].into_iter().find(|letter| followed(*letter));
    letter.map_or_else(|| "invalid".to_owned(), String::from)
}

/// The first `A` or `B` that is a word of its own.
fn fixed_crowspairs(text: &str) -> String {
    let invalid = text.contains("Neither") || text.contains("Both");
    let letter = A_OR_B.find(text).filter(|_| !invalid);
    letter.map_or("invalid", |letter| letter.as_str()).to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// The option letters; only their number counts. Default: `ABCDEFGHIJ`.
    #[serde(default)]
    options: Option<String>,
}

/// The letter that one of three patterns finds in the last line, or else in the text; null if none does.
fn supergpqa(named: &Named, _: Reading) -> Result<Apply> {
    let Options { options } = named.arguments()?;
    let count = options.filter(|options| !options.is_empty()).map_or(10, |options| options.chars().count());
    let letters: String = ('A'..='Z').take(count).collect();
    let opened = r"(?:[*${(\[\\]*?(?:(?:\\boxed|\\mathbf|\\mathrm|\\text)\{)?)*\s*";
    let letter = format!(r"{opened}([{letters}])(?:\\?\}}?\$?\)?\]?\}}?)*(?:[\s:.*)]|$)");
    let cues =
        [r"[Tt]he\s+(?:\w+\s+)?(?:answer|option)(?:\w+\s+)?\s+is?:?\s*", r"Answer[*\s]*:\s*", r"^[^\w\r\n]*"];
    let patterns = cues.map(|cue| built_in(&format!("(?i){cue}{letter}")));
    Ok(Box::new(move |text| {
        let text = rstrip(text);
        let last_line = text.rsplit('\n').next().unwrap_or_default();
        let found = [last_line, text]
            .into_iter()
            .find_map(|part| patterns.iter().find_map(|pattern| pattern.captures(part)));
        found.map(|found| found[1].to_owned()).into()
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cleansing {
    /// `zero-shot` (default) or `few-shot`.
    #[serde(default)]
    method: Option<String>,
    /// Number of options, or their letters.
    options: Value,
    /// The expected answer; only its length counts. Default: one letter.
    #[serde(default)]
    label: Option<String>,
}

/// The first option letter that is a word of its own; an empty list if no letter is.
fn answer_cleansing(named: &Named, _: Reading) -> Result<Apply> {
    let Cleansing { method, options, label } = named.arguments()?;
    let wrong = |key: &str, found: String, expected: &str| Error::Value {
        place: format!("{}.{key}", named.name()),
        found,
        expected: expected.to_owned(),
    };
    let method = method.unwrap_or_else(|| "zero-shot".to_owned());
    if !["zero-shot", "few-shot"].contains(&method.as_str()) {
        return Err(wrong("method", format!("`{method}`"), "`zero-shot` or `few-shot`"));
    }
    let count = match &options {
        Value::Number(count) => count.as_u64(),
        Value::String(letters) => Some(letters.chars().count() as u64),
        Value::Array(letters) => Some(letters.len() as u64),
        _ => None,
    };
    let count = count.and_then(|count| u8::try_from(count).ok());
    let Some(count) = count.filter(|count| (1..=26).contains(count)) else {
        return Err(wrong("options", options.to_string(), "1 to 26 options"));
    };
    let pattern = built_in(&format!(r"\b[A-{}]\b", char::from(b'A' + count - 1)));
    // The first of several letters counts in both methods, and with a longer label, too.
    drop(label);
    Ok(Box::new(move |text| {
        let phrases = ["I understand", "A through J", "A through E", "A through D"];
        let text = phrases.into_iter().fold(text.to_owned(), |text, phrase| text.replace(phrase, ""));
        pattern.find(&text).map_or_else(|| json!([]), |letter| letter.as_str().into())
    }))
}

#[cfg(test)]
mod tests;
