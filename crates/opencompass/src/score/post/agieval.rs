//! Answers of AGIEval, after its `post_process.py`, which OpenCompass 0.5.4 copies.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::boxed::last_box;
use super::pattern::built_in;
use super::post_entry::{Apply, PostEntry};
use super::python::{behind_last, is_word, strip};
use crate::dataset::Named;
use crate::score::Reading;
use crate::{Error, Result};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::text(
        "agieval_find_first_capital_letter",
        &["find_first_capital_letter"],
        find_first_capital_letter,
    ),
    PostEntry::configured("agieval_few_shot_single", &["parse_few_shot_qa_single_answer"], few_shot_single),
    PostEntry::configured("agieval_parse_math_answer", &["parse_math_answer"], math),
    PostEntry::configured("agieval_parse_qa_multiple_answer", &["parse_qa_multiple_answer"], multiple),
];

static ENGLISH: LazyLock<Regex> = LazyLock::new(|| built_in(r"answer is .*?([A-G])"));
static CHINESE: LazyLock<Regex> = LazyLock::new(|| built_in(r"答案是.*?([A-G])"));
static LETTERS: LazyLock<Regex> = LazyLock::new(|| built_in(r"[A-Z]"));
static DOLLARS: LazyLock<Regex> = LazyLock::new(|| built_in(r"\$(.*)\$"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| built_in(r"\$?\d+(?:\.\d+)?"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    /// `zero-shot` (default), `zero-shot-CoT`, `few-shot` or `few-shot-CoT`.
    #[serde(default)]
    setting_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Single {
    /// As in [`Setting`], but `few-shot-CoT` is the default.
    #[serde(default)]
    setting_name: Option<String>,
    /// Language of the cue: `en` (default) or `zh`.
    #[serde(default)]
    language: Option<String>,
}

/// How the questions were asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shots {
    /// Without examples.
    Zero,
    /// With examples.
    Few,
    /// With examples that think; the last line is the answer.
    FewWithThoughts,
}

/// The setting that upstream calls by a name.
fn shots(named: &Named, setting_name: &str) -> Result<Shots> {
    match setting_name {
        "zero-shot" | "zero-shot-CoT" => Ok(Shots::Zero),
        "few-shot" => Ok(Shots::Few),
        "few-shot-CoT" => Ok(Shots::FewWithThoughts),
        other => Err(Error::Value {
            place: format!("{}.setting_name", named.name()),
            found: format!("`{other}`"),
            expected: "`zero-shot`, `zero-shot-CoT`, `few-shot` or `few-shot-CoT`".to_owned(),
        }),
    }
}

/// The setting of a post-processor that has no other arguments.
fn only_shots(named: &Named) -> Result<Shots> {
    let Setting { setting_name } = named.arguments()?;
    shots(named, setting_name.as_deref().unwrap_or("zero-shot"))
}

fn few_shot_single(named: &Named, _: Reading) -> Result<Apply> {
    let Single { setting_name, language } = named.arguments()?;
    let shots = shots(named, setting_name.as_deref().unwrap_or("few-shot-CoT"))?;
    let cue = match language.as_deref().unwrap_or("en") {
        "en" => &ENGLISH,
        "zh" => &CHINESE,
        other => {
            return Err(Error::Value {
                place: format!("{}.language", named.name()),
                found: format!("`{other}`"),
                expected: "`en` or `zh`".to_owned(),
            });
        }
    };
    Ok(Box::new(move |text| {
        let found = cue.captures(last_line(text, shots)).map(|found| found[1].to_owned());
        found.unwrap_or_else(|| find_first_capital_letter(text)).into()
    }))
}

fn math(named: &Named, _: Reading) -> Result<Apply> {
    let shots = only_shots(named)?;
    Ok(Box::new(move |text| parse_math_answer(text, shots).into()))
}

fn multiple(named: &Named, _: Reading) -> Result<Apply> {
    let shots = only_shots(named)?;
    Ok(Box::new(move |text| {
        LETTERS.find_iter(last_line(text, shots)).map(|letter| Value::from(letter.as_str())).collect()
    }))
}

/// The first letter from A to F.
fn find_first_capital_letter(text: &str) -> String {
    text.chars().find(|letter| ('A'..='F').contains(letter)).map(String::from).unwrap_or_default()
}

/// The last line that is not empty, if the answers have thoughts in front of it.
fn last_line(text: &str, shots: Shots) -> &str {
    if shots != Shots::FewWithThoughts {
        return text;
    }
    text.rsplit('\n').find(|line| !strip(line).is_empty()).unwrap_or(text)
}

/// The answer of a question of mathematics; `None` if nothing looks like one.
fn parse_math_answer(text: &str, shots: Shots) -> Option<String> {
    let text = without_prefix(last_line(text, shots));
    if shots != Shots::Zero {
        return Some(text.to_owned());
    }
    if text.contains(r"\boxed") {
        let inside = last_box(text)?.strip_prefix(r"\boxed{")?.strip_suffix('}')?;
        return Some(right_side(inside).to_owned());
    }
    let in_dollars = DOLLARS.captures_iter(text).last().and_then(|found| found.get(1));
    let in_dollars = in_dollars.map(|found| right_side(found.as_str())).filter(|found| !found.is_empty());
    in_dollars.map(str::to_owned).or_else(|| without_dollars(text))
}

/// What follows the last cue.
fn without_prefix(text: &str) -> &str {
    ["The answer is therefore", "答案是"].into_iter().fold(text, |text, cue| match text.strip_prefix(cue) {
        Some(rest) => strip(rest),
        None if text.contains(cue) => strip(behind_last(text, cue)),
        None => text,
    })
}

/// What follows the last `=`.
fn right_side(text: &str) -> &str {
    text.rsplit_once('=').map_or(text, |(_, side)| side.trim_start_matches(' '))
}

/// The right side of the last equation, or the last number that is not a part of a word.
fn without_dollars(text: &str) -> Option<String> {
    if text.contains('=') {
        let side = right_side(text).trim_end_matches('.');
        // Upstream looks for a backslash and an n, not for a newline.
        return Some(side.split(r"\n").next().unwrap_or_default().to_owned());
    }
    let numbers = NUMBER.find_iter(text).filter_map(|number| {
        let ends_word = text[number.end()..].chars().next().is_none_or(|letter| !is_word(letter));
        let whole = number.as_str().split('.').next().filter(|_| number.as_str().contains('.'));
        if ends_word { Some(number.as_str()) } else { whole }
    });
    numbers.last().map(str::to_owned)
}
