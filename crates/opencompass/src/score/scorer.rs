//! [`Scorer`]: the post-processors and the evaluator of one dataset, in both readings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::attack::attacked;
use super::post::Post;
use super::registry::{has_two_readings, named_evaluator};
use super::repeat::score_runs;
use super::{Evaluate, FollowUp, Participant, Reading, ScoredItem, Scores, Setup};
use crate::Result;
use crate::dataset::{Dataset, DatasetConfig, Mode, Named};
use crate::infer::{Outcome, Prediction};

/// The scores of a cell in both readings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scored {
    /// The reading that the dataset file names.
    pub scores: Scores,
    /// The other reading. Absent where both are the same.
    pub other: Option<Scores>,
}

impl Scored {
    /// Returns the number of items on which the two readings differ in answer or verdict.
    #[must_use]
    pub fn differing(&self) -> usize {
        let other = self.other.iter().flat_map(|other| &other.details);
        let differs = |(a, b): &(&super::Detail, &super::Detail)| {
            a.pred != b.pred || a.correct != b.correct || a.score != b.score
        };
        self.scores.details.iter().zip(other).filter(differs).count()
    }
}

/// What scores the items of one dataset.
pub struct Scorer<'a> {
    dataset: &'a Dataset,
    headline: Readout,
    other: Option<Readout>,
}

/// Post-processors and evaluator in one reading.
struct Readout {
    posts: Vec<Post>,
    reference_posts: Vec<Post>,
    evaluator: Box<dyn Evaluate>,
}

impl Readout {
    fn new(dataset: &Dataset, reading: Reading) -> Result<Self> {
        let config = &dataset.config;
        let post = |named: &Named| Post::new(named, reading);
        let score = &config.score;
        Ok(Self {
            posts: score.post.iter().map(post).collect::<Result<_>>()?,
            reference_posts: score.reference_post.iter().map(post).collect::<Result<_>>()?,
            evaluator: named_evaluator(&Setup {
                named: &score.evaluator,
                dataset: config,
                resources: &dataset.resources,
                reading,
            })?,
        })
    }

    fn item<'a>(
        &self,
        dataset: &'a Dataset,
        prediction: &'a Prediction,
        evidence: Vec<Outcome>,
    ) -> ScoredItem<'a> {
        let pred = match (&prediction.value, &prediction.text) {
            (Some(value), _) => value.clone(),
            (None, Some(text)) => Post::chain(&self.posts, text.as_str().into()),
            (None, None) => Value::Null,
        };
        let pred = if dataset.config.infer.mode == Mode::Sc { majority(pred) } else { pred };
        let answer = Post::chain(&self.reference_posts, prediction.gold.clone());
        ScoredItem { pred, answer, prediction, columns: columns(dataset, prediction.row), evidence }
    }
}

/// The most frequent answer of a list, the first one of several (`Counter.most_common`); other values stay.
fn majority(value: Value) -> Value {
    let Value::Array(answers) = value else { return value };
    let mut counts: Vec<(Value, usize)> = Vec::new();
    for answer in answers {
        match counts.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, count)) => *count += 1,
            None => counts.push((answer, 1)),
        }
    }
    let best = counts.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(Value::Null, |(answer, _)| answer)
}

/// Returns all columns of a row.
fn columns(dataset: &Dataset, row: usize) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    dataset.test.get(row).map_or(&NONE, |row| &row.columns)
}

impl<'a> Scorer<'a> {
    /// Creates the scorer of a dataset.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) when an evaluator or a post-processor is unknown or its arguments do not
    /// fit. A loaded dataset was checked.
    pub fn new(dataset: &'a Dataset) -> Result<Self> {
        let (headline, other) = match dataset.config.score.compat {
            true => (Reading::Compat, Reading::Fixed),
            false => (Reading::Fixed, Reading::Compat),
        };
        let two = has_two_readings(&dataset.config);
        let other = two.then(|| Readout::new(dataset, other)).transpose()?;
        Ok(Self { dataset, headline: Readout::new(dataset, headline)?, other })
    }

    /// Names everyone whom the evaluator may ask about any prediction, in either reading.
    #[must_use]
    pub fn participants(&self) -> BTreeSet<Participant> {
        let readouts = std::iter::once(&self.headline).chain(&self.other);
        readouts.flat_map(|readout| readout.evaluator.participants()).collect()
    }

