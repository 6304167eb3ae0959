//! The usual ways to a score: a verdict per item, or a number per item.

use super::{Detail, Metrics, ScoredItem, Scores};

/// Returns the detail of an item before it is judged; a failed request is noted as the reason.
pub(crate) fn detail(item: &ScoredItem<'_>) -> Detail {
    Detail {
        pred: item.pred.clone(),
        answer: item.answer.clone(),
        reason: item.prediction.error.clone(),
        ..Detail::default()
    }
}

/// Returns the number of items that the model answered.
pub(crate) fn answered(items: &[ScoredItem<'_>]) -> usize {
    items.iter().filter(|item| item.is_answered()).count()
}

/// Judges every answered item by `correct`; `metric` is the share of right items in percent.
pub(crate) fn verdicts(
    metric: &str,
    items: &[ScoredItem<'_>],
    correct: impl Fn(&ScoredItem<'_>) -> bool,
) -> Scores {
    let judge =
        |item: &ScoredItem<'_>| Detail { correct: Some(item.is_answered() && correct(item)), ..detail(item) };
    accuracy_scores(metric, items.iter().map(judge).collect(), answered(items))
}

/// Scores every answered item by `score`, from 0 to 1, and the others by 0; `metric` is the mean in percent.
pub(crate) fn mean_of(
    metric: &str,
    items: &[ScoredItem<'_>],
    score: impl Fn(&ScoredItem<'_>) -> f64,
) -> Scores {
    let judge = |item: &ScoredItem<'_>| Detail {
        score: Some(if item.is_answered() { score(item) } else { 0.0 }),
        ..detail(item)
    };
    let details: Vec<Detail> = items.iter().map(judge).collect();
    let mut metrics = Metrics::new();
    if !details.is_empty() {
        let sum: f64 = details.iter().filter_map(|detail| detail.score).sum();
        metrics.insert(metric.to_owned(), 100.0 * sum / details.len() as f64);
    }
    Scores { metrics, details, answered: answered(items), ..Scores::default() }
}

/// Computes scores whose headline is the share of right items in percent.
#[must_use]
pub fn accuracy_scores(metric: &str, details: Vec<Detail>, answered: usize) -> Scores {
    let correct = details.iter().filter(|detail| detail.correct == Some(true)).count();
    let mut metrics = Metrics::new();
    if !details.is_empty() {
        metrics.insert(metric.to_owned(), 100.0 * correct as f64 / details.len() as f64);
    }
    Scores { metrics, details, answered, correct: Some(correct), ..Scores::default() }
}
