//! [`Evaluate`]: what an evaluator sees and gives, and what it may ask before it judges.

use serde_json::{Map, Value};

use super::Scores;
use crate::infer::{Outcome, Prediction};
use crate::model::Request;

/// Whether faults of OpenCompass 0.5.4 are repeated. Both readings are computed in every run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reading {
    /// As OpenCompass 0.5.4, faults included.
    Compat,
    /// What a person reads.
    Fixed,
}

/// One item in front of an evaluator.
#[derive(Clone, Debug)]
pub struct ScoredItem<'a> {
    /// The answer after the post-processors; null if the request failed.
    pub pred: Value,
    /// The expected answer after its own post-processors.
    pub answer: Value,
    /// The prediction that both come from, with the whole text of the answer.
    pub prediction: &'a Prediction,
    /// All columns of the row; empty for predictions that come from elsewhere.
    pub columns: &'a Map<String, Value>,
    /// Outcomes of the evaluator's own requests, in their order.
    pub evidence: Vec<Outcome>,
}

impl ScoredItem<'_> {
    /// Returns the answer as text: as Python prints it if it is not text, empty without one.
    #[must_use]
    pub fn pred_text(&self) -> String {
        if self.pred.is_null() { String::new() } else { crate::prompt::python_str(&self.pred) }
    }

    /// Returns the expected answer as a list of references; anything but a list is one reference.
    #[must_use]
    pub fn references(&self) -> Vec<String> {
        match &self.answer {
            Value::Array(items) => items.iter().map(crate::prompt::python_str).collect(),
            other => vec![crate::prompt::python_str(other)],
        }
    }

    /// Says whether the model answered.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.prediction.error.is_none()
    }
}

/// Who answers a request of an evaluator.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Helper {
    /// The sandbox for generated programs.
    Sandbox,
    /// The judge model with this place in the run's list of judges.
    Judge(usize),
}

/// A request that an evaluator needs answered before it can judge an item.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowUp {
    /// Who has to answer the request.
    pub to: Helper,
    /// What is asked of them.
    pub request: Request,
}

/// An evaluator: judges all items of a cell. It is pure; what needs a program or a judge is asked beforehand, and the
/// answers are stored like those of the model.
pub trait Evaluate: Send + Sync {
    /// Returns the next requests that are needed to judge `item`, after those whose outcomes it already has. None means
    /// that the item can be judged. The same evidence always gives the same requests.
    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let _ = item;
        Vec::new()
    }

    /// Judges the items. There is one detail per item, and an item that was not answered is wrong.
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores;
}
