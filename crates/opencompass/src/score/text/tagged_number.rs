//! `tagged_number`: the mean distance of numbers between `<NUMBER>` tags or in a box.

use std::sync::LazyLock;

use regex::Regex;

use super::words::built_in;
use crate::prompt::python_str;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"(?:<NUMBER>\s*|\\boxed\{)\s*(-?\d*\.?\d+)\s*(?:</NUMBER>|\})"));

/// Which of several numbers an answer means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TaggedNumber {
    /// The first one; the reference has tags as well: `RMSEEvaluator` of SMolInstruct.
    First,
    /// The last one; the reference is a number: `MAEEvaluator` of Mol-Instructions.
    Last,
}

impl TaggedNumber {
    fn read(self, text: &str) -> Option<f64> {
        let mut numbers = NUMBER.captures_iter(text).filter_map(|found| found.get(1)?.as_str().parse().ok());
        match self {
            Self::First => numbers.next(),
            Self::Last => numbers.last(),
        }
    }

    fn reference(self, text: &str) -> Option<f64> {
        match self {
            Self::First => self.read(text),
            Self::Last => text.trim().parse().ok(),
        }
    }
}

impl Evaluate for TaggedNumber {
    /// The metric `score` is the mean distance, so that less is better. An answer without a number counts as 0, as
    /// upstream.
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let judge = |item: &ScoredItem<'_>| {
            let found = self.read(&item.pred_text()).unwrap_or(0.0);
            let score = self.reference(&python_str(&item.answer)).map(|expected| (found - expected).abs());
            Detail { score, ..detail(item) }
        };
        let details: Vec<Detail> = items.iter().map(judge).collect();
        let distances: Vec<f64> = details.iter().filter_map(|detail| detail.score).collect();
        let mut metrics = Metrics::new();
        if !distances.is_empty() {
            metrics.insert("score".to_owned(), distances.iter().sum::<f64>() / distances.len() as f64);
        }
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}
