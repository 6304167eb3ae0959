//! Numbers as answers: SciBench, Math401, MuSR and the game of 24.

use std::sync::LazyLock;

use num_bigint::BigInt;
use num_rational::BigRational;
use regex::Regex;

use super::arithmetic::computed;
use super::letter::same;
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::math::built_in;
use crate::score::verdict::verdicts;
use crate::score::{Evaluate, ScoredItem, Scores};

static DIGITS: LazyLock<Regex> = LazyLock::new(|| built_in(r"\d+"));

/// Reads a number as Python's `float`.
fn float(text: &str) -> Option<f64> {
    text.trim().replace('_', "").parse().ok()
}

/// Compares two numbers with a relative tolerance of 5 %, as SciBench's authors do.
pub(super) fn within_five_percent(item: &ScoredItem<'_>) -> bool {
    let numbers = (float(&item.pred_text()), float(&python_str(&item.answer)));
    same(item)
        || matches!(numbers, (Some(pred), Some(answer)) if (pred - answer).abs() <= 0.05 * answer.abs())
}

/// Compares two numbers to three decimals.
pub(super) fn math401(item: &ScoredItem<'_>) -> bool {
    let numbers = (float(&item.pred_text()), float(&python_str(&item.answer)));
    matches!(numbers, (Some(pred), Some(answer)) if (pred - answer).abs() < 1e-3)
}

/// Compares the first number behind `ANSWER:` in the first line that has it.
pub(super) fn musr(item: &ScoredItem<'_>) -> bool {
    let text = item.pred_text();
    let line = text.split('\n').find(|line| line.contains("ANSWER:")).unwrap_or_default();
    let answer = line.rsplit("ANSWER:").next().unwrap_or_default();
    let found = DIGITS.find(answer).and_then(|found| found.as_str().parse::<i64>().ok());
    found.is_some() && found == python_str(&item.answer).parse().ok()
}

/// Verifies solutions of the game of 24.
struct Game24;

/// Creates the evaluator of the game of 24.
pub(super) fn game24(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(Game24))
}

impl Evaluate for Game24 {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut scores =
            verdicts("acc score", items, |item| makes_24(&item.pred_text(), &python_str(&item.answer)));
        // The metric is a share, as in upstream, and not a percentage.
        for value in scores.metrics.values_mut() {
            *value /= 100.0;
        }
        scores
    }
}

/// Says whether an expression uses exactly the given numbers and makes 24.
fn makes_24(expression: &str, puzzle: &str) -> bool {
    let numbers = |text: &str| {
        let mut numbers: Vec<String> =
            DIGITS.find_iter(text).map(|found| found.as_str().to_owned()).collect();
        numbers.sort_unstable();
        numbers
    };
    let goal = BigRational::from_integer(BigInt::from(24));
    numbers(expression) == numbers(puzzle) && computed(expression) == Some(goal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_game_of_24_needs_all_numbers_once() {
        assert!(makes_24("(4 + 8) * (6 - 4)", "4 4 6 8"));
        assert!(makes_24("8 / (3 - 8 / 3)", "3 3 8 8"));
        for expression in ["4 * 6", "4 + 4 + 8 + 8", "(4 + 8) * (6 - 4) * 1", "4 8 6 4", "24"] {
            assert!(!makes_24(expression, "4 4 6 8"), "{expression}");
        }
    }
}
