//! DS-1000 in its published form: `code_context` has the functions `test_execution` and, for some rows, `test_string`.
//!
//! The context runs the answer in its own process, with the libraries of the row, so an answer that wants to cheat has
//! more ways here than elsewhere: it can read the context. What ends the program early does not pass, since only the
//! end of the tests writes the mark.

use std::collections::BTreeMap;

use internlm_kit::hash::sha256;
use serde_json::Value;

use super::python_tests::{Counted, column, scores};
use super::test_result::{TestResult, Tested, written};
use crate::model::{Program, Request};
use crate::score::{Evaluate, FollowUp, Helper, Participant, ScoredItem, Scores};

/// Upstream's time limit of one test, in milliseconds.
const MILLISECONDS: u64 = 60_000;
/// Name of the program's file.
const FILE: &str = "program.py";

/// The evaluator of DS-1000.
pub(super) struct Ds1000;

/// The program of an item and its mark.
fn program(item: &ScoredItem<'_>) -> Result<(String, String), String> {
    let context = column(item, "code_context")?;
    let answer = Value::from(item.pred_text()).to_string();
    // A JSON text is a Python text.
    let mut program = format!("{context}\n__answer = {answer}\ntest_execution(__answer)\n");
    if context.contains("def test_string(") {
        program.push_str("test_string(__answer)\n");
    }
    let mark = format!("end of the tests {}", sha256(program.as_bytes()));
    program.push_str(&format!("import sys\nsys.__stdout__.write('\\n{mark}\\n')\n"));
    Ok((program, mark))
}

fn tested(item: &ScoredItem<'_>) -> Tested {
    if let Some(error) = &item.prediction.error {
        return Tested::not_run(error.as_str());
    }
    let mark = match program(item) {
        Ok((_, mark)) => mark,
        Err(problem) => return Tested::not_run(problem),
    };
    let Some(outcome) = item.evidence.first() else { return Tested::not_run("not run yet") };
    match written(outcome) {
        Ok(text) if text.lines().any(|line| line == mark) => Tested::new(TestResult::Pass, ""),
        Ok(_) => Tested::new(TestResult::Failed, "ended before the end of the tests"),
        Err(tested) => tested,
    }
}

impl Evaluate for Ds1000 {
    fn participants(&self) -> Vec<Participant> {
        vec![Participant::Sandbox]
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let Some((text, _)) = program(item).ok().filter(|_| item.evidence.is_empty()) else {
            return Vec::new();
        };
        let program = Program {
            command: ["python3", FILE].map(str::to_owned).to_vec(),
            files: BTreeMap::from([(FILE.to_owned(), text)]),
            stdin: String::new(),
            milliseconds: MILLISECONDS,
        };
        vec![FollowUp { to: Helper::Sandbox, request: Request::Run { program } }]
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let tested: Vec<Tested> = items.iter().map(tested).collect();
        scores("accuracy", Counted::Share, (items, tested))
    }
}
