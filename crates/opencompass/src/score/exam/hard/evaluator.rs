//! [`make`]: the evaluator of all nine tasks.

use serde_json::{Map, Value, json};

use super::solution::{Solution, solution};
use super::{coloring, meeting, path, tour};
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, Metrics, Reading, ScoredItem, Scores};

/// The problems of NPHardEval.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::score::exam) enum Task {
    BinarySearch,
    EditDistance,
    ShortestPath,
    Knapsack,
    ColoringDecision,
    TourDecision,
    Coloring,
    Meetings,
    Tour,
}

/// Verifies solutions. A problem of a higher level weighs more.
struct Hard {
    task: Task,
    reading: Reading,
}

/// Creates the evaluator of a task. Upstream reads the problem instead of the answer of two of them, so that every
/// solution is wrong.
pub(in crate::score::exam) fn make(setup: &Setup<'_>, task: Task) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(Hard { task, reading: setup.reading }))
}

impl Hard {
    /// Says whether the answer solves the problem. Malformed problems and answers do not.
    fn solves(&self, problem: &str, answer: &str) -> bool {
        if self.reading == Reading::Compat && matches!(self.task, Task::BinarySearch | Task::Knapsack) {
            return false;
        }
        let all_tags = !matches!(self.task, Task::EditDistance | Task::ShortestPath);
        let Some(answer) = solution(answer, all_tags.then_some("reasoning")) else { return false };
        self.verdict(problem, &answer).unwrap_or_default()
    }

    fn verdict(&self, problem: &str, answer: &Solution) -> Option<bool> {
        let parsed = || serde_json::from_str::<Value>(problem).ok();
        match self.task {
            Task::BinarySearch => path::search(&parsed()?, answer),
            Task::EditDistance => path::edit_distance(&parsed()?, answer),
            Task::ShortestPath => path::shortest(&parsed()?, answer),
            Task::Knapsack => path::knapsack(&parsed()?, answer),
            Task::ColoringDecision => coloring::decision(problem, answer),
            Task::Coloring => coloring::coloring(problem, answer),
            Task::Meetings => meeting::schedule(&parsed()?, answer),
            Task::TourDecision => tour::decision(&parsed()?, answer),
            Task::Tour => tour::tour(&parsed()?, answer),
        }
    }
}

impl Evaluate for Hard {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let (mut passed, mut all) = (0.0, 0.0);
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let reference = python_str(&item.answer);
            let (level, problem) = reference.split_once("####\n").unwrap_or(("0", reference.as_str()));
            let level: f64 = level.trim().parse().unwrap_or_default();
            let right = item.is_answered() && self.solves(problem, &item.pred_text());
            all += level;
            passed += if right { level } else { 0.0 };
            let extra = Map::from_iter([("level".to_owned(), json!(level))]);
            details.push(Detail { correct: Some(right), extra, ..detail(item) });
        }
        let mut metrics = Metrics::new();
        if all > 0.0 {
            metrics.insert("Weighted Accuracy".to_owned(), passed / all * 100.0);
        }
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}
