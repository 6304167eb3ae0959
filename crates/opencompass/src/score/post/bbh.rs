//! Answers behind a cue such as `answer is`: BBH, BBEH, CHARM, SciBench, StrategyQA and sets like them.

use std::sync::LazyLock;

use internlm_model::answer::before_next_question;
use regex::Regex;
use serde::Deserialize;

use super::boxed;
use super::number::joined_groups;
use super::pattern::built_in;
use super::post_entry::{Apply, PostEntry};
use super::python::{before, behind_first, behind_last, capitalize, strip};
use crate::Result;
use crate::dataset::Named;
use crate::score::Reading;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::readings("bbh-mcq", &["bbh_mcq_postprocess"], letter, fixed_letter),
    PostEntry::readings("charm-reason", &["charm_reason_postprocess"], letter, fixed_letter),
    PostEntry::text("bbh-freeform", &["bbh_freeform_postprocess"], bbh_freeform),
    PostEntry::text("bbeh_freeform", &["bbeh_freeform_postprocess"], bbeh_freeform),
    PostEntry::text("bbeh_mcq", &["bbeh_mcq_postprocess"], bbeh_letter),
    PostEntry::readings("scibench", &["scibench_postprocess"], scibench, fixed_scibench),
    PostEntry::readings("strategyqa", &["strategyqa_pred_postprocess"], strategyqa, fixed_strategyqa),
    PostEntry::text("strategyqa_dataset", &["strategyqa_dataset_postprocess"], strategyqa_dataset),
    PostEntry::readings("cmrc", &["cmrc_postprocess"], behind_chinese_cue, fixed_behind_chinese_cue),
    PostEntry::readings("drcd", &["drcd_postprocess"], behind_chinese_cue, fixed_behind_chinese_cue),
    PostEntry::configured("olympiadbench_postprocess_v2", &[], olympiadbench),
];

static BRACKETED: LazyLock<Regex> = LazyLock::new(|| built_in(r"\(([A-Z])\)*"));
static CAPITAL: LazyLock<Regex> = LazyLock::new(|| built_in(r"[A-Z]"));
static ALONE: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?-u:\b)([A-Z])(?-u:\b)"));
static CUE: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)answer is\s*:?\s*"));
static BOLD: LazyLock<Regex> = LazyLock::new(|| built_in(r"\*\*(.*?)\*\*"));
static VERDICT: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)^(yes|no|true|false)\b"));
static DIGITS_AND_COMMA: LazyLock<Regex> = LazyLock::new(|| built_in(r"\d\s*,\s*\d"));
static COMMA: LazyLock<Regex> = LazyLock::new(|| built_in(r"\s*,\s*"));
static SPACES: LazyLock<Regex> = LazyLock::new(|| built_in(r"\s+"));
static BOXED: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\boxed\{(.*?)\}"));
static SOME_BOXED: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\boxed\{(.+?)\}"));
static TEXT: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\text(?:tt)?\{(.*?)\}"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| built_in(r"-?\d*\.?\d+|\d+"));
static YES_NO: LazyLock<Regex> = LazyLock::new(|| built_in(r"yes|no"));
static YES_NO_WORD: LazyLock<Regex> = LazyLock::new(|| built_in(r"\b(?:yes|no)\b"));

/// The part of an answer that its cue announces: what follows the last cue, up to the next question.
fn announced<'a>(text: &'a str, cue: &str) -> &'a str {
    let Some(place) = text.find(cue) else { return text };
    strip(behind_last(before_next_question(text, place + cue.len()), cue))
}

/// The first letter in brackets, or the first upper-case letter, behind the first `answer is `.
fn letter(text: &str) -> String {
    let answer = behind_first(text, "answer is ").map_or(text, strip);
    let bracketed = BRACKETED.captures(answer).map(|found| found[1].to_owned());
    let any = || CAPITAL.find(answer).map(|found| found.as_str().to_owned());
    bracketed.or_else(any).unwrap_or_else(|| answer.to_owned())
}

/// [`letter`] behind the last cue, and only if the letter is a word of its own.
fn fixed_letter(text: &str) -> String {
    let answer = announced(text, "answer is");
    let first = |pattern: &Regex| pattern.captures(answer).map(|found| found[1].to_owned());
    first(&BRACKETED).or_else(|| first(&ALONE)).unwrap_or_else(|| answer.to_owned())
}

