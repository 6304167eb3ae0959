//! The two parts of LiveCodeBench whose answers are values: what a program returns, and what a test expects. How answers
//! are read follows `extract_utils.py` and `evaluator.py` of OpenCompass 0.5.4 (Apache-2.0).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::judge;
use super::python_tests::{Counted, scores};
use super::test_result::{TestResult, Tested};
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::text::words::built_in;
use crate::score::{Evaluate, FollowUp, Participant, ScoredItem, Scores};

/// Time limit of one comparison, seconds.
const SECONDS: u64 = 3;
/// What programs of the set may use without importing it. Upstream also needs NumPy and pandas for programs that do not.
const IMPORTS: &str = include_str!("lcb_imports.py");
/// Finds the expected value in an assertion and evaluates it: `parse_assert_statement` upstream.
const VALUE_OF_TEST: &str = include_str!("lcb_assertion.py");

static PYTHON: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)\[PYTHON\](.*?)\[/PYTHON\]"));

/// Which of the two parts is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// The result of a call: `LCBCodeExecutionEvaluator`.
    Execution,
    /// The expected result of a test: `LCBTestOutputEvaluator`.
    TestOutput,
}

/// The evaluator of both parts. The answer is evaluated next to the judge, which compares its value.
struct LcbAnswers {
    part: Part,
}

/// Creates the evaluator of a part.
pub(super) fn create(setup: &Setup<'_>, part: Part) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(LcbAnswers { part }))
}

impl LcbAnswers {
    /// The judge's job, or the result that is clear without it.
    fn job(&self, item: &ScoredItem<'_>) -> Result<Value, Tested> {
        let sample: Value = match &item.answer {
            Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            other => other.clone(),
        };
        let member = |name: &str| {
            let missing = || Tested::not_run(format!("found no `{name}` in the expected answer"));
            sample.get(name).map(python_str).ok_or_else(missing)
        };
        let output = member("output")?;
        let answer = item.pred_text();
        if self.part == Part::TestOutput {
            let line = Value::from(test_line(&answer)).to_string();
            let expected = Value::from(output).to_string();
            return Ok(json!({
                "code": format!("line = {line}\n{VALUE_OF_TEST}"),
                "test": format!("import json\nassert value_of_the_answer == json.loads({expected})\n"),
                "seconds": SECONDS,
            }));
        }
        let (code, input) = (member("code")?, member("input")?);
        let result = execution_result(&answer);
        if result.contains(&input) {
            // Upstream does not run an answer that repeats the call.
            return Err(Tested::new(TestResult::WrongAnswer, "the answer repeats the call"));
        }
        Ok(json!({
            "code": format!("{IMPORTS}\n{code}\nvalue_of_the_answer = ({result}\n)\n"),
            "test": format!("assert value_of_the_answer == ({output}\n)\n"),
            "type_aware": true,
            "seconds": SECONDS,
        }))
    }

    fn tested(&self, item: &ScoredItem<'_>) -> Tested {
        if let Some(error) = &item.prediction.error {
            return Tested::not_run(error.as_str());
        }
        match (self.job(item), item.evidence.first()) {
            (Err(tested), _) => tested,
            (Ok(_), None) => Tested::not_run("not run yet"),
            (Ok(job), Some(outcome)) => judge::verdict(&job, outcome),
        }
    }
}

/// Takes the value out of an answer: `extract_code_execution`.
fn execution_result(answer: &str) -> String {
    let last = PYTHON.captures_iter(answer).last().and_then(|found| found.get(1));
    let mut text = last.map_or(answer, |found| found.as_str());
    if let Some(right) = text.split("==").nth(1) {
        text = right.trim();
    }
    let text = match text.split_once("[/ANSWER]") {
        Some((before, _)) => before,
        None => text.split('\n').next().unwrap_or_default(),
    };
    text.trim().to_owned()
}

/// Takes the assertion out of an answer: `extract_test_output_code`, then the first line of several that asserts.
fn test_line(answer: &str) -> String {
    let lines: Vec<&str> = answer.split('\n').collect();
    if let Some(line) = lines.iter().rev().find(|line| line.starts_with("assert")) {
        return line.trim().to_owned();
    }
    let is_start = |line: &&str| line.contains("```python") || line.contains("```Python");
    let start = lines.iter().position(is_start);
    let mut fences =
        lines.iter().enumerate().filter(|(_, line)| line.contains("```")).map(|(place, _)| place);
    let (first, second) = match start {
        Some(start) => (Some(start), fences.find(|place| *place > start)),
        None => (fences.next(), fences.next()),
    };
    let (Some(first), Some(second)) = (first, second) else { return String::new() };
    let block = &lines[first + 1..second];
    let asserts = |line: &&&str| !line.starts_with('#') && line.contains("assert");
    match block.iter().find(asserts) {
        Some(line) if block.len() > 1 => line.trim().to_owned(),
        _ => block.join("\n").trim().to_owned(),
    }
}

impl Evaluate for LcbAnswers {
    fn participants(&self) -> Vec<Participant> {
        vec![Participant::Sandbox]
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let job = if item.evidence.is_empty() { self.job(item).ok() } else { None };
        job.iter().map(judge::follow_up).collect()
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let tested: Vec<Tested> = items.iter().map(|item| self.tested(item)).collect();
        scores("pass@1", Counted::Share, (items, tested))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_as_upstream_finds_them() {
        for (answer, expected) in [
            ("assert f(x = 1) == \"b\"\n[/ANSWER]\nmore", "\"b\""),
            ("assert f(1) == 3\n\nBecause", "3"),
            ("[PYTHON]a == 1[/PYTHON] [PYTHON]b == 2\n[/PYTHON]", "2"),
            ("assert f(1 == 1) == 3", "1)"),
            ("7", "7"),
            ("", ""),
        ] {
            assert_eq!(execution_result(answer), expected, "{answer}");
        }
        for (answer, expected) in [
            ("assert f(1) == 2\nso\nassert f(1) == 3", "assert f(1) == 3"),
            ("```\nassert f(1) == 2\n```", "assert f(1) == 2"),
            ("x\n```python\n# assert no\n  assert f(1) == 2\ny\n```", "assert f(1) == 2"),
            ("```a\n``` b\n```python\n[1]\n```", "[1]"),
            ("```\n3\n```", "3"),
            ("nothing", ""),
        ] {
            assert_eq!(test_line(answer), expected, "{answer}");
        }
    }
}
