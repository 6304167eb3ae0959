//! `s3eval`: answers about tables, which are a number, words, a list with commas or a table in Markdown.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{answer_words, f1};

/// Scores an answer from 0 to 1 by the form of its reference: `S3EvalEvaluator`.
pub(super) fn score(answer: &str, reference: &str) -> f64 {
    if reference.contains('|') {
        return bags(&rows(answer), &rows(reference));
    }
    if reference.contains(',') {
        let parts =
            |text: &str| -> BTreeSet<String> { text.split(',').map(|part| part.trim().to_owned()).collect() };
        let (ours, theirs) = (parts(answer), parts(reference));
        return harmonic(ours.intersection(&theirs).count(), ours.len(), theirs.len());
    }
    if let (Some(ours), Some(theirs)) = (number(answer), number(reference)) {
        return if ours == theirs { 1.0 } else { 0.0 };
    }
    f1(&answer_words(answer), &answer_words(reference))
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// The cells of each row below the two lines of the head.
fn rows(table: &str) -> Vec<Vec<String>> {
    let lines = table.split('\n').skip(2).filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            let inner = if cells.len() > 2 { &cells[1..cells.len() - 1] } else { &[][..] };
            inner.iter().map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// The F1 of two bags of rows.
fn bags(ours: &[Vec<String>], theirs: &[Vec<String>]) -> f64 {
    let counted = |rows: &[Vec<String>]| {
        let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for row in rows {
            *counts.entry(row.clone()).or_default() += 1;
        }
        counts
    };
    let (counts, expected) = (counted(ours), counted(theirs));
    let hits = counts.iter().map(|(row, count)| (*count).min(expected.get(row).copied().unwrap_or(0))).sum();
    harmonic(hits, ours.len(), theirs.len())
}

fn harmonic(hits: usize, predicted: usize, expected: usize) -> f64 {
    if hits == 0 {
        return 0.0;
    }
    let (precision, recall) = (hits as f64 / predicted as f64, hits as f64 / expected as f64);
    2.0 * precision * recall / (precision + recall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_decides_the_form() {
        let table = "|a|b|\n|-|-|\n|1|2|\n|3|4|";
        for (answer, reference, expected) in [
            ("3.0", "3", 1.0),
            ("3", "4", 0.0),
            ("the big cat", "big dog", 0.5),
            ("b, a", "a,b", 1.0),
            ("a", "a,b", 2.0 / 3.0),
            (table, table, 1.0),
            ("|a|b|\n|-|-|\n|1|2|", table, 2.0 / 3.0),
            ("none", table, 0.0),
        ] {
            assert_eq!(score(answer, reference), expected, "{answer} / {reference}");
        }
    }
}
