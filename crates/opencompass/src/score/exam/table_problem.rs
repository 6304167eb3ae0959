//! `TabMWPEvaluator` of OpenCompass 0.5.4 (Apache-2.0): word problems about tables, with options or with numbers.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use crate::prompt::python_str;
use crate::score::ScoredItem;
use crate::score::math::built_in;

static FRACTION: LazyLock<Regex> = LazyLock::new(|| built_in(r"\$?\\frac\{([\d.,\-]+)\}\{([\d.,]+)\}\$?"));
static LAST_STOP: LazyLock<Regex> = LazyLock::new(|| built_in(r"\.(\n?)\z"));
static TIGHT_EQUALS: LazyLock<Regex> = LazyLock::new(|| built_in(r"(\d)=([\-$\d])"));

/// What an answer to a question with options looks like, in the order in which it is tried.
static OPTIONS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"^\(([A-Za-z])\)\n?\z",
        r"^([A-Za-z])\n?\z",
        r"^([A-Za-z]). ",
        r"[Th]he answer is ([A-Z])",
        r"^\(([A-Za-z])\) [\s\S]+\z",
        r"[Th]he answer is \(([A-Za-z])\) [\s\S]+\z",
    ]
    .into_iter()
    .map(built_in)
    .collect()
});

/// What a number or a text as an answer looks like, in the order in which it is tried.
static ANSWERS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"[Th]he answer is ([\s\S]+)\z",
        r"[Th]he table shows that ([\d$.,/:]+) ",
        r" = ([\d$.,/:]+)",
        r"(?: be| is) ([\-\d$.,/:]*\d+)",
        r"(?: are| was) ([\-\d$.,/:]*\d+)",
        r"(?: were) ([\-\d$.,/:]*\d+)",
        r" ([\d$.,/:]+ [AP]\.M\.)",
        r"([\-\d$.,/:]*\d+)",
    ]
    .into_iter()
    .map(built_in)
    .collect()
});

static NUMBER: LazyLock<Regex> = LazyLock::new(|| built_in(r"^[-+]?[\d,./]+\n?\z"));
static WHOLE: LazyLock<Regex> = LazyLock::new(|| built_in(r"^[-+]?\d+\n?\z"));
static ZEROS: LazyLock<Regex> = LazyLock::new(|| built_in(r"\.0+\z"));

/// Judges an answer; the expected one is a table with `answer`, `unit` and `choices`.
pub(super) fn right(item: &ScoredItem<'_>) -> bool {
    let expected = |key: &str| item.answer.get(key).filter(|value| !value.is_null());
    let unit = expected("unit").map(python_str).unwrap_or_default();
    let choices: Vec<String> = expected("choices")
        .and_then(Value::as_array)
        .map(|choices| choices.iter().map(python_str).collect())
        .unwrap_or_default();
    let answer = expected("answer").map(python_str).unwrap_or_default();
    let found = extracted(&item.pred_text(), &choices);
    matches!(
        (normalized(&found, &unit), normalized(&answer, &unit)),
        (Some(found), Some(answer)) if found.to_lowercase() == answer.to_lowercase()
    )
}

fn extracted(output: &str, choices: &[String]) -> String {
    let output = FRACTION.replace_all(output, "${1}/${2}").into_owned();
    let keeps_stop = ["A.M.", "P.M."].iter().any(|time| output.trim_end_matches('\n').ends_with(time));
    let output = if keeps_stop { output } else { LAST_STOP.replace(&output, "${1}").into_owned() };
    let output = TIGHT_EQUALS.replace_all(&output, "${1} = ${2}").replace('\u{2212}', "-");
    if choices.is_empty() { answer_in(&output) } else { choice_in(&output, choices) }
}

fn choice_in(output: &str, choices: &[String]) -> String {
    for pattern in OPTIONS.iter() {
        let Some(found) = pattern.captures(output) else { continue };
        let letter = found[1].to_uppercase();
        if let Some(index) = "ABCDEFGH".find(&letter) {
            // Upstream draws an option that is not there at random, with a seed that always gives the first one.
            return choices.get(index).unwrap_or(&choices[0]).clone();
        }
    }
    let scores: Vec<f64> = choices.iter().map(|choice| similarity(choice, output)).collect();
    let best = scores.iter().fold(f64::MIN, |best, score| best.max(*score));
    let index = scores.iter().position(|score| *score == best).unwrap_or_default();
    choices[index].clone()
}

/// The share of common words; the same text is more than that.
fn similarity(left: &str, right: &str) -> f64 {
    if left == right {
        return 2.0;
    }
    if !left.contains(' ') && !right.contains(' ') {
        return 0.0;
    }
    let (left, right): (Vec<&str>, Vec<&str>) = (left.split(' ').collect(), right.split(' ').collect());
    let mut common: Vec<&str> = left.iter().copied().filter(|word| right.contains(word)).collect();
    common.sort_unstable();
    common.dedup();
    common.len() as f64 / left.len().max(right.len()) as f64
}

fn answer_in(output: &str) -> String {
    for pattern in ANSWERS.iter() {
        let last = pattern.captures_iter(output).last().map(|found: Captures<'_>| found[1].trim().to_owned());
        if let Some(found) = last {
            let shortened = found.strip_suffix('.').filter(|_| !found.contains(".M."));
            return shortened.unwrap_or(&found).to_owned();
        }
    }
    output.to_owned()
}

/// The normal form of an answer; `None` where upstream's function fails.
fn normalized(text: &str, unit: &str) -> Option<String> {
    let text = text.strip_prefix('$').unwrap_or(text);
    let text = text.strip_suffix([',', '.', '/']).unwrap_or(text);
    if !NUMBER.is_match(text) {
        let text = if unit.is_empty() { text.to_owned() } else { text.replace(unit, "").trim().to_owned() };
        return Some(text);
    }
    let text = text.replace(',', "");
    let number = if WHOLE.is_match(&text) {
        text.trim().trim_start_matches('+').parse::<i128>().ok()?.to_string()
    } else if let Some((upper, lower)) = text.split_once('/') {
        let lower = lower.split('/').next().unwrap_or_default();
        rounded(upper.trim().parse::<f64>().ok()? / lower.trim().parse::<f64>().ok()?)?
    } else {
        rounded(text.trim().parse().ok()?)?
    };
    Some(ZEROS.replace(&number, "").into_owned())
}

/// Prints a number with at most three decimals, as Python does.
fn rounded(value: f64) -> Option<String> {
    let rounded: f64 = value.is_finite().then(|| format!("{value:.3}"))?.parse().ok()?;
    Some(crate::prompt::python_str(&serde_json::json!(rounded)))
}
