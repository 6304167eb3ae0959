//! Loaders of LiveCodeBench (Jain et al. 2024, arXiv:2403.07974): programs, what they return, and what their tests expect.
//! The texts of the questions are from OpenCompass 0.5.4 (Apache-2.0).

mod pickle;

use std::io::Read;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::cell::{each, text};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::dataset::python_json::python_json;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "lcb_generation", upstream: &["LCBCodeGenerationDataset"], load: generation },
    LoaderEntry { name: "lcb_execution", upstream: &["LCBCodeExecutionDataset"], load: execution },
    LoaderEntry { name: "lcb_test_output", upstream: &["LCBTestOutputPredictionDataset"], load: test_output },
];

const WITH_STARTER: &str = "You will use the following starter code to write the solution to the problem and enclose \
    your code within delimiters.";
const WITHOUT_STARTER: &str = "Read the inputs from stdin solve the problem and write the answer to stdout (do not \
    directly test on the sample inputs). Enclose your code within delimiters as follows.";
const EXECUTION: &str = include_str!("livecode/execution.txt");

static FUNCTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^[ \t]*def[ \t]+(\w+)[ \t]*\(").expect("the pattern is a constant that compiles")
});

/// A test case of a problem.
#[derive(Deserialize)]
struct Case {
    input: Value,
    output: Value,
}

/// `lcb_generation`: the form of the answer, and all test cases in the column `evaluation_sample`.
fn generation(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let form = match text(columns, "starter_code")? {
            "" => format!("### Format: {WITHOUT_STARTER}\n```python\n# YOUR CODE HERE\n```\n\n"),
            starter => format!("### Format: {WITH_STARTER}\n```python\n{starter}\n```\n\n"),
        };
        let mut cases = parsed("public_test_cases", text(columns, "public_test_cases")?)?;
        cases.extend(private(text(columns, "private_test_cases")?)?);
        let metadata: Value = serde_json::from_str(text(columns, "metadata")?)
            .map_err(|error| format!("metadata: {error}, expected JSON"))?;
        let (inputs, outputs): (Vec<Value>, Vec<Value>) =
            cases.into_iter().map(|case| (case.input, case.output)).unzip();
        let sample = json!({ "inputs": inputs, "outputs": outputs, "fn_name": metadata["func_name"] });
        columns.insert("format_prompt".to_owned(), Value::String(form));
        columns.insert("evaluation_sample".to_owned(), sample);
        Ok(())
    })
}

fn parsed(column: &str, cases: &str) -> Result<Vec<Case>, String> {
    serde_json::from_str(cases).map_err(|error| format!("{column}: {error}, expected a list of test cases"))
}

/// The hidden cases: JSON, or a pickled text of JSON that is compressed and written in base64.
fn private(cases: &str) -> Result<Vec<Case>, String> {
    const COLUMN: &str = "private_test_cases";
    if let Ok(cases) = serde_json::from_str(cases) {
        return Ok(cases);
    }
    let packed =
        STANDARD.decode(cases.trim()).map_err(|error| format!("{COLUMN}: {error}, expected base64"))?;
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed.as_slice())
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{COLUMN}: {error}, expected zlib data"))?;
    let text = pickle::text(&bytes).map_err(|message| format!("{COLUMN}: {message}"))?;
    parsed(COLUMN, text)
}

/// `lcb_execution`: an assertion whose result is asked for.
fn execution(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let (code, input) = (text(columns, "code")?, text(columns, "input")?);
        let sample = json!({ "code": code, "input": input, "output": text(columns, "output")? });
        // The code is put in by itself, so that marks in it stay.
        let (before, after) = EXECUTION.split_once("{code}").unwrap_or((EXECUTION, ""));
        let prompt = format!("{before}{code}{}", after.replace("{input}", input));
        columns.insert("prompt".to_owned(), Value::String(prompt));
        columns.insert("evaluation_sample".to_owned(), Value::String(python_json(&sample)));
        Ok(())
    })
}

/// `lcb_test_output`: a test case whose expected result is asked for.
fn test_output(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let (question, starter) = (text(columns, "question_content")?, text(columns, "starter_code")?);
        let tests: Vec<Value> = serde_json::from_str(text(columns, "test")?)
            .map_err(|error| format!("test: {error}, expected a list of test cases"))?;
        let member = |name: &str| {
            let value = tests.first().and_then(|test| test[name].as_str());
            value.ok_or_else(|| format!("test: found no `{name}` of a first case"))
        };
        let mut functions = FUNCTION.captures_iter(starter);
        let function = functions.next().filter(|_| functions.next().is_none());
        let function = function.ok_or("starter_code: expected one function")?;
        let arguments = member("input")?.split('\n').collect::<Vec<_>>().join(", ");
        let prompt = format!(
            "Problem:\n{question}Function:\n```\n{starter}\n```\nPlease complete the following test case:\n\n\
             ```\nassert {}({arguments}) == # TODO\n```\n",
            &function[1],
        );
        let sample = json!({ "input": question, "output": member("output")? });
        columns.insert("prompt".to_owned(), Value::String(prompt));
        columns.insert("evaluation_sample".to_owned(), Value::String(python_json(&sample)));
        Ok(())
    })
}

#[cfg(test)]
mod tests;
