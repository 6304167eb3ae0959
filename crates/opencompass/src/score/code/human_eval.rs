//! HumanEval: the prompt, the completion and `check(entry_point)`; 3 seconds, as `human_eval.execution` has it.

use serde_json::{Value, json};

use super::python_tests::column;
use crate::score::{Reading, ScoredItem};

/// Time limit of one task, seconds.
const SECONDS: u64 = 3;
/// HumanEval+ has hundreds of inputs per task, seconds.
const SECONDS_PLUS: u64 = 10;

/// Creates the job of one HumanEval task.
pub(super) fn job(item: &ScoredItem<'_>, _: Reading) -> Result<Value, String> {
    timed(item, SECONDS)
}

/// Creates the job of one HumanEval+ task, whose `test` column holds the larger set of tests.
pub(super) fn plus_job(item: &ScoredItem<'_>, _: Reading) -> Result<Value, String> {
    timed(item, SECONDS_PLUS)
}

fn timed(item: &ScoredItem<'_>, seconds: u64) -> Result<Value, String> {
    let code = format!("{}{}\n", column(item, "prompt")?, item.pred_text());
    let (test, entry) = (column(item, "test")?, column(item, "entry_point")?);
    Ok(json!({ "code": code, "test": test, "entry": entry, "seconds": seconds }))
}
