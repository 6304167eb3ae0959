//! Confidence intervals of the scores of a run, for our own files: upstream has none.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::dataset::Dataset;
use crate::infer::Prediction;
use crate::score::Scores;
use crate::statistics::{Bootstrap, Sample, wilson};
use crate::summary::{GroupConfig, Subset, headline_metric};
use crate::{CellResult, CellState};

/// Columns whose value says which items belong together: the rotations of one question, and the questions on one
/// document.
const CLUSTERS: [&str; 2] = ["qid", "document"];

/// An interval of 95 % around one score.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ScoreInterval {
    /// The score itself.
    pub(super) score: f64,
    /// Lower and upper bound; absent for a score that is not made of the items' own scores.
    pub(super) bounds: Option<(f64, f64)>,
    /// Number of items.
    pub(super) count: usize,
    /// The method: `wilson`, `bootstrap` or nothing.
    pub(super) method: &'static str,
}

impl ScoreInterval {
    /// Returns the columns `ci_low`, `ci_high` and `n` as JSON; only `n` without bounds.
    pub(super) fn json(&self) -> Value {
        let mut columns = Map::new();
        if let Some((low, high)) = self.bounds {
            columns.insert("ci_low".to_owned(), json!(low));
            columns.insert("ci_high".to_owned(), json!(high));
        }
        columns.insert("n".to_owned(), json!(self.count));
        Value::Object(columns)
    }
}

/// The items of a cell behind each of its metrics, as far as a metric is made of them.
pub(super) type Samples = IndexMap<String, Option<Sample>>;

/// Finds the items behind every metric of a cell; empty for a refused cell.
pub(super) fn samples(cell: &CellResult, dataset: &Dataset) -> Samples {
    let CellState::Scored { predictions, scores, .. } = &cell.state else { return Samples::new() };
    let sample = |(metric, score): (&String, &f64)| {
        (metric.clone(), sample(scores, (metric, *score), predictions, dataset))
    };
    scores.metrics.iter().map(sample).collect()
}

/// Computes the intervals of a cell's metrics.
pub(super) fn intervals(cell: &CellResult, samples: &Samples) -> IndexMap<String, ScoreInterval> {
    let Some(scores) = cell.scores() else { return IndexMap::new() };
    let interval = |(place, (metric, score)): (usize, (&String, &f64))| {
        let sample = samples.get(metric).and_then(Option::as_ref);
        let (bounds, method) = match (sample, scores.correct.filter(|_| place == 0)) {
            // Wilson's interval takes the items for independent.
            (sample, Some(correct)) if sample.is_none_or(|sample| are_apart(sample, scores)) => {
                (Some(wilson(correct as f64, scores.details.len())), "wilson")
            }
            (Some(sample), _) => {
                let interval = Bootstrap::default().interval(sample);
                (Some((interval.low, interval.high)), "bootstrap")
            }
            (None, _) => (None, ""),
        };
        (metric.clone(), ScoreInterval { score: *score, bounds, count: scores.details.len(), method })
    };
    scores.metrics.iter().enumerate().map(interval).collect()
}

/// Says whether every item of the scores is a cluster of its own.
fn are_apart(sample: &Sample, scores: &Scores) -> bool {
    sample.clusters() == sample.items() && sample.items() == scores.details.len()
}

/// Computes the interval of a group's own metric for one model. `None` if a member has no score or no items.
pub(super) fn group_interval(
    group: &GroupConfig,
    samples: &IndexMap<String, Samples>,
) -> Option<ScoreInterval> {
    let member = |subset: &Subset| {
        let samples = samples.get(subset.name())?;
        let sample = match subset {
            Subset::Name(_) => samples.get(headline_metric(samples.keys())?)?,
            Subset::Metric(_, metric) => samples.get(metric)?,
        };
        Some((subset.name().to_owned(), sample.clone()?))
    };
    let members: Vec<(String, Sample)> = group.subsets().iter().map(member).collect::<Option<_>>()?;
    let (names, members): (Vec<String>, Vec<Sample>) = members.into_iter().unzip();
    let combined = group.combined();
    let combine = |scores: &[f64]| {
        combined(&names.iter().cloned().zip(scores.iter().copied()).collect::<Vec<(String, f64)>>())
    };
    let interval = Bootstrap::default().group_interval(&members, &combine);
    let score = combine(&members.iter().map(Sample::statistic).collect::<Vec<f64>>());
    let count = members.iter().map(Sample::items).sum();
    Some(ScoreInterval { score, bounds: Some((interval.low, interval.high)), count, method: "bootstrap" })
}

/// Finds the items' own scores that a metric is the mean of, or the mean weighted by bytes.
fn sample(
    scores: &Scores,
    (metric, score): (&str, f64),
    predictions: &[Prediction],
    dataset: &Dataset,
) -> Option<Sample> {
    let details = &scores.details;
    let same = details.len() == predictions.len() && !details.is_empty();
    if !same {
        return None;
    }
    let zero_or_one = |flag: bool| f64::from(u8::from(flag));
    let number = |value: &Value| value.as_f64().or_else(|| value.as_bool().map(zero_or_one));
    let own = |kind: usize, place: usize| match kind {
        0 => details[place].extra.get(metric).and_then(number),
        1 => details[place].score,
        _ => details[place].correct.map(zero_or_one),
    };
    let one = |_: usize| 1.0;
    let bytes = |place: usize| predictions[place].measured.map_or(0.0, |measured| measured.bytes as f64);
    let clusters: Vec<String> = predictions.iter().map(|prediction| cluster(prediction, dataset)).collect();
    if let Some(sample) = questions(scores, (metric, score), &clusters) {
        return Some(sample);
    }
    let weights: [&dyn Fn(usize) -> f64; 2] = [&one, &bytes];
    for kind in 0..3 {
        let Some(values) = (0..details.len()).map(|place| own(kind, place)).collect::<Option<Vec<f64>>>()
        else {
            continue;
        };
        for scale in [1.0, 100.0] {
            for weight in weights {
                let item = |place: usize| (clusters[place].clone(), values[place] * scale, weight(place));
                let sample = Sample::of((0..details.len()).map(item));
                if (sample.statistic() - score).abs() <= 1e-9 * score.abs().max(1.0) {
                    return Some(sample);
                }
            }
        }
    }
    None
}

