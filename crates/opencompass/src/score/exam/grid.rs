//! Grids as answers: the tables of ZebraLogic and the matrices of ARC Prize.

use serde_json::{Map, Value, json};

use super::literal::literal;
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::verdict::{accuracy_scores, answered, detail};
use crate::score::{Detail, Evaluate, Metrics, Reading, ScoredItem, Scores};

/// Compares the cells of a table.
struct Zebra;

/// Creates the evaluator of ZebraLogic's tables.
pub(super) fn zebra(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(Zebra))
}

impl Evaluate for Zebra {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let (mut right, mut all, mut perfect) = (0, 0, 0);
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let Some(expected) = expected_rows(&item.answer) else {
                let reason = Some("the expected answer is not a table".to_owned());
                details.push(Detail { correct: Some(false), reason, ..detail(item) });
                continue;
            };
            let cells = expected.iter().map(Vec::len).sum::<usize>();
            let found = if item.is_answered() { right_cells(&item.pred_text(), &expected) } else { 0 };
            let share = if cells == 0 { 0.0 } else { found as f64 / cells as f64 };
            (right, all, perfect) = (right + found, all + cells, perfect + usize::from(found == cells));
            let extra = Map::from_iter([("cell_accuracy".to_owned(), json!(share))]);
            details.push(Detail { correct: Some(found == cells), score: Some(share), extra, ..detail(item) });
        }
        let mut metrics = Metrics::new();
        if !items.is_empty() {
            let share = if all == 0 { 0.0 } else { right as f64 / all as f64 * 100.0 };
            metrics.insert("score".to_owned(), share);
            metrics.insert("cell_accuracy".to_owned(), share);
            metrics.insert("perfect_accuracy".to_owned(), perfect as f64 / items.len() as f64 * 100.0);
        }
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}

/// The rows of a solution: `{"rows": [[...]]}`, as a table or as text.
fn expected_rows(answer: &Value) -> Option<Vec<Vec<String>>> {
    let parsed;
    let solution = match answer {
        Value::String(text) => {
            parsed = literal(text).or_else(|| serde_json::from_str(text).ok())?;
            &parsed
        }
        other => other,
    };
    let row = |row: &Value| -> Option<Vec<String>> {
        row.as_array().map(|cells| cells.iter().map(python_str).collect())
    };
    solution.get("rows")?.as_array()?.iter().map(row).collect()
}

/// Counts the right cells: those of a table of the right height, or those that the text contains.
fn right_cells(text: &str, expected: &[Vec<String>]) -> usize {
    let normal = |cell: &str| cell.trim().to_lowercase();
    let mut rows: Vec<Vec<&str>> = text.split('\n').filter_map(table_row).collect();
    if rows.len() == 1 {
        rows.clear();
    }
    let has_header = rows
        .first()
        .and_then(|row| row.first())
        .is_some_and(|cell| matches!(normal(cell).as_str(), "house" | "houses" | "home" | "position"));
    if has_header && rows.len() == expected.len() + 1 {
        rows.remove(0);
    }
    if rows.len() == expected.len() && !rows.is_empty() {
        let pairs = expected.iter().zip(&rows);
        return pairs
            .flat_map(|(expected, found)| expected.iter().zip(found))
            .filter(|(expected, found)| normal(expected) == normal(found))
            .count();
    }
    let text = text.to_lowercase();
    expected.iter().flatten().filter(|cell| text.contains(&cell.to_lowercase())).count()
}

/// The cells of a line of a Markdown table; the line below the header is not one.
fn table_row(line: &str) -> Option<Vec<&str>> {
    let line = line.trim();
    let inner = line.strip_prefix('|')?;
    let separates = inner.strip_suffix('|').is_some_and(|inner| {
        !inner.is_empty() && inner.chars().all(|letter| matches!(letter, '-' | '|' | ' ' | ':'))
    });
    (!separates).then(|| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// Compares the pixels of a matrix.
struct ArcPrize {
    reading: Reading,
}

/// Creates the evaluator of ARC Prize. Upstream's accuracy is a share, the fixed one is a percentage.
pub(super) fn arc_prize(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(ArcPrize { reading: setup.reading }))
}

impl Evaluate for ArcPrize {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let judge = |item: &ScoredItem<'_>| {
            let found = matrix_in(&item.pred_text()).unwrap_or_else(|| vec![vec![0]]);
            let (right, pixels) = right_pixels(&found, &matrix(&item.answer).unwrap_or_default());
            let share = if pixels == 0 { 0.0 } else { right as f64 / pixels as f64 * 100.0 };
            let correct = Some(item.is_answered() && pixels > 0 && right == pixels);
            let extra = Map::from_iter([("correct_percentage".to_owned(), json!(share))]);
            Detail { pred: json!(found), correct, extra, ..detail(item) }
        };
        let mut scores = accuracy_scores("accuracy", items.iter().map(judge).collect(), answered(items));
        if self.reading == Reading::Compat {
            for value in scores.metrics.values_mut() {
                *value /= 100.0;
            }
        }
        scores
    }
}

/// The first list of lists of whole numbers in a text.
fn matrix_in(text: &str) -> Option<Vec<Vec<i64>>> {
    let start = text.find("[[")?;
    let end = start + text[start..].find("]]")? + 2;
    matrix(&literal(&text[start..end])?)
}

fn matrix(value: &Value) -> Option<Vec<Vec<i64>>> {
    let row = |row: &Value| -> Option<Vec<i64>> { row.as_array()?.iter().map(Value::as_i64).collect() };
    value.as_array()?.iter().map(row).collect()
}

/// The number of equal pixels, and the number of pixels of the larger matrix in each direction.
fn right_pixels(found: &[Vec<i64>], expected: &[Vec<i64>]) -> (usize, usize) {
    let width = |rows: &[Vec<i64>]| rows.iter().map(Vec::len).max().unwrap_or_default();
    let pixels = found.len().max(expected.len()).saturating_mul(width(found).max(width(expected)));
    let pairs = found.iter().zip(expected).flat_map(|(found, expected)| found.iter().zip(expected));
    // Upstream pads with -1, so that a pixel of that color is never right.
    (pairs.filter(|(found, expected)| found == expected && **found != -1).count(), pixels)
}
