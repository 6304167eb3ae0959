//! [`PythonTests`]: one program of the judge per item, and the share of items that pass.

use serde_json::Value;

use super::judge::{follow_up, verdict};
use super::test_result::{TestResult, Tested};
use crate::score::verdict::accuracy_scores;
use crate::score::{Detail, Evaluate, FollowUp, Participant, Reading, ScoredItem, Scores};

/// The job that judges an item, or what the item lacks.
pub(super) type Job = fn(&ScoredItem<'_>, Reading) -> Result<Value, String>;

/// What is reported beside the share of passes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Counted {
    /// Only the share.
    Share,
    /// Also the number of items per result, as upstream's MBPP does.
    Results,
}

/// An evaluator that lets the judge run the tests of each answer.
pub(super) struct PythonTests {
    /// Name of the share of passes.
    pub(super) metric: &'static str,
    /// How an item becomes a job.
    pub(super) job: Job,
    /// What is reported.
    pub(super) counted: Counted,
    /// Whether upstream's faults are repeated.
    pub(super) reading: Reading,
}

impl PythonTests {
    fn tested(&self, item: &ScoredItem<'_>) -> Tested {
        if let Some(error) = &item.prediction.error {
            return Tested::not_run(error.as_str());
        }
        match ((self.job)(item, self.reading), item.evidence.first()) {
            (Err(problem), _) => Tested::not_run(problem),
            (Ok(_), None) => Tested::not_run("not run yet"),
            (Ok(job), Some(outcome)) => verdict(&job, outcome),
        }
    }
}

impl Evaluate for PythonTests {
    fn participants(&self) -> Vec<Participant> {
        vec![Participant::Sandbox]
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let job = if item.evidence.is_empty() { (self.job)(item, self.reading).ok() } else { None };
        job.iter().map(follow_up).collect()
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let tested: Vec<Tested> = items.iter().map(|item| self.tested(item)).collect();
        scores(self.metric, self.counted, (items, tested))
    }
}

/// Computes the scores of tested items.
pub(super) fn scores(
    metric: &str,
    counted: Counted,
    (items, tested): (&[ScoredItem<'_>], Vec<Tested>),
) -> Scores {
    let answered = tested.iter().filter(|tested| tested.ran).count();
    let results: Vec<TestResult> = tested.iter().map(|tested| tested.result).collect();
    let details: Vec<Detail> = items.iter().zip(tested).map(|(item, tested)| tested.detail(item)).collect();
    let mut scores = accuracy_scores(metric, details, answered);
    if counted == Counted::Results {
        for wanted in TestResult::ALL {
            let count = results.iter().filter(|result| **result == wanted).count();
            scores.metrics.insert(wanted.word().to_owned(), count as f64);
        }
    }
    scores
}

/// Returns a column of the row as text.
pub(super) fn column<'a>(item: &'a ScoredItem<'_>, name: &str) -> Result<&'a str, String> {
    let value = item.columns.get(name).and_then(Value::as_str);
    value.ok_or_else(|| format!("found no column `{name}`, expected a text"))
}