    /// Returns the next requests that are needed to judge a prediction. `lookup` gives the outcomes that are there.
    #[must_use]
    pub fn follow_ups(
        &self,
        prediction: &Prediction,
        lookup: &dyn Fn(&FollowUp) -> Option<Outcome>,
    ) -> Vec<FollowUp> {
        let mut missing: Vec<FollowUp> = Vec::new();
        for readout in std::iter::once(&self.headline).chain(&self.other) {
            let (_, more) = self.gather(readout, prediction, lookup);
            missing.extend(more);
        }
        missing
    }

    /// Collects evidence for an item until something is missing.
    fn gather<'p>(
        &'p self,
        readout: &Readout,
        prediction: &'p Prediction,
        lookup: &dyn Fn(&FollowUp) -> Option<Outcome>,
    ) -> (ScoredItem<'p>, Vec<FollowUp>) {
        let mut item = readout.item(self.dataset, prediction, Vec::new());
        if !item.is_answered() {
            return (item, Vec::new());
        }
        loop {
            let asks = readout.evaluator.follow_ups(&item);
            let outcomes: Vec<Option<Outcome>> = asks.iter().map(lookup).collect();
            let missing = asks.into_iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_none());
            let missing: Vec<FollowUp> = missing.map(|(ask, _)| ask).collect();
            if outcomes.is_empty() || !missing.is_empty() {
                return (item, missing);
            }
            item.evidence.extend(outcomes.into_iter().flatten());
        }
    }

    /// Scores the predictions of one model. What is missing in `lookup` counts as a failed request.
    #[must_use]
    pub fn score(&self, predictions: &[Prediction], lookup: &dyn Fn(&FollowUp) -> Option<Outcome>) -> Scored {
        let there = |ask: &FollowUp| Some(lookup(ask).unwrap_or_else(|| Err("not asked yet".to_owned())));
        let score = |readout: &Readout| {
            let items = predictions.iter().map(|prediction| self.gather(readout, prediction, &there).0);
            let items: Vec<ScoredItem<'_>> = items.collect();
            let infer = &self.dataset.config.infer;
            let mut scores = match (infer.mode, infer.n) {
                (Mode::Attack, _) => attacked(readout.evaluator.as_ref(), &items),
                (_, 0 | 1) => readout.evaluator.evaluate(&items),
                _ => score_runs(readout.evaluator.as_ref(), &items, infer),
            };
            note_missing_evidence(&items, &mut scores);
            scores
        };
        let scores = score(&self.headline);
        let other = self.other.as_ref().map(score).filter(|other| *other != scores);
        Scored { scores, other }
    }
}

/// Counts items as failed whose program was not run or whose judge did not answer. Without evidence for any item there
/// is nothing to report.
fn note_missing_evidence(items: &[ScoredItem<'_>], scores: &mut Scores) {
    let mut missing = 0;
    for (item, detail) in items.iter().zip(&mut scores.details) {
        let error = item.evidence.iter().find_map(|outcome| outcome.as_ref().err());
        if let Some(error) = error.filter(|_| item.is_answered()) {
            missing += 1;
            detail.correct = detail.correct.map(|_| false);
            detail.reason = Some(error.clone());
        }
    }
    scores.answered = scores.answered.saturating_sub(missing);
    if missing > 0 && scores.answered == 0 {
        scores.metrics.clear();
    }
}

/// Lists the problems of a dataset's `[score]` table and of the post-processors in `[reader]`.
#[must_use]
pub fn problems(config: &DatasetConfig) -> Vec<String> {
    let mut problems = Vec::new();
    let reading = if config.score.compat { Reading::Compat } else { Reading::Fixed };
    for named in config.score.post.iter().chain(&config.score.reference_post) {
        problems.extend(Post::new(named, reading).err().map(|problem| format!("score.post: {problem}")));
    }
    static NONE: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let setup = Setup { named: &config.score.evaluator, dataset: config, resources: &NONE, reading };
    problems.extend(named_evaluator(&setup).err().map(|problem| format!("score.evaluator: {problem}")));
    for (column, named) in &config.reader.map {
        let problem = Post::new(named, Reading::Compat).err();
        problems.extend(problem.map(|problem| format!("reader.map.{column}: {problem}")));
    }
    problems
}