fn bbh_freeform(text: &str) -> String {
    let parts: Vec<&str> = CUE.split(text).collect();
    let answer = if let [_, .., last] = parts[..] { strip(last) } else { text };
    let answer = strip(before(answer, "\n"));
    let answer = answer.strip_suffix('.').map_or(answer, strip);
    let bold = BOLD.captures(answer).and_then(|found| found.get(1)).map(|found| strip(found.as_str()));
    let answer = bold.unwrap_or(answer);
    if let Some(verdict) = VERDICT.find(answer) {
        return capitalize(verdict.as_str());
    }
    let spaced = COMMA.replace_all(answer, " ");
    let list = if DIGITS_AND_COMMA.is_match(answer) { answer } else { &spaced };
    strip(&SPACES.replace_all(list, " ")).to_owned()
}

/// What follows the last cue of the first kind that occurs.
fn behind_bbeh_cue(text: &str) -> &str {
    let cues = ["The answer is: ", "The answer is ", "The final answer is: ", "The final answer is "];
    cues.into_iter().find(|cue| text.contains(cue)).map_or(text, |cue| behind_last(text, cue))
}

fn bbeh_freeform(text: &str) -> String {
    let answer = BOXED.replace_all(behind_bbeh_cue(text), "${1}");
    let answer = TEXT.replace_all(&answer, "${1}");
    let answer = BOLD.replace_all(&answer, "${1}");
    strip(before(&answer, "\n")).to_lowercase()
}

fn bbeh_letter(text: &str) -> String {
    strip(before(behind_bbeh_cue(text).trim_matches(['(', ')']), "\n")).to_lowercase()
}

/// The first box, or the last number, or everything, behind the first `answer is`.
fn scibench(text: &str) -> String {
    let answer = behind_first(text, "answer is").map_or(text, strip);
    match SOME_BOXED.captures(answer) {
        Some(found) => found[1].to_owned(),
        None => last_number(answer),
    }
}

/// [`scibench`] behind the last cue, with boxes up to the brace that closes them.
fn fixed_scibench(text: &str) -> String {
    let answer = announced(text, "answer is");
    boxed::answer(answer).map_or_else(|| last_number(answer), str::to_owned)
}

fn last_number(answer: &str) -> String {
    let joined = joined_groups(answer);
    NUMBER.find_iter(&joined).last().map_or(answer, |number| number.as_str()).to_owned()
}

/// `yes` or `no`, parts of words such as `know` included.
fn strategyqa(text: &str) -> String {
    found(&YES_NO, behind_last(before(text, "\n\n"), "answer is "))
}

/// The word `yes` or `no`.
fn fixed_strategyqa(text: &str) -> String {
    found(&YES_NO_WORD, behind_last(before(text, "\n\n"), "answer is"))
}

fn found(pattern: &Regex, text: &str) -> String {
    let text = text.to_lowercase();
    pattern.find(&text).map(|found| found.as_str().to_owned()).unwrap_or_default()
}

fn strategyqa_dataset(text: &str) -> String {
    if text == "True" { "yes" } else { "no" }.to_owned()
}

fn behind_chinese_cue(text: &str) -> String {
    behind_first(text, "答案是").unwrap_or(text).to_owned()
}

fn fixed_behind_chinese_cue(text: &str) -> String {
    announced(text, "答案是").to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Olympiad {
    /// Whether the answers are Chinese. Default: false.
    #[serde(default)]
    is_chinese: Option<bool>,
    /// Whether the model is DeepSeekMath, which has cues of its own. Default: false.
    #[serde(default)]
    is_deepseek: Option<bool>,
}

/// What follows the last cue on its line, or the whole text.
fn olympiadbench(named: &Named, _: Reading) -> Result<Apply> {
    let Olympiad { is_chinese, is_deepseek } = named.arguments()?;
    let cue = match (is_deepseek.unwrap_or(false), is_chinese.unwrap_or(false)) {
        (true, true) => "## 解题答案",
        (true, false) => "The answer is: ",
        (false, true) => "所以最终答案是",
        (false, false) => "So the final answer is ",
    };
    Ok(Box::new(move |text| {
        // The first of several cues in one line counts.
        let line = text.split('\n').rev().find_map(|line| line.split_once(cue));
        line.map_or(text, |(_, answer)| strip(answer)).into()
    }))
}

#[cfg(test)]
mod tests;
