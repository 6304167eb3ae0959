//! Numbers in answers.

use std::sync::LazyLock;

use internlm_model::answer::{Number, final_number, first_number};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::pattern::built_in;
use super::post_entry::{Apply, PostEntry};
use super::python::{behind_first, behind_last, is_digit, strip};
use crate::dataset::Named;
use crate::score::Reading;
use crate::{Error, Result};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::configured("first_number_postprocess", &[], make_first).with_fixed(),
    PostEntry::text("last_number", &[], last_or_empty),
    PostEntry::readings("gsm8k", &["gsm8k_postprocess"], gsm8k, last_or_null),
    PostEntry::text("gsm8k_dataset", &["gsm8k_dataset_postprocess"], gsm8k_dataset),
    PostEntry::readings("gsm100", &["gsm100_postprocess"], gsm100, last_or_empty),
    PostEntry::text("gsm100_dataset", &["gsm100_dataset_postprocess"], without_commas),
    PostEntry::configured("mathbench_postprocess", &[], behind_cue).with_fixed(),
    PostEntry::configured("compassbench_objective_v1_3_postprocess", &[], behind_cue).with_fixed(),
    PostEntry::configured("mgsm_postprocess", &[], mgsm),
    PostEntry::value("InfiniteBench_first_number_postprocess", &[], first_unsigned),
    PostEntry::value("scireasoner15_float", &["extract_scireasoner15_float"], first_float),
];

