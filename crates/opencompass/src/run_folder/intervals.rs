//! Confidence intervals of the scores of a run, for our own files: upstream has none.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::questions::circular_sample;
use crate::dataset::Dataset;
use crate::infer::Prediction;
use crate::score::Scores;
use crate::statistics::{Bootstrap, Sample, agree, wilson};
use crate::summary::{GroupConfig, Subset, headline_metric};
use crate::{CellResult, CellState};

/// Columns whose value says which items belong together: the rotations of one question, and the questions on one
/// document.
const CLUSTERS: [&str; 2] = ["qid", "document"];

/// The evaluator of circular evaluation in its older form.
const OLDER_CIRCULAR: &str = "circular_icl";

/// An interval of 95 % around one score.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ScoreInterval {
    /// The score itself.
    pub(super) score: f64,
    /// Lower and upper bound; absent for a score that is not made of the items' own scores.
    pub(super) bounds: Option<(f64, f64)>,
    /// Number of items, or of questions where these are counted.
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
        let share = scores.correct.filter(|correct| place == 0 && is_share(*score, *correct, scores));
        let (bounds, method) = match (sample, share) {
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
        let count = sample.map_or(scores.details.len(), Sample::items);
        (metric.clone(), ScoreInterval { score: *score, bounds, count, method })
    };
    scores.metrics.iter().enumerate().map(interval).collect()
}

/// Says whether a score is the share of right items in percent.
fn is_share(score: f64, correct: usize, scores: &Scores) -> bool {
    agree(100.0 * correct as f64 / scores.details.len() as f64, score)
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
    let circular = circular_sample(scores, metric, &clusters);
    if let Some(sample) = circular.filter(|sample| agree(sample.statistic(), score)) {
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
                if agree(sample.statistic(), score) {
                    return Some(sample);
                }
            }
        }
    }
    None
}

/// Returns what an item belongs to: its question or document if the row names one, otherwise its row.
fn cluster(prediction: &Prediction, dataset: &Dataset) -> String {
    // The older form of circular evaluation names the question in the expected answer, `question--letter--ABCD`.
    if dataset.config.score.evaluator.name() == OLDER_CIRCULAR
        && let Some((question, _)) = prediction.gold.as_str().and_then(|gold| gold.split_once("--"))
    {
        return format!("question {question}");
    }
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

    /// The scores of three questions with two options in both orders, and their rows.
    fn circular() -> (Scores, [usize; 6]) {
        let mut details = right(&[true, true, true, false, false, false]);
        for (place, detail) in details.iter_mut().enumerate() {
            let order = if place % 2 == 0 { ["A", "B"] } else { ["B", "A"] };
            detail.extra.insert("circular_pattern".to_owned(), json!(order));
        }
        let metrics = [
            ("acc_origin", 200.0 / 3.0),
            ("acc_circular", 50.0),
            ("more_1_circular", 200.0 / 3.0),
            ("perf_circular", 100.0 / 3.0),
        ];
        let scores = Scores { correct: Some(3), ..scores(details, &metrics) };
        (scores, [0, 0, 1, 1, 2, 2])
    }

    #[test]
    fn circular_metrics_are_shares_of_questions() {
        let (scores, rows) = circular();
        assert_eq!(found(&scores, "perf_circular", &rows), Some((3, 3)));
        assert_eq!(found(&scores, "more_1_circular", &rows), Some((3, 3)));
        assert_eq!(found(&scores, "acc_origin", &rows), Some((3, 3)));
        assert_eq!(found(&scores, "acc_circular", &rows), Some((3, 6)));
    }

    fn cell(scores: Scores, rows: &[usize]) -> CellResult {
        let (predictions, scores) = (predictions(rows), Box::new(scores));
        CellResult::new(0, 0, CellState::Scored { predictions, scores, other: None })
    }

    #[test]
    fn the_interval_of_a_headline_is_around_that_headline() {
        let (scores, rows) = circular();
        let cell = cell(scores, &rows);
        let found = intervals(&cell, &samples(&cell, &dataset()));
        // Three of the six forms are right, which says nothing about the three questions as they are written.
        let origin = &found["acc_origin"];
        let (low, high) = origin.bounds.expect("bounds");
        assert_eq!((origin.method, origin.count), ("bootstrap", 3));
        assert!((low..=high).contains(&origin.score), "{origin:?}");
        assert_eq!((found["acc_circular"].count, found["acc_circular"].method), (6, "bootstrap"));
    }

    #[test]
    fn a_headline_from_0_to_1_has_an_interval_from_0_to_1() {
        let scores = scores(right(&[true, false, true, true]), &[("acc score", 0.75)]);
        let cell = cell(Scores { correct: Some(3), ..scores }, &[0, 1, 2, 3]);
        let (low, high) = intervals(&cell, &samples(&cell, &dataset()))["acc score"].bounds.expect("bounds");
        assert!((0.0..0.75).contains(&low) && (0.75..=1.0).contains(&high), "{low} to {high}");
    }

    #[test]
    fn a_rounded_headline_has_an_interval_too() {
        let scores = scores(right(&[true, false, true]), &[("accuracy", 66.67)]);
        let cell = cell(Scores { correct: Some(2), ..scores }, &[0, 1, 2]);
        let accuracy = &intervals(&cell, &samples(&cell, &dataset()))["accuracy"];
        assert_eq!((accuracy.method, accuracy.bounds), ("wilson", Some(wilson(2.0, 3))));
    }

    #[test]
    fn the_older_form_names_its_questions_in_the_expected_answers() {
        let mut set = dataset();
        set.config.score.evaluator = crate::dataset::Named::new(OLDER_CIRCULAR);
        let gold = |gold: &str| Prediction { gold: json!(gold), ..Prediction::default() };
        let clusters = ["7--A--AB", "7--B--BA", "8--A--AB"].map(|text| cluster(&gold(text), &set));
        assert!(clusters[0] == clusters[1] && clusters[1] != clusters[2], "{clusters:?}");
    }
}
