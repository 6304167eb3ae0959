//! MBPP: the answer, then the asserts of the row; 10 seconds less one, as `MBPPEvaluator` has it.
//!
//! Equality is type-aware, as in OpenCompass 0.5.4. Upstream runs the asserts in the answer's own scope and forgets the
//! imports that some rows of the sanitized set bring for their asserts: the fixed reading has them.

use serde_json::{Value, json};

use super::python_tests::column;
use crate::prompt::python_str;
use crate::score::{Reading, ScoredItem};

/// Time limit of one task, seconds.
const SECONDS: u64 = 9;

/// Creates the job of one task. The expected answer is the text of its asserts, or the list of them.
pub(super) fn job(item: &ScoredItem<'_>, reading: Reading) -> Result<Value, String> {
    let mut test = joined(&item.answer);
    if test.trim().is_empty() {
        return Err("found no asserts as the expected answer".to_owned());
    }
    if reading == Reading::Fixed {
        let before: Vec<String> = ["test_imports", "test_setup_code"]
            .iter()
            .filter_map(|name| item.columns.get(*name))
            .map(joined)
            .filter(|text| !text.is_empty())
            .collect();
        test = before.into_iter().chain([test]).collect::<Vec<_>>().join("\n");
    }
    Ok(json!({ "code": item.pred_text(), "test": test, "type_aware": true, "seconds": SECONDS }))
}

/// Creates the job of one MBPP+ task, whose `test` column is a whole program of asserts.
pub(super) fn plus_job(item: &ScoredItem<'_>, _: Reading) -> Result<Value, String> {
    Ok(json!({ "code": item.pred_text(), "test": column(item, "test")?, "seconds": SECONDS }))
}

fn joined(value: &Value) -> String {
    match value {
        Value::Array(lines) => lines.iter().map(python_str).collect::<Vec<_>>().join("\n"),
        Value::Null => String::new(),
        other => python_str(other),
    }
}
