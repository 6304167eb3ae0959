//! OlympiadBench: lists of numbers, formulas, equations and intervals in boxes (`MathJudger` of OpenCompass 0.5.4).
//!
//! Lists are paired in any order, and numbers are equal up to 1e-8 or a factor of 100. Formulas are compared as those of
//! this crate's other sets, where upstream asks SymPy.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::pattern::built_in;
use super::verify::{formula_value, formulas_equal};
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::verdict::verdicts;
use crate::score::{Evaluate, ScoredItem, Scores};

/// Difference up to which numbers are equal, with upstream's margin.
const PRECISION: f64 = 1e-8 * 1.01;
/// Signs that do not change a formula, with what is written in their place.
const SIGNS: [(&str, &str); 12] = [
    ("\\left", ""),
    ("\\right", ""),
    ("∶", ":"),
    ("，", ","),
    ("$", ""),
    ("\\approx", "="),
    ("\\simeq", "="),
    ("\\sim", "="),
    ("^\\prime", "'"),
    ("^{\\prime}", "'"),
    ("^\\circ", ""),
    ("%", ""),
];
/// Signs that are removed around a formula.
const EDGES: &str = "\n$,.:;^_=+`!@#$%^&*~，。";

static DOLLARS: LazyLock<Regex> = LazyLock::new(|| built_in(r"\$(.*?)\$"));
static FONT: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\(?:mathrm|mathbf)\{~?([^}]*)\}"));
static CHINESE: LazyLock<Regex> = LazyLock::new(|| built_in(r"[\u{4e00}-\u{9fff}]+"));

/// The evaluator of OlympiadBench.
struct Olympiad;

/// Arguments of `olympiadbench`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Upstream's version, which changes nothing there either.
    #[serde(default, rename = "version")]
    _version: Option<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Version {
    V1,
    V2,
}

/// Creates the evaluator.
pub(super) fn make(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    setup.named.arguments::<Arguments>()?;
    Ok(Box::new(Olympiad))
}

impl Evaluate for Olympiad {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        verdicts("accuracy", items, |item| right(&item.pred_text(), &python_str(&item.answer)))
    }
}

/// Compares the answer of a text with the expected one.
fn right(prediction: &str, reference: &str) -> bool {
    let (Some(prediction), Some(reference)) = (formulas(prediction), formulas(reference)) else {
        return false;
    };
    if prediction == reference {
        return true;
    }
    let parts = |text: &str| with_both_signs(&split(&CHINESE.replace_all(text, "")));
    let (mut left, mut right) = (parts(&prediction), parts(&reference));
    if left.len() != right.len() {
        return false;
    }
    // The order in which upstream goes through the list is kept: each found pair skips the next part.
    let mut place = 0;
    while !left.is_empty() {
        place %= left.len();
        let Some(partner) = right.iter().position(|other| equal(&left[place], other)) else { return false };
        left.remove(place);
        right.remove(partner);
        place += 1;
    }
    true
}

/// The content of all boxes, or the formulas of the last line, or the text, in plain signs. `None` if a box does not end.
fn formulas(text: &str) -> Option<String> {
    let mut found = String::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once("\\boxed{") {
        found.push_str(&tail[..closing(tail)?]);
        found.push(',');
        // Boxes in boxes count again, as upstream.
        rest = tail;
    }
    if found.is_empty() {
        let last = text.trim().rsplit('\n').next().unwrap_or_default();
        for formula in DOLLARS.captures_iter(last) {
            found.push_str(&formula[1]);
            found.push(',');
        }
    }
    if found.is_empty() {
        found.push_str(text);
    }
    let mut formula = found.split("\\in ").nth(1).map_or_else(|| found.clone(), str::to_owned);
    for (sign, plain) in SIGNS {
        formula = formula.replace(sign, plain);
    }
    Some(FONT.replace_all(formula.trim_matches(|sign: char| EDGES.contains(sign)), "$1").into_owned())
}

