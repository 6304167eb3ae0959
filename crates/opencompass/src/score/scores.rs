//! The scores of one cell: metrics, and a verdict per item.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

/// Metrics by name, in the order in which an evaluator returns them. Shares are in percent.
pub type Metrics = IndexMap<String, f64>;

/// The verdict on one item and what it is based on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Detail {
    /// The answer after the post-processors.
    pub pred: Value,
    /// The expected answer from the dataset.
    pub answer: Value,
    /// Whether the item is right; absent for evaluators that only measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
    /// The item's own score; absent for evaluators that only judge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Why the item is not right: a failed request, a malformed call or a wrong argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What else the evaluator says about the item, under its own names.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The scores of one cell, that is of one model on one dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Metrics by name; the first one is the headline.
    pub metrics: Metrics,
    /// One detail per item, in the order of the items.
    pub details: Vec<Detail>,
    /// Number of items that the model answered. Failed items count as wrong.
    pub answered: usize,
    /// Number of right items, if the headline is a proportion.
    pub correct: Option<usize>,
    /// Results that are not single numbers, such as a matrix, under the names that files use.
    pub extra: Map<String, Value>,
}
