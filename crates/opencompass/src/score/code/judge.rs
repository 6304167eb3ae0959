//! Programs of the judge of Python answers: the request that runs one, and its verdict.

use std::collections::BTreeMap;

use internlm_kit::hash::sha256;
use serde::Deserialize;
use serde_json::Value;

use super::test_result::{TestResult, Tested, written};
use crate::infer::Outcome;
use crate::model::{Program, Request};
use crate::score::{FollowUp, Helper};

/// The judge. It documents how an answer is kept from passing by itself.
const JUDGE: &str = include_str!("check.py");
/// Time for the start and the end of the judge beyond the time of the tests, in milliseconds.
const GRACE: u64 = 5000;

/// Creates the request that judges an answer. `job` is what `check.py` reads; its `seconds` limit the tests.
pub(super) fn follow_up(job: &Value) -> FollowUp {
    let seconds = job["seconds"].as_u64().unwrap_or_default();
    let program = Program {
        command: ["python3", "-I", "check.py"].map(str::to_owned).to_vec(),
        files: BTreeMap::from([("check.py".to_owned(), JUDGE.to_owned())]),
        stdin: job.to_string(),
        milliseconds: seconds * 1000 + GRACE,
    };
    FollowUp { to: Helper::Sandbox, request: Request::Run { program } }
}

/// What the judge writes: one line and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    outcome: String,
    reason: String,
    mark: String,
}

/// Reads the verdict on a job. It has to carry the hash of the job, which an answer does not know.
pub(super) fn verdict(job: &Value, outcome: &Outcome) -> Tested {
    let text = match written(outcome) {
        Ok(text) => text,
        Err(tested) => return tested,
    };
    let verdict = serde_json::from_str::<Verdict>(text).ok();
    let verdict = verdict.filter(|verdict| verdict.mark == sha256(job.to_string().as_bytes()));
    let result = verdict.as_ref().and_then(|verdict| TestResult::from_word(&verdict.outcome));
    match (result, verdict) {
        (Some(result), Some(verdict)) => Tested::new(result, verdict.reason),
        _ => Tested::new(TestResult::Failed, "the judge's verdict is missing or was tampered with"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Answer, Ending};

    fn ran(ending: Ending, stdout: &str) -> Outcome {
        Ok(Answer::Ran { ending, stdout: stdout.to_owned(), stderr: String::new() })
    }

    #[test]
    fn only_the_judge_of_this_job_can_pass_it() {
        let job = json!({ "code": "x = 1", "test": "", "seconds": 3 });
        let line = |mark: &str| format!("{}\n", json!({ "outcome": "pass", "reason": "", "mark": mark }));
        let own = line(&sha256(job.to_string().as_bytes()));
        let result = |outcome: &Outcome| verdict(&job, outcome).result;
        assert_eq!(result(&ran(Ending::Exit(0), &own)), TestResult::Pass);
        for (ending, text) in [
            (Ending::Exit(0), line("0")),
            (Ending::Exit(0), format!("{}{own}", line("0"))),
            (Ending::Exit(1), own.clone()),
            (Ending::Killed, own.clone()),
            (Ending::Exit(0), String::new()),
            (Ending::Exit(0), "{\"outcome\": \"pass\"}".to_owned()),
        ] {
            assert_eq!(result(&ran(ending, &text)), TestResult::Failed, "{ending:?} {text}");
        }
        assert_eq!(result(&ran(Ending::Timeout, &own)), TestResult::Timeout);
        assert!(!verdict(&job, &Err("no sandbox".to_owned())).ran);
    }

    #[test]
    fn the_job_is_on_standard_input_where_only_the_judge_reads_it() {
        let job = json!({ "code": "x = 1", "test": "assert x == 1", "seconds": 9 });
        let Request::Run { program } = follow_up(&job).request else { panic!("a program") };
        assert_eq!((program.milliseconds, program.files.len()), (14_000, 1));
        assert!(program.stdin.contains("assert x == 1") && !program.files["check.py"].contains("assert x"));
    }
}