/// The place of the brace that closes a box.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    for (place, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(place);
        }
    }
    None
}

/// The parts between commas that are not in brackets.
fn split(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i64, 0);
    for (place, letter) in text.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..place].trim().to_owned());
                start = place + 1;
            }
            _ => {}
        }
    }
    if start < text.len() {
        parts.push(text[start..].trim().to_owned());
    }
    parts
}

/// Two parts for each with a sign of plus or minus.
fn with_both_signs(parts: &[String]) -> Vec<String> {
    let signs = |part: &String| match part.contains("\\pm") {
        true => vec![part.replace("\\pm", "+"), part.replace("\\pm", "-")],
        false => vec![part.clone()],
    };
    parts.iter().flat_map(signs).collect()
}

fn equal(left: &str, right: &str) -> bool {
    if left == right && !left.is_empty() {
        return true;
    }
    if is_interval(left) && is_interval(right) && intervals_equal(left, right) {
        return true;
    }
    if let (Ok(left), Ok(right)) = (left.trim().parse::<f64>(), right.trim().parse::<f64>())
        && [left / 100.0, left, left * 100.0].iter().any(|left| (left - right).abs() <= PRECISION)
    {
        return true;
    }
    let both_equations = left.contains('=') && right.contains('=');
    if both_equations { formulas_equal(left, right) } else { expressions_equal(left, right) }
}

/// Compares two formulas, each without what is on the left of an equals sign.
fn expressions_equal(left: &str, right: &str) -> bool {
    let side = |text: &str| text.split('=').nth(1).unwrap_or(text).trim().to_owned();
    let (left, right) = (side(left), side(right));
    match (formula_value(&left), formula_value(&right)) {
        (Some(left), Some(right)) => (left - right).abs() <= PRECISION,
        _ => formulas_equal(&left, &right),
    }
}

fn is_interval(text: &str) -> bool {
    text.starts_with(['(', '[']) && text.ends_with([')', ']'])
}

fn intervals_equal(left: &str, right: &str) -> bool {
    let (left, right): (Vec<&str>, Vec<&str>) =
        (left.split("\\cup").collect(), right.split("\\cup").collect());
    let same = |(left, right): (&&str, &&str)| {
        let edges = |text: &str| (text.chars().next(), text.chars().next_back());
        let ends = |text: &str| -> Vec<String> {
            text.trim_matches(['[', ']', '(', ')']).split(',').map(str::to_owned).collect()
        };
        edges(left) == edges(right)
            && ends(left).iter().zip(&ends(right)).all(|(left, right)| expressions_equal(left, right))
    };
    left.len() == right.len() && left.iter().zip(&right).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_in_any_order() {
        for (prediction, reference, expected) in [
            ("So the final answer is \\boxed{5}.", "$5$", true),
            ("\\boxed{2,3}", "$3$,$2$", true),
            ("\\boxed{2}, \\boxed{3}", "$3,2$", true),
            ("\\boxed{\\pm2}", "$2,-2$", true),
            ("\\boxed{\\frac{1}{2}}", "$0.5$", true),
            ("\\boxed{50%}", "$0.5$", true),
            ("x\nwe get $7$", "$7$", true),
            ("\\boxed{x=7}", "$7$", true),
            ("\\boxed{x \\in (1,2]}", "$(1,2]$", true),
            ("\\boxed{[1,2]}", "$(1,2]$", false),
            ("\\boxed{(1,2)\\cup(3,\\frac{8}{2})}", "$(1,2)\\cup(3,4)$", true),
            ("\\boxed{a+b}", "$b+a$", true),
            ("\\boxed{5}", "$6$", false),
            ("\\boxed{1,2}", "$1$", false),
            ("\\boxed{5", "$5$", false),
            ("", "$5$", false),
        ] {
            assert_eq!(right(prediction, reference), expected, "{prediction} {reference}");
        }
    }
}
