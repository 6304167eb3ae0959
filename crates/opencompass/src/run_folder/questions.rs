//! The items behind the metrics of circular evaluation: which orders of the options a metric counts, and which answers
//! belong to one question.

use indexmap::IndexMap;
use serde_json::Value;

use crate::score::{Detail, Scores};
use crate::statistics::Sample;

/// The sets of orders that metrics are named after.
const SETS: [&str; 3] = ["origin", "circular", "all_possible"];

/// Finds the items or questions that a metric of circular evaluation counts: `acc_S` is the share of right answers among
/// the orders in S, `perf_S` and `more_J_S` are the shares of questions of which all of these orders, or at least J, are
/// answered right. `None` for any other metric. `clusters` has the question of every item.
pub(super) fn circular_sample(scores: &Scores, metric: &str, clusters: &[String]) -> Option<Sample> {
    let set = SETS.into_iter().find(|set| metric.ends_with(&format!("_{set}")))?;
    let kind = metric.strip_suffix(set)?.strip_suffix('_')?;
    let keys = order(scores.details.first()?)?;
    let belongs = |detail: &Detail| {
        order(detail).is_some_and(|order| match set {
            "origin" => order == keys,
            "circular" => is_rotation(keys, order),
            _ => true,
        })
    };
    let percent = |right: bool| if right { 100.0 } else { 0.0 };
    let counted = clusters.iter().zip(&scores.details).filter(|(_, detail)| belongs(detail));
    let counted = counted.map(|(question, detail)| (question, detail.correct == Some(true)));
    if kind == "acc" {
        return Some(Sample::of(counted.map(|(question, right)| (question.clone(), percent(right), 1.0))));
    }
    let orders = match set {
        "origin" => 1,
        "circular" => keys.len(),
        _ => (1..=keys.len()).product(),
    };
    let least: usize = match kind {
        "perf" => orders,
        more => more.strip_prefix("more_")?.parse().ok()?,
    };
    let mut questions: IndexMap<&String, usize> = IndexMap::new();
    for (question, right) in counted {
        *questions.entry(question).or_default() += usize::from(right);
    }
    let values: Vec<f64> = questions.values().map(|number| percent(*number >= least)).collect();
    Some(Sample::of_values(&values))
}

/// Returns the order of the options that an item was asked in.
fn order(detail: &Detail) -> Option<&[Value]> {
    detail.extra.get("circular_pattern")?.as_array().map(Vec::as_slice)
}

/// Says whether `order` is the options `keys` in their own order, from some option on.
fn is_rotation(keys: &[Value], order: &[Value]) -> bool {
    let start = order.first().and_then(|first| keys.iter().position(|key| key == first));
    start.is_some_and(|start| keys[start..].iter().chain(&keys[..start]).eq(order))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metrics_count_their_own_orders() {
        // Two questions with three options in all six orders; the first is right in every rotation, the second never.
        let orders = [
            ["A", "B", "C"],
            ["B", "C", "A"],
            ["C", "A", "B"],
            ["A", "C", "B"],
            ["C", "B", "A"],
            ["B", "A", "C"],
        ];
        let detail = |(place, order): (usize, &[&str; 3])| {
            let mut detail = Detail { correct: Some(place < 3), ..Detail::default() };
            detail.extra.insert("circular_pattern".to_owned(), json!(order));
            detail
        };
        let first = orders.iter().enumerate().map(detail);
        let second = orders.iter().map(|order| detail((9, order)));
        let scores = Scores { details: first.chain(second).collect(), ..Scores::default() };
        let clusters: Vec<String> = (0..12).map(|item| (item / 6).to_string()).collect();
        for (metric, statistic, items) in [
            ("acc_origin", 50.0, 2),
            ("acc_circular", 50.0, 6),
            ("acc_all_possible", 25.0, 12),
            ("perf_origin", 50.0, 2),
            ("perf_circular", 50.0, 2),
            ("more_3_all_possible", 50.0, 2),
            ("more_4_all_possible", 0.0, 2),
            ("perf_all_possible", 0.0, 2),
        ] {
            let sample = circular_sample(&scores, metric, &clusters).expect(metric);
            assert_eq!(
                (sample.statistic(), sample.items(), sample.clusters()),
                (statistic, items, 2),
                "{metric}"
            );
        }
        for metric in ["vote_circular", "accuracy", "_circular", "more_x_circular"] {
            assert!(circular_sample(&scores, metric, &clusters).is_none(), "{metric}");
        }
    }
}
