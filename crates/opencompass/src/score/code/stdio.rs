//! Problems with input and output: APPS, TACO and LiveCodeBench. The expected output never enters the sandbox.
//!
//! A problem either names a function (`fn_name`), whose calls the judge compares, or its program reads standard input
//! and is run once per case. Cases are run one after the other until one is wrong, as upstream does it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::{Place, program};
use super::judge;
use super::lines::{Likeness, alike};
use super::python_tests::{Counted, scores};
use super::test_result::{TestResult, Tested, written};
use crate::infer::Outcome;
use crate::model::{Program, Request};
use crate::prompt::python_str;
use crate::score::{Evaluate, FollowUp, Helper, Participant, ScoredItem, Scores};

/// Columns that may hold the cases, in the order in which they are looked for.
const COLUMNS: [&str; 3] = ["input_output", "evaluation_sample", "test_column"];
/// Name of the answer's file.
const FILE: &str = "answer.py";
/// Time for the start of Python beyond the time of a case, in milliseconds.
const GRACE: u64 = 1000;
/// What answers may use without importing it, as in upstream's runners.
const IMPORTS: &str = "from string import *\nfrom re import *\nfrom datetime import *\nfrom collections import *\n\
from heapq import *\nfrom bisect import *\nfrom copy import *\nfrom math import *\nfrom random import *\n\
from statistics import *\nfrom itertools import *\nfrom functools import *\nfrom operator import *\n\
from io import *\nfrom sys import *\nfrom json import *\nfrom builtins import *\nfrom typing import *\n\
import string\nimport re\nimport datetime\nimport collections\nimport heapq\nimport bisect\nimport copy\n\
import math\nimport random\nimport statistics\nimport itertools\nimport functools\nimport operator\nimport io\n\
import sys\nimport json\nsys.setrecursionlimit(50000)\n";

/// The evaluator of problems with cases.
pub(super) struct Cases {
    /// Where the program is in an answer.
    pub(super) place: Place,
    /// How outputs are compared.
    pub(super) likeness: Likeness,
    /// Time limit of one case, seconds.
    pub(super) seconds: u64,
}

/// The cases of a problem.
#[derive(Clone, Debug, Deserialize)]
struct Problem {
    inputs: Vec<Value>,
    outputs: Vec<Value>,
    #[serde(default)]
    fn_name: Option<String>,
}

impl Problem {
    fn of(item: &ScoredItem<'_>) -> Result<Self, String> {
        let column = COLUMNS.iter().find_map(|name| item.columns.get(*name));
        let mut column = column.ok_or_else(|| format!("found no column of {}", COLUMNS.join(", ")))?;
        // `test_column` of upstream's loader is a table around the cases.
        if let Some(inner) = column.get("input_output").or_else(|| column.get("evaluation_sample")) {
            column = inner;
        }
        let parsed = match column {
            Value::String(text) => serde_json::from_str(text),
            other => serde_json::from_value(other.clone()),
        };
        let problem: Self = parsed.map_err(|error| format!("cases: {error}, expected inputs and outputs"))?;
        if problem.inputs.len() != problem.outputs.len() || problem.inputs.is_empty() {
            let (inputs, outputs) = (problem.inputs.len(), problem.outputs.len());
            return Err(format!("cases: found {inputs} inputs and {outputs} outputs, expected as many"));
        }
        Ok(problem)
    }

    /// The job of the judge for a problem that names a function.
    fn job(&self, function: &str, code: &str, seconds: u64) -> Value {
        let cases: Vec<Value> = self.inputs.iter().zip(&self.outputs).map(|(i, o)| called(i, o)).collect();
        let seconds = seconds * cases.len() as u64;
        json!({ "code": format!("{IMPORTS}{code}\n"), "entry": function, "cases": cases, "seconds": seconds })
    }
}

/// The arguments and the result of a call. LiveCodeBench writes them as lines of JSON.
fn called(input: &Value, output: &Value) -> Value {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| Value::from(text));
    let arguments: Value = match input {
        Value::String(lines) => lines.split('\n').map(parsed).collect(),
        other => other.clone(),
    };
    let result: Value = match output {
        Value::String(text) => parsed(text),
        other => other.clone(),
    };
    json!([arguments, result])
}

/// A value of the cases as the text of a stream: lists are lines.
fn stream(value: &Value) -> String {
    match value {
        Value::Array(lines) => lines.iter().map(python_str).collect::<Vec<_>>().join("\n"),
        other => python_str(other),
    }
}

impl Cases {
    fn run(&self, code: &str, input: &Value) -> FollowUp {
        let program = Program {
            command: ["python3", FILE].map(str::to_owned).to_vec(),
            files: BTreeMap::from([(FILE.to_owned(), format!("{IMPORTS}{code}\n"))]),
            stdin: stream(input),
            milliseconds: self.seconds * 1000 + GRACE,
        };
        FollowUp { to: Helper::Sandbox, request: Request::Run { program } }
    }

    fn case(&self, output: &Value, outcome: &Outcome) -> Tested {
        match written(outcome) {
            Ok(text) if alike(text, &stream(output), self.likeness) => Tested::new(TestResult::Pass, ""),
            Ok(_) => Tested::new(TestResult::WrongAnswer, "the output differs from the expected one"),
            Err(tested) => tested,
        }
    }

    fn tested(&self, item: &ScoredItem<'_>) -> Tested {
        if let Some(error) = &item.prediction.error {
            return Tested::not_run(error.as_str());
        }
        let problem = match Problem::of(item) {
            Ok(problem) => problem,
            Err(message) => return Tested::not_run(message),
        };
        if item.evidence.is_empty() {
            return Tested::not_run("not run yet");
        }
        if let Some(function) = &problem.fn_name {
            let code = program(&item.pred_text(), self.place);
            let job = problem.job(function, &code, self.seconds);
            return judge::verdict(&job, &item.evidence[0]);
        }
        let cases = problem.outputs.iter().zip(&item.evidence);
        for (place, (output, outcome)) in cases.enumerate() {
            let Tested { result, reason, ran } = self.case(output, outcome);
            if result != TestResult::Pass {
                let reason = reason.map(|reason| format!("case {place}: {reason}"));
                return Tested { result, reason, ran };
            }
        }
        if item.evidence.len() < problem.outputs.len() {
            return Tested::not_run("not run yet");
        }
        Tested::new(TestResult::Pass, "")
    }
}

impl Evaluate for Cases {
    fn participants(&self) -> Vec<Participant> {
        vec![Participant::Sandbox]
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let Ok(problem) = Problem::of(item) else { return Vec::new() };
        let code = program(&item.pred_text(), self.place);
        if let Some(function) = &problem.fn_name {
            let job = problem.job(function, &code, self.seconds);
            return if item.evidence.is_empty() { vec![judge::follow_up(&job)] } else { Vec::new() };
        }
        let done = item.evidence.len();
        let last = item.evidence.last().zip(problem.outputs.get(done.saturating_sub(1)));
        if last.is_some_and(|(outcome, output)| self.case(output, outcome).result != TestResult::Pass) {
            return Vec::new();
        }
        problem.inputs.get(done).map(|input| self.run(&code, input)).into_iter().collect()
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let tested: Vec<Tested> = items.iter().map(|item| self.tested(item)).collect();
        scores("pass@1", Counted::Share, (items, tested))
    }
}
