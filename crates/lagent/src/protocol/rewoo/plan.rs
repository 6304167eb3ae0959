//! The state of a question in `ReWOO`: the stage, the steps of the plan and their results.

use serde::{Deserialize, Serialize};

use super::super::CallOutcome;

/// Which of the three parts works.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// The planner writes the plan.
    #[default]
    Planning,
    /// The workers make the calls, one after the other.
    Working,
    /// The solver writes the answer.
    Solving,
}

/// The state of one question.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Plan {
    /// Which of the three parts works.
    pub(crate) stage: Stage,
    /// What was wrong with the last plan; absent for the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    /// The steps of the plan in their order.
    pub(crate) steps: Vec<PlanStep>,
    /// The results of the first steps.
    pub(crate) evidence: Vec<Evidence>,
}

/// One call of a plan.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct PlanStep {
    /// The number behind `#E`, which later steps refer to.
    pub(crate) label: u64,
    /// What the step is for.
    pub(crate) thought: String,
    /// Name of the tool.
    pub(crate) tool: String,
    /// The input as it is written, references included.
    pub(crate) input: String,
}

/// The result of one step.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Evidence {
    /// The result or the error message.
    pub(crate) text: String,
    /// Which of the two the text is.
    #[serde(default, skip_serializing_if = "CallOutcome::is_result")]
    pub(crate) outcome: CallOutcome,
}

impl Plan {
    /// Returns the text with every reference to an earlier step replaced by its result.
    pub(super) fn with_results(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, reference)) = rest.split_once("#E") {
            filled.push_str(before);
            let digits =
                reference.len() - reference.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
            match self.result(&reference[..digits]) {
                Some(result) => filled.push_str(result),
                None => filled.push_str(&rest[before.len()..before.len() + 2 + digits]),
            }
            rest = &reference[digits..];
        }
        filled.push_str(rest);
        filled
    }

    /// The result of the step with this number.
    fn result(&self, digits: &str) -> Option<&str> {
        let label: u64 = digits.parse().ok()?;
        let mut done = self.steps.iter().zip(&self.evidence);
        done.find(|(step, _)| step.label == label).map(|(_, evidence)| evidence.text.as_str())
    }
}
