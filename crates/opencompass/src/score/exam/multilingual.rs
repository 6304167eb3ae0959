//! PMMEval: letters and numbers in answers of ten languages. Cues: OpenCompass 0.5.4 (Apache-2.0).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::rule::rule;
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::math::built_in;
use crate::score::{Evaluate, ScoredItem, Scores};

/// The answer as JSON, in the order in which its forms are tried.
static AS_JSON: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r#"(?s)\{\s*?"answer"\s*?:\s*?"?(A|B|C|D).*?"?\s*?\}"#,
        r#"(?s)\{\s*?['"]answer['"]\s*?:\s*?['"](A|B|C|D).*?['"]\s*?\}"#,
        r#"(?s)"answer"\s*:\s*"?(A|B|C|D)"?"#,
        r#"(?s)['"]answer['"]\s*:\s*['"](A|B|C|D)['"]"#,
    ]
    .into_iter()
    .map(built_in)
    .collect()
});

/// The first two letters of a language, and the words in front of an answer.
const CUES: &[(&str, &[&str])] = &[
    ("fr", &["La réponse est", "la réponse est"]),
    ("en", &["the answer is", "The answer is"]),
    ("vi", &["Câu trả lời là", "câu trả lời là"]),
    ("ar", &["الجواب هو"]),
    ("th", &["คำตอบคือ"]),
    ("zh", &["答案是"]),
    ("ko", &["답변은"]),
    ("pt", &["A resposta é"]),
    ("ja", &["答えは"]),
    ("id", &["Jawaban adalah", "jawaban adalah"]),
    ("es", &["La respuesta es"]),
];

/// Judges by a rule and rounds the accuracy to two decimals, as upstream.
struct Rounded(Box<dyn Evaluate>);

impl Evaluate for Rounded {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut scores = self.0.evaluate(items);
        for value in scores.metrics.values_mut() {
            *value = (*value * 100.0).round() / 100.0;
        }
        scores
    }
}

fn rounded(setup: &Setup<'_>, right: fn(&ScoredItem<'_>) -> bool) -> Result<Box<dyn Evaluate>> {
    Ok(Box::new(Rounded(rule(setup, "accuracy", right)?)))
}

/// Creates the evaluator of sets whose expected answer is a letter.
pub(super) fn letters(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    rounded(setup, |item| is_letter(item, &python_str(&item.answer)))
}

/// Creates the evaluator of sets whose expected answer is the number of an option, from 0.
pub(super) fn indices(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    rounded(setup, |item| {
        let index = python_str(&item.answer).trim().parse::<usize>().ok();
        let letter = index.and_then(|index| ('A'..='Z').nth(index));
        letter.is_some_and(|letter| is_letter(item, &letter.to_string()))
    })
}

/// Creates the evaluator of MGSM.
pub(super) fn numbers(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    rounded(setup, |item| last_number(&item.pred_text()) == Some(python_str(&item.answer).replace(',', "")))
}

/// Compares the letter of an answer, which comes with its language.
fn is_letter(item: &ScoredItem<'_>, expected: &str) -> bool {
    let (text, language) = match &item.pred {
        Value::Array(pair) => {
            let part = |index: usize| pair.get(index).map(python_str).unwrap_or_default();
            (part(0), part(1))
        }
        _ => (item.pred_text(), String::new()),
    };
    let first = || ["A", "B", "C", "D"].into_iter().find(|letter| text.contains(letter)).map(str::to_owned);
    let letter = announced(&text, &language.to_lowercase()).or_else(first);
    letter.is_some_and(|letter| letter.eq_ignore_ascii_case(expected))
}

/// The letter in JSON or behind the cue of the language.
fn announced(text: &str, language: &str) -> Option<String> {
    let in_json = AS_JSON.iter().find_map(|pattern| pattern.captures_iter(text).last());
    if let Some(found) = in_json {
        return Some(found[1].to_owned());
    }
    let (_, cues) = CUES.iter().find(|(name, _)| language.starts_with(name))?;
    let cue = cues.iter().find(|cue| text.contains(**cue) && text != **cue)?;
    let letter = text.rsplit(*cue).next()?.trim().chars().next()?;
    matches!(letter, 'A'..='D' | 'a'..='d').then(|| letter.to_string())
}

/// The last number of a text without its thousands separators and its plus.
fn last_number(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let (mut place, mut last) = (0, None);
    while place < bytes.len() {
        match number_at(bytes, place) {
            Some(end) => {
                last = Some((place, end));
                place = end;
            }
            None => place += 1,
        }
    }
    let (start, end) = last?;
    Some(text[start..end].replace([',', '+'], "").trim().trim_matches('.').to_owned())
}

/// The end of the number that begins at a place.
fn number_at(bytes: &[u8], start: usize) -> Option<usize> {
    let digits =
        |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let from = start + usize::from(matches!(bytes.get(start), Some(b'+' | b'-')));
    let decimal = bytes.get(from) == Some(&b'.') && digits(from + 1) > 0;
    if digits(from) == 0 && !decimal {
        return None;
    }
    let ends = |whole: usize| {
        let end = if bytes.get(whole) == Some(&b'.') { whole + 1 + digits(whole + 1) } else { whole };
        (digits(end) == 0 && end > start).then_some(end)
    };
    match bytes[from] {
        b'.' => ends(from),
        b'0' => ends(from + 1).or_else(|| ends(from + digits(from))),
        _ => {
            let run = digits(from);
            let mut grouped = from + run;
            while run <= 3 && bytes.get(grouped) == Some(&b',') && digits(grouped + 1) >= 3 {
                grouped += 4;
            }
            // A group with a fourth digit is not one.
            if digits(grouped) > 0 {
                grouped -= 4;
            }
            ends(grouped).or_else(|| ends(from + run))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_keeps_its_sign_and_loses_its_separators() {
        for (text, number) in [
            ("so 1,234.50 it is", Some("1234.50")),
            ("+5 and -7.", Some("-7")),
            ("12345", Some("12345")),
            ("1,23", Some("23")),
            ("0.5", Some("0.5")),
            ("about .25", Some("25")),
            ("1,2345", Some("2345")),
            ("1234,567", Some("567")),
            ("007", Some("007")),
            ("12,345,678 x", Some("12345678")),
            ("3.5.2", Some("2")),
            ("none", None),
        ] {
            assert_eq!(last_number(text).as_deref(), number, "{text}");
        }
    }
}
