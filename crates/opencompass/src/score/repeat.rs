//! Several answers per question: the mean over the runs, pass@k and G-Pass@k (`BaseEvaluator.evaluate` upstream).
//!
//! For `n` answers of which `c` are right: pass@k = 1 - C(n-c, k) / C(n, k) (Chen et al. 2021, arXiv:2107.03374), and
//! G-Pass@k with threshold t = P[X >= max(ceil(k t), 1)] where X is hypergeometric: k draws from n of which c are right
//! (Liu et al. 2024, arXiv:2412.13147). mG-Pass@k is twice the mean of P[X >= i] over the i above k/2.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Detail, Evaluate, Metrics, ScoredItem, Scores};
use crate::dataset::InferConfig;

/// Upstream's thresholds of G-Pass@k, as it prints them.
const THRESHOLDS: [(f64, &str); 5] =
    [(0.0, "0.0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1.0")];

/// Returns the probability that at least one of `k` answers is right, drawn from `n` of which `c` are right.
///
/// ```
/// use opencompass::score::pass_at_k;
/// assert_eq!(pass_at_k(10, 1, 10), 1.0);
/// assert!((pass_at_k(10, 1, 1) - 0.1).abs() < 1e-12);
/// ```
#[must_use]
pub fn pass_at_k(n: usize, c: usize, k: usize) -> f64 {
    let wrong = n.saturating_sub(c);
    if wrong < k {
        return 1.0;
    }
    1.0 - (wrong + 1..=n).map(|i| 1.0 - k as f64 / i as f64).product::<f64>()
}

/// Returns the probability that at least the share `threshold` of `k` answers is right, and at least one of them.
#[must_use]
pub fn g_pass_at_k(n: usize, c: usize, k: usize, threshold: f64) -> f64 {
    at_least(n, c, k, ((k as f64 * threshold).ceil() as usize).max(1))
}

/// Returns the mean of G-Pass@k over the thresholds above one half.
#[must_use]
pub fn mean_g_pass_at_k(n: usize, c: usize, k: usize) -> f64 {
    let sum: f64 = (k.div_ceil(2) + 1..=k).map(|least| at_least(n, c, k, least)).sum();
    2.0 * sum / k as f64
}

/// The probability that `least` or more of `k` draws from `n` are among the `c` right ones.
fn at_least(n: usize, c: usize, k: usize, least: usize) -> f64 {
    if least > c.min(k) || k > n || c > n || n == 0 {
        return 0.0;
    }
    let all = log_choose(n, k);
    let one = |right: usize| match k - right <= n - c {
        true => (log_choose(c, right) + log_choose(n - c, k - right) - all).exp(),
        false => 0.0,
    };
    (least..=c.min(k)).map(one).sum::<f64>().min(1.0)
}

/// The natural logarithm of the number of ways to choose `k` of `n`.
fn log_choose(n: usize, k: usize) -> f64 {
    (1..=k.min(n - k)).map(|i| ((n - k.min(n - k) + i) as f64 / i as f64).ln()).sum()
}

/// Scores each run of `items` by itself, then all of them together.
pub(super) fn score_runs(evaluator: &dyn Evaluate, items: &[ScoredItem<'_>], infer: &InferConfig) -> Scores {
    let mut runs: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        runs.entry(item.prediction.replica).or_default().push(place);
    }
    let mut details = vec![Detail::default(); items.len()];
    let mut scored: Vec<Scores> = Vec::with_capacity(runs.len());
    for places in runs.values() {
        let run: Vec<ScoredItem<'_>> = places.iter().map(|place| items[*place].clone()).collect();
        let mut scores = evaluator.evaluate(&run);
        for (place, detail) in places.iter().zip(std::mem::take(&mut scores.details)) {
            details[*place] = detail;
        }
        scored.push(scores);
    }
    let mut metrics = means(&scored);
    metrics.extend(passes(items, &details, infer));
    let extra = scored.iter_mut().enumerate().filter(|(_, scores)| !scores.extra.is_empty());
    let extra =
        extra.map(|(run, scores)| (format!("run {run}"), Value::Object(std::mem::take(&mut scores.extra))));
    Scores {
        extra: extra.collect(),
        metrics,
        details,
        answered: scored.iter().map(|scores| scores.answered).sum(),
        correct: scored.iter().map(|scores| scores.correct).sum(),
    }
}

/// The mean of every metric over the runs, under upstream's names.
fn means(runs: &[Scores]) -> Metrics {
    let mut metrics = Metrics::new();
    let names = runs.first().map(|run| run.metrics.keys()).into_iter().flatten();
    for name in names {
        let values: Vec<f64> = runs.iter().filter_map(|run| run.metrics.get(name).copied()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        metrics.insert(format!("{name} ({} runs average)", runs.len()), mean);
    }
    metrics
}

/// pass@k and G-Pass@k in percent, the means over all questions; nothing for evaluators that only measure.
fn passes(items: &[ScoredItem<'_>], details: &[Detail], infer: &InferConfig) -> Metrics {
    // Row -> number of answers and of right ones.
    let mut rows: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (item, detail) in items.iter().zip(details) {
        let row = rows.entry(item.prediction.row).or_default();
        row.0 += 1;
        row.1 += usize::from(detail.correct == Some(true));
    }
    let mut metrics = Metrics::new();
    if rows.is_empty() || details.iter().all(|detail| detail.correct.is_none()) {
        return metrics;
    }
    let mut mean = |name: String, value: &dyn Fn(usize, usize) -> f64| {
        let sum: f64 = rows.values().map(|(n, c)| value(*n, *c)).sum();
        metrics.insert(name, 100.0 * sum / rows.len() as f64);
    };
    let ks: Vec<usize> = if infer.k.is_empty() { vec![1] } else { infer.k.clone() };
    for k in ks.iter().copied().filter(|k| *k > 0 && *k <= infer.n) {
        mean(format!("pass@{k}"), &|n, c| pass_at_k(n, c, k));
    }
    if ks.iter().any(|k| *k > 1) {
        for k in ks.into_iter().filter(|k| *k > 0) {
            for (threshold, word) in THRESHOLDS {
                mean(format!("G-Pass@{k}_{word}"), &|n, c| g_pass_at_k(n, c, k, threshold));
            }
            mean(format!("mG-Pass@{k}"), &|n, c| mean_g_pass_at_k(n, c, k));
        }
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_hold_at_the_edges() {
        assert_eq!([pass_at_k(8, 0, 4), pass_at_k(8, 8, 1), pass_at_k(3, 1, 3)], [0.0, 1.0, 1.0]);
        assert!((pass_at_k(8, 2, 1) - 0.25).abs() < 1e-12);
        assert!((g_pass_at_k(8, 5, 4, 1.0) - 5.0 / 70.0).abs() < 1e-12);
        assert_eq!([g_pass_at_k(4, 2, 8, 0.5), g_pass_at_k(0, 0, 1, 0.0)], [0.0, 0.0]);
        assert!((g_pass_at_k(8, 5, 4, 0.0) - pass_at_k(8, 5, 4)).abs() < 1e-12);
        assert_eq!(mean_g_pass_at_k(8, 8, 1), 0.0);
        assert!((mean_g_pass_at_k(8, 8, 4) - 1.0).abs() < 1e-12);
    }
}
