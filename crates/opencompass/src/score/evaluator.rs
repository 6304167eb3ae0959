//! [`Evaluate`]: what an evaluator sees and gives, and what it may ask before it judges.

use std::fmt;

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

impl fmt::Display for Helper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sandbox => formatter.write_str("sandbox"),
            Self::Judge(place) => write!(formatter, "judge {place}"),
        }
    }
}

/// Someone whom an evaluator may ask, and what they have to be able to do.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Participant {
    /// The sandbox runs generated programs.
    Sandbox,
    /// The judge with this place in the run's list answers with text.
    Judge(usize),
    /// The judge with this place in the run's list gives sentence vectors.
    Vectors(usize),
}

/// A request that an evaluator needs answered before it can judge an item.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowUp {
    /// Who has to answer the request.
    pub to: Helper,
    /// What is asked of them.
    pub request: Request,
}

impl FollowUp {
    /// Returns whom the request needs.
    #[must_use]
    pub fn participant(&self) -> Participant {
        match (self.to, &self.request) {
            (Helper::Sandbox, _) => Participant::Sandbox,
            (Helper::Judge(place), Request::Embed { .. }) => Participant::Vectors(place),
            (Helper::Judge(place), _) => Participant::Judge(place),
        }
    }
}

/// An evaluator: judges all items of a cell. It is pure; what needs a program or a judge is asked beforehand, and the
/// answers are stored like those of the model.
pub trait Evaluate: Send + Sync {
    /// Names everyone whom [`follow_ups`](Self::follow_ups) may ask about any item, so that a run which lacks one of them
    /// is refused before anything is asked.
    fn participants(&self) -> Vec<Participant> {
        Vec::new()
    }

    /// Returns the next requests that are needed to judge `item`, after those whose outcomes it already has. None means
    /// that the item can be judged. The same evidence always gives the same requests.
    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let _ = item;
        Vec::new()
    }

    /// Judges the items. There is one detail per item, and an item that was not answered is wrong.
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores;
}
