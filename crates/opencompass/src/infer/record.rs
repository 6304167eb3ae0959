//! The parts that the records of all modes share.

use serde_json::{Map, Value, json};

use super::prediction::first_error;
use super::{Item, Outcome, Prediction};
use crate::model::Answer;

/// An answer in words with what came along.
pub(super) struct Spoken<'a> {
    /// The text without marks of calls.
    pub(super) text: &'a str,
    /// The steps of an agent; absent for a model without tools of its own.
    pub(super) steps: Option<&'a [Value]>,
    /// Whether the maximum number of tokens ended it.
    pub(super) cut: bool,
}

/// Returns the answer in words, if the outcome is one.
pub(super) fn spoken(outcome: &Outcome) -> Option<Spoken<'_>> {
    match outcome {
        Ok(Answer::Reply { text, cut, .. }) => Some(Spoken { text, steps: None, cut: *cut }),
        Ok(Answer::Agent { text, steps }) => Some(Spoken { text, steps: Some(steps), cut: false }),
        _ => None,
    }
}

/// Returns all answers in words; the first failure, or an answer of another kind, is the error.
pub(super) fn all_spoken(outcomes: &[Outcome]) -> Result<Vec<Spoken<'_>>, String> {
    if let Some(error) = first_error(outcomes) {
        return Err(error);
    }
    let wrong = || "answer: found another kind, expected a text".to_owned();
    outcomes.iter().map(|outcome| spoken(outcome).ok_or_else(wrong)).collect()
}

/// Completes a record with what every mode writes last, and puts it into the prediction.
pub(super) fn closed(item: &Item, mut prediction: Prediction, mut record: Map<String, Value>) -> Prediction {
    record.insert("gold".to_owned(), prediction.gold.clone());
    if item.dropped_shots > 0 {
        record.insert("dropped_shots".to_owned(), json!(item.dropped_shots));
    }
    if let Some(error) = &prediction.error {
        record.insert("error".to_owned(), json!(error));
    }
    prediction.record = Value::Object(record);
    prediction
}