/// Finds the questions behind a metric of circular evaluation: `perf_S` and `more_J_S` are the shares of questions of
/// which all forms, or at least J, are right.
fn questions(scores: &Scores, (metric, score): (&str, f64), clusters: &[String]) -> Option<Sample> {
    if !["perf_", "more_"].iter().any(|start| metric.starts_with(start)) {
        return None;
    }
    let mut right: IndexMap<&str, (usize, usize)> = IndexMap::new();
    for (cluster, detail) in clusters.iter().zip(&scores.details) {
        let question = right.entry(cluster).or_default();
        question.0 += usize::from(detail.correct?);
        question.1 += 1;
    }
    let most = right.values().map(|(_, forms)| *forms).max()?;
    (1..=most).rev().find_map(|least| {
        let share = |(right, _): &(usize, usize)| if *right >= least { 100.0 } else { 0.0 };
        let sample = Sample::of_values(&right.values().map(share).collect::<Vec<f64>>());
        ((sample.statistic() - score).abs() <= 1e-9 * score.abs().max(1.0)).then_some(sample)
    })
}

/// Returns what an item belongs to: its question or document if the row names one, otherwise its row.
fn cluster(prediction: &Prediction, dataset: &Dataset) -> String {
    let columns = dataset.test.get(prediction.row).map(|row| &row.columns);
    let named = columns.and_then(|columns| {
        CLUSTERS.iter().find_map(|name| columns.get(*name).map(|value| format!("{name} {value}")))
    });
    named.unwrap_or_else(|| prediction.row.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dataset::DatasetConfig;
    use crate::score::{Detail, Metrics};

    fn dataset() -> Dataset {
        let text = "name = \"set\"\nsource = { files = [\"a.jsonl\"] }\n\
                    reader = { input = [\"q\"], output = \"a\" }\nprompt = { text = \"{q}\" }\n\
                    infer = { mode = \"gen\" }\nscore = { evaluator = \"acc\" }\n";
        Dataset::without_rows(DatasetConfig::parse(text, "set.toml").expect("a dataset file"))
    }

    fn scores(details: Vec<Detail>, metrics: &[(&str, f64)]) -> Scores {
        let metrics: Metrics = metrics.iter().map(|(name, score)| ((*name).to_owned(), *score)).collect();
        Scores { metrics, answered: details.len(), details, ..Scores::default() }
    }

    fn right(flags: &[bool]) -> Vec<Detail> {
        flags.iter().map(|flag| Detail { correct: Some(*flag), ..Detail::default() }).collect()
    }

    /// Predictions of the rows 0, 1, ..., or of each row several times.
    fn predictions(rows: &[usize]) -> Vec<Prediction> {
        rows.iter().map(|row| Prediction { row: *row, ..Prediction::default() }).collect()
    }

    fn found(scores: &Scores, metric: &str, rows: &[usize]) -> Option<(usize, usize)> {
        let score = scores.metrics[metric];
        let sample = sample(scores, (metric, score), &predictions(rows), &dataset())?;
        assert!((sample.statistic() - score).abs() < 1e-9);
        Some((sample.clusters(), sample.items()))
    }

    #[test]
    fn metrics_are_traced_back_to_their_items() {
        let mut details = right(&[true, false, true, true]);
        for (detail, score) in details.iter_mut().zip([0.1, 0.2, 0.3, 0.4]) {
            detail.score = Some(score);
            detail.extra.insert("rouge1".to_owned(), json!(2.0 * score));
        }
        let metrics = [("accuracy", 75.0), ("score", 25.0), ("rouge1", 0.5), ("other", 12.0)];
        let scores = scores(details, &metrics);
        for metric in ["accuracy", "score", "rouge1"] {
            assert_eq!(found(&scores, metric, &[0, 1, 2, 3]), Some((4, 4)), "{metric}");
            assert_eq!(found(&scores, metric, &[0, 1, 0, 1]), Some((2, 4)), "{metric} of two answers each");
        }
        assert_eq!(found(&scores, "other", &[0, 1, 2, 3]), None);
    }

    #[test]
    fn circular_metrics_are_shares_of_questions() {
        let details = right(&[true, true, true, false, false, false]);
        let metrics =
            [("acc_origin", 50.0), ("more_1_circular", 200.0 / 3.0), ("perf_circular", 100.0 / 3.0)];
        let scores = scores(details, &metrics);
        let rows = [0, 0, 1, 1, 2, 2];
        assert_eq!(found(&scores, "perf_circular", &rows), Some((3, 3)));
        assert_eq!(found(&scores, "more_1_circular", &rows), Some((3, 3)));
        assert_eq!(found(&scores, "acc_origin", &rows), Some((3, 6)));
    }
}
