//! Single letters and short texts that have to be the same.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::math::built_in;
use crate::score::verdict::{accuracy_scores, answered, detail};
use crate::score::{Detail, Evaluate, Metrics, Reading, ScoredItem, Scores};

/// Says whether both values are the same, lists included.
pub(super) fn same(item: &ScoredItem<'_>) -> bool {
    match (&item.pred, &item.answer) {
        (Value::Number(pred), Value::Number(answer)) => pred.as_f64() == answer.as_f64(),
        (pred, answer) => pred == answer,
    }
}

/// Compares the first line of an answer with `LETTER. TEXT`: the letter or the text are right.
pub(super) fn mmlu_pro(item: &ScoredItem<'_>) -> bool {
    let pred = item.pred_text();
    let pred = pred.split('\n').next().unwrap_or_default().trim();
    let answer = python_str(&item.answer);
    let mut parts = answer.split(". ");
    let (Some(option), Some(text), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    let is_letter = matches!(pred.as_bytes(), [b'A'..=b'P']);
    (is_letter && option == pred) || text.trim() == pred
}

static ANNOUNCED: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"[Tt]he (?:final )?answer is[:\s]+\(?([A-Ja-j])\)?"));
static BOLD: LazyLock<Regex> = LazyLock::new(|| built_in(r"\*\*([A-Ja-j])\*\*"));
static ALONE: LazyLock<Regex> = LazyLock::new(|| built_in(r"^\s*\(?([A-Ja-j])\)?\s*$"));
static IN_BRACKETS: LazyLock<Regex> = LazyLock::new(|| built_in(r"\(([A-Ja-j])\)"));

/// Compares the letter of a ZebraLogic answer.
pub(super) fn zebra(item: &ScoredItem<'_>) -> bool {
    let text = item.pred_text();
    let first = |pattern: &Regex, text: &str| pattern.captures(text).map(|found| found[1].to_uppercase());
    let letter = first(&ANNOUNCED, &text)
        .or_else(|| first(&BOLD, &text))
        .or_else(|| text.trim().split('\n').rev().find_map(|line| first(&ALONE, line.trim())))
        .or_else(|| IN_BRACKETS.captures_iter(&text).last().map(|found| found[1].to_uppercase()));
    letter.unwrap_or_default() == python_str(&item.answer).to_uppercase()
}

/// Scores QuALITY: all, easy and hard questions.
struct Quality {
    reading: Reading,
}

/// Creates the evaluator of QuALITY.
pub(super) fn quality(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(Quality { reading: setup.reading }))
}

impl Evaluate for Quality {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let right = |item: &ScoredItem<'_>| item.is_answered() && same(item);
        let is_easy =
            |item: &ScoredItem<'_>| item.columns.get("difficult").and_then(Value::as_f64) == Some(0.0);
        let judge = |item: &ScoredItem<'_>| Detail { correct: Some(right(item)), ..detail(item) };
        let scores = accuracy_scores("all_acc", items.iter().map(judge).collect(), answered(items));
        let easy = items.iter().filter(|item| is_easy(item)).count();
        let easy_right = items.iter().filter(|item| is_easy(item) && right(item)).count();
        let hard_right = items.iter().filter(|item| !is_easy(item) && right(item)).count();
        // Upstream divides the hard questions by the number of easy ones.
        let hard = if self.reading == Reading::Compat { easy } else { items.len() - easy };
        let mut metrics = Metrics::new();
        for (name, right, count) in [("easy_acc", easy_right, easy), ("hard_acc", hard_right, hard)] {
            if count > 0 {
                metrics.insert(name.to_owned(), right as f64 / count as f64 * 100.0);
            }
        }
        metrics.extend(scores.metrics);
        Scores { metrics, correct: None, ..scores }
    }
}

/// Scores CrowS-Pairs: all answers, and those that are an option.
struct CrowsPairs;

/// Creates the evaluator of CrowS-Pairs.
pub(super) fn crowspairs(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(CrowsPairs))
}

impl Evaluate for CrowsPairs {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let right = |item: &ScoredItem<'_>| item.is_answered() && same(item);
        let is_valid = |item: &ScoredItem<'_>| item.is_answered() && item.pred != "invalid";
        let details =
            items.iter().map(|item| Detail { correct: Some(right(item)), ..detail(item) }).collect();
        let all_right = items.iter().filter(|item| right(item)).count();
        let valid = items.iter().filter(|item| is_valid(item)).count();
        let valid_right = items.iter().filter(|item| is_valid(item) && right(item)).count();
        let shares = [
            ("accuracy", all_right, items.len()),
            ("valid_accuracy", valid_right, valid),
            ("valid_frac", valid, items.len()),
        ];
        let mut metrics = Metrics::new();
        for (name, part, whole) in shares {
            if whole > 0 {
                // Upstream rounds to four decimals before it takes the percentage.
                let share = (part as f64 / whole as f64 * 1e4).round() / 1e4;
                metrics.insert(name.to_owned(), share * 100.0);
            }
        }
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}
