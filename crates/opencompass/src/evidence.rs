//! [`Evidence`]: what an evaluator had a judge or the sandbox do for its verdict on an item.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::ask::{Failures, Lookup, outcome};
use crate::infer::Prediction;
use crate::model::{Answer, Request};
use crate::score::{FollowUp, Helper, Scorer};
use crate::{CellResult, CellState, Evaluation, Result, Store};

/// One request of an evaluator with its outcome.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// Who was asked: `judge NAME` or `sandbox`.
    pub to: String,
    /// The prompt of the judge or the program with its files.
    pub request: Request,
    /// What came back; absent after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Why nothing came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Evaluation {
    /// Returns what the evaluator asked about each prediction of a cell, in the order of the predictions. The lists of
    /// evaluators that ask nobody are empty. There are no lists for a refused cell, and none without judges and sandbox.
    ///
    /// # Errors
    /// The same as [`conclude`](Self::conclude).
    pub fn evidence(
        &self,
        cell: &CellResult,
        store: &Store,
        failures: &Failures,
    ) -> Result<Vec<Vec<Evidence>>> {
        let CellState::Scored { predictions, .. } = &cell.state else { return Ok(Vec::new()) };
        if self.judge_profiles().is_empty() && self.helper(Helper::Sandbox).is_none() {
            return Ok(Vec::new());
        }
        let scorer = Scorer::new(&self.datasets()[cell.dataset])?;
        let answers = |key: &str| outcome(store, failures, key);
        Ok(predictions.iter().map(|prediction| self.evidence_of(&scorer, prediction, &answers)).collect())
    }

    /// Follows the evaluator's requests about one prediction and notes each of them once.
    fn evidence_of(
        &self,
        scorer: &Scorer<'_>,
        prediction: &Prediction,
        answers: Lookup<'_>,
    ) -> Vec<Evidence> {
        let found: RefCell<Vec<Evidence>> = RefCell::default();
        let lookup = |ask: &FollowUp| {
            let (to, outcome) = match self.helper(ask.to) {
                Some((_, model)) => {
                    let profile = model.profile();
                    let to = match ask.to {
                        Helper::Judge(_) => format!("judge {}", profile.name),
                        Helper::Sandbox => "sandbox".to_owned(),
                    };
                    (to, answers(&ask.request.key(&profile.identity)))
                }
                None => (ask.to.to_string(), Some(Err("the run has none".to_owned()))),
            };
            let outcome = outcome.unwrap_or_else(|| Err("not asked yet".to_owned()));
            let (answer, error) = (outcome.as_ref().ok().cloned(), outcome.as_ref().err().cloned());
            let evidence = Evidence { to, request: ask.request.clone(), answer, error };
            let mut found = found.borrow_mut();
            if !found.contains(&evidence) {
                found.push(evidence);
            }
            Some(outcome)
        };
        // With an outcome for every request nothing is left to ask.
        let _ = scorer.follow_ups(prediction, &lookup);
        found.into_inner()
    }
}
