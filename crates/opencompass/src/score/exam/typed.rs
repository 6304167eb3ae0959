//! `TheoremQAEvaluatorV3` of OpenCompass 0.5.4 (Apache-2.0): answers that are compared by their type.

use num_traits::ToPrimitive;
use serde_json::Value;

use super::arithmetic::computed;
use super::literal::literal;
use crate::prompt::python_str;
use crate::score::ScoredItem;
use crate::score::math::formula_value;

/// The relative tolerance for numbers with a decimal point.
const TOLERANCE: f64 = 0.04;

/// Judges an answer as upstream, which compares lists as text only.
pub(super) fn compat(item: &ScoredItem<'_>) -> bool {
    is_right(item, |_, _| false)
}

/// Judges an answer; lists are compared number by number in any order.
pub(super) fn fixed(item: &ScoredItem<'_>) -> bool {
    is_right(item, same_numbers)
}

fn is_right(item: &ScoredItem<'_>, lists: fn(&str, &str) -> bool) -> bool {
    let pred = item.pred_text();
    let answer = python_str(&item.answer);
    let (lower_pred, lower_answer) = (pred.to_lowercase(), answer.to_lowercase());
    if matches!(lower_answer.as_str(), "(a)" | "(b)" | "(c)" | "(d)" | "(e)" | "(f)") {
        return lower_pred.contains(&lower_answer);
    }
    if lower_pred == lower_answer {
        return true;
    }
    match item.columns.get("Answer_type").and_then(Value::as_str) {
        Some("integer" | "float") => number(&pred).is_some_and(|pred| same_number(pred, &answer)),
        Some("bool") => {
            // True and False are the numbers 1 and 0.
            let expected = if answer == "True" { 1.0 } else { 0.0 };
            number(&pred).is_some_and(|pred| pred.round_ties_even() == expected)
        }
        Some(kind) if kind.starts_with("list") => lists(&pred, &answer),
        _ => false,
    }
}

/// Compares a number with an expected one: whole numbers after rounding, others within 4 %.
fn same_number(pred: f64, answer: &str) -> bool {
    if let Ok(whole) = answer.trim().parse::<i64>() {
        return pred.round_ties_even() == whole as f64;
    }
    let Some(expected) = number(answer) else { return false };
    (pred - expected).abs() <= expected.abs() * TOLERANCE
}

/// Reads a number, computing arithmetic and LaTeX. Units are removed, and pi is 3.14 as in upstream.
fn number(text: &str) -> Option<f64> {
    let text = without_units(text);
    let plain = text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    plain.or_else(|| computed(&text).and_then(|value| value.to_f64())).or_else(|| formula_value(&text))
}

fn without_units(text: &str) -> String {
    let text = text.replace("\\pi", "π");
    let mut result = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter == 'π' {
            let factor = result.chars().next_back().is_some_and(|before| before.is_numeric());
            result.push_str(if factor { "*3.14" } else { "3.14" });
        } else {
            result.push(letter);
        }
    }
    result = result.replace('%', "/100");
    for unit in ["$", "¥", "°C", " C", "°"] {
        result = result.replace(unit, "");
    }
    result
}

/// Compares two lists of numbers in any order.
fn same_numbers(pred: &str, answer: &str) -> bool {
    let numbers = |text: &str| -> Option<Vec<f64>> {
        let Value::Array(items) = literal(text)? else { return None };
        let mut numbers: Vec<f64> = items.iter().map(Value::as_f64).collect::<Option<_>>()?;
        numbers.sort_by(f64::total_cmp);
        Some(numbers)
    };
    let (Some(pred), Some(answer)) = (numbers(pred), numbers(answer)) else { return false };
    let same = |(pred, answer): (&f64, &f64)| (pred - answer).abs() <= answer.abs() * TOLERANCE;
    pred.len() == answer.len() && pred.iter().zip(&answer).all(same)
}