static FIRST: LazyLock<Regex> = LazyLock::new(|| built_in(r"-?\d*\.?\d+"));
static GSM8K: LazyLock<Regex> = LazyLock::new(|| built_in(r"-?\d+\.\d+|-?\d+"));
static UNSIGNED: LazyLock<Regex> = LazyLock::new(|| built_in(r"\d+\.\d+|\d+"));
static MGSM: LazyLock<Regex> = LazyLock::new(|| built_in(r"\d+\.?\d*"));
static FRACTION: LazyLock<Regex> = LazyLock::new(|| built_in(r"-?\d*\.?/?\d+|\d+"));
static FLOAT: LazyLock<Regex> = LazyLock::new(|| built_in(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"));
static GROUPS: LazyLock<Regex> = LazyLock::new(|| built_in(r"(\d),(\d)"));
static THOUGHTS: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?is)<think>.*?</think>"));

/// What announces the answer in the languages of MGSM.
static MGSM_CUES: [(&str, &str); 11] = [
    ("en", "Answer"),
    ("bn", "উত্তর"),
    ("de", "Antwort"),
    ("es", "Respuesta"),
    ("fr", "Réponse"),
    ("ja", "答え"),
    ("ru", "Ответ"),
    ("sw", "Jibu"),
    ("te", "సమాధానం"),
    ("th", "คำตอบ"),
    ("zh", "答案"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetName {
    /// Name of the set; `_cn` in it means that its answers are Chinese.
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Language {
    /// Code of the language, such as `en`.
    lang: String,
}

fn make_first(named: &Named, reading: Reading) -> Result<Apply> {
    named.no_arguments()?;
    let read = match reading {
        Reading::Compat => first,
        Reading::Fixed => fixed_first,
    };
    Ok(Box::new(move |text| read(text).into()))
}

/// The first number of a text.
pub(super) fn first(text: &str) -> Option<f64> {
    FIRST.find(text)?.as_str().parse().ok()
}

/// The first number of a text in its whole notation: `1,200` is not 1.
pub(super) fn fixed_first(text: &str) -> Option<f64> {
    first_number(text).as_ref().map(Number::to_f64)
}

/// The last number of a text without thousands separators, judged by the rules that agents and fine-tuning
/// share.
pub(super) fn last(text: &str) -> Option<String> {
    final_number(text).map(|number| number.to_string())
}

fn last_or_empty(text: &str) -> String {
    last(text).unwrap_or_default()
}

fn last_or_null(text: &str) -> String {
    last(text).unwrap_or_else(|| "NULL".to_owned())
}

/// The last number before `Question:`, or `NULL`. As in upstream, a thousands separator cuts a number in two.
pub(super) fn gsm8k(text: &str) -> String {
    let own = text.split("Question:").next().unwrap_or_default();
    GSM8K.find_iter(own).last().map_or_else(|| "NULL".to_owned(), |found| found.as_str().to_owned())
}

/// What follows the first `#### ` of a solution, up to the next one, without commas.
pub(super) fn gsm8k_dataset(text: &str) -> String {
    text.split("#### ").nth(1).unwrap_or_default().replace(',', "")
}

/// The digits of the first word with digits behind `The answer is`: 3.5 becomes 35.
fn gsm100(text: &str) -> String {
    let answer = behind_first(text, "The answer is").unwrap_or_default();
    let word = answer.split(' ').find(|word| word.chars().any(is_digit)).unwrap_or_default();
    word.chars().filter(|letter| is_digit(*letter)).collect()
}

fn without_commas(text: &str) -> String {
    text.replace(',', "")
}

/// The number behind the cue of a set, or the last number of a text without it, or the whole text. In the fixed reading
/// the last cue counts.
fn behind_cue(named: &Named, reading: Reading) -> Result<Apply> {
    let SetName { name } = named.arguments()?;
    let cue = if name.contains("_cn") { "答案是" } else { "The answer is" };
    Ok(Box::new(move |text| {
        let answer = match reading {
            Reading::Compat => behind_first(text, cue),
            Reading::Fixed => text.rsplit_once(cue).map(|(_, behind)| behind),
        };
        let own = answer.map_or(text, strip);
        let joined = joined_groups(own);
        let mut numbers = FRACTION.find_iter(&joined);
        let number = if answer.is_some() { numbers.next() } else { numbers.last() };
        number.map_or(own, |number| number.as_str()).into()
    }))
}

/// Removes commas between digits. As in upstream, the second of two commas around one digit stays.
pub(super) fn joined_groups(text: &str) -> String {
    GROUPS.replace_all(text, "${1}${2}").into_owned()
}

fn mgsm(named: &Named, _: Reading) -> Result<Apply> {
    let Language { lang } = named.arguments()?;
    let Some((_, cue)) = MGSM_CUES.iter().find(|(code, _)| *code == lang) else {
        let codes: Vec<&str> = MGSM_CUES.iter().map(|(code, _)| *code).collect();
        return Err(Error::Value {
            place: format!("{}.lang", named.name()),
            found: format!("`{lang}`"),
            expected: format!("one of {}", codes.join(", ")),
        });
    };
    Ok(Box::new(move |text| {
        if !text.contains(*cue) {
            return "".into();
        }
        let answer = without_commas(strip(behind_last(text, cue)));
        let number = MGSM.find_iter(&answer).last().map(|number| number.as_str()).unwrap_or_default();
        number.trim_end_matches('.').into()
    }))
}

fn first_unsigned(text: &str) -> Value {
    UNSIGNED.find(text).map(|number| number.as_str()).into()
}

/// The first finite number behind the thoughts; null if it has no numbers.
fn first_float(text: &str) -> Value {
    let text = THOUGHTS.replace_all(text, "");
    let number = FLOAT.find(&text).and_then(|number| number.as_str().parse::<f64>().ok());
    number.filter(|number| number.is_finite()).into()
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

    #[test]
    fn gsm8k_stops_at_the_next_question() {
        for (text, number) in [
            ("so 18 eggs", "18"),
            ("it is -3.5. Question: how many of 7?", "-3.5"),
            ("1,200", "200"),
            ("none", "NULL"),
        ] {
            assert_eq!(gsm8k(text), number, "{text}");
        }
        assert_eq!(gsm8k_dataset("16 - 3 = 13\n#### 1,300"), "1300");
        assert_eq!(gsm8k_dataset("no mark"), "");
    }
}
