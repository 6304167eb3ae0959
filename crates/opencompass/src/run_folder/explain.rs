//! Explains a number: shows the chain prompt -> output -> extraction -> evidence -> score from the files of a run.

use std::fmt::Write;

use serde_json::Value;

use super::RunFolder;
use crate::counted::counted;
use crate::evidence::Evidence;
use crate::model::{Answer, Ending, Request};
use crate::{Error, Result};

/// Number of wrong items that the explanation of a cell shows.
const SHOWN: usize = 3;
/// Number of bytes from which on an object is shown field by field.
const LONG: usize = 160;
/// What the chain of an item shows of the verdict, in this order. Everything else that the evaluator says follows.
const VERDICT: [&str; 3] = ["correct", "score", "reason"];
/// Parts of a verdict that the chain shows under other names: as extraction, expectation and evidence.
const ELSEWHERE: [&str; 3] = ["pred", "answer", "judgements"];

impl RunFolder {
    /// Explains one item of a cell, or its first wrong items. A cell without a score gets the reason.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when the run has no such cell or item; [`Error::File`].
    pub fn explain(&self, model: &str, dataset: &str, item: Option<usize>) -> Result<String> {
        let result = self.read("results", model, dataset)?;
        let mut text = head(model, dataset, &result);
        let details = result["details"].as_object();
        if details.is_none() && result["error"].is_string() {
            return Ok(text + "\n");
        }
        let predictions = self.read("predictions", model, dataset)?;
        text.push('\n');
        let other = self.read_if_present("readings", model, dataset)?.unwrap_or_default();
        if let Some(result) = other.get("result") {
            let items = other["items"].as_object().map_or(0, serde_json::Map::len);
            let (reading, items) = (other["reading"].as_str().unwrap_or_default(), counted(items, "item"));
            writeln!(text, "reading `{reading}`: {result}, differs on {items}")
                .expect("writing to a String does not fail");
        }
        let evidence = self.read_if_present("evidence", model, dataset)?.unwrap_or_default();
        let keys: Vec<String> = match item {
            Some(item) => vec![item.to_string()],
            None => {
                let wrong = details.into_iter().flatten().filter(|(_, detail)| detail["correct"] != true);
                wrong.map(|(key, _)| key.clone()).take(SHOWN).collect()
            }
        };
        for key in keys {
            let prediction = predictions.get(&key).ok_or_else(|| no_item(&key, &predictions))?;
            chain(&mut text, &key, prediction, &result["details"][&key]);
            for evidence in pieces(&evidence[&key]) {
                piece(&mut text, &evidence);
            }
            verdict(&mut text, &result["details"][&key]);
            if let Some(item) = other["items"].get(&key) {
                line(&mut text, "extracted in the other reading", &item["other"]["pred"]);
                line(&mut text, "correct in the other reading", &item["other"]["correct"]);
            }
        }
        Ok(text)
    }
}

/// The metrics of a cell, or why it has none.
fn head(model: &str, dataset: &str, result: &Value) -> String {
    let mut text = format!("{model} x {dataset}:");
    if let Some(reason) = result["error"].as_str() {
        return text + " no score, because " + reason;
    }
    let metrics = result.as_object().into_iter().flatten();
    for (metric, value) in metrics.filter(|(metric, _)| *metric != "details") {
        write!(text, " {metric} {value}").expect("writing to a String does not fail");
    }
    text
}

fn no_item(key: &str, predictions: &Value) -> Error {
    let count = predictions.as_object().map_or(0, serde_json::Map::len);
    Error::UnknownName {
        kind: "item",
        name: key.to_owned(),
        hint: format!("the set has {}", counted(count, "item")),
    }
}

/// Appends what was asked and answered, and what was extracted.
fn chain(text: &mut String, key: &str, prediction: &Value, detail: &Value) {
    writeln!(text, "\nitem {key}").expect("writing to a String does not fail");
    for (name, value) in prediction.as_object().into_iter().flatten() {
        line(text, name, value);
    }
    line(text, "extracted", &detail["pred"]);
    line(text, "expected", &detail["answer"]);
}

/// Appends what the evaluator says.
fn verdict(text: &mut String, detail: &Value) {
    for name in VERDICT {
        if let Some(value) = detail.get(name) {
            line(text, name, value);
        }
    }
    let known = |name: &str| VERDICT.contains(&name) || ELSEWHERE.contains(&name);
    for (name, value) in detail.as_object().into_iter().flatten().filter(|(name, _)| !known(name)) {
        line(text, name, value);
    }
}

/// Reads what judges and the sandbox did for an item. What another version wrote is left out.
fn pieces(evidence: &Value) -> Vec<Evidence> {
    serde_json::from_value(evidence.clone()).unwrap_or_default()
}

/// Appends a request of the evaluator with its outcome.
fn piece(text: &mut String, evidence: &Evidence) {
    let Evidence { to, request, answer, error } = evidence;
    line(text, &format!("{to} was asked"), &Value::from(asked(request)));
    match (answer, error) {
        (Some(answer), _) => line(text, &format!("{to} answered"), &Value::from(answered(answer))),
        (None, error) => {
            let error = error.as_deref().unwrap_or("not asked yet");
            line(text, &format!("{to} failed"), &Value::from(error));
        }
    }
}

/// A prompt turn by turn, or a program with its files.
fn asked(request: &Request) -> String {
    if let Request::Run { program } = request {
        let mut text = program.command.join(" ");
        for (name, content) in &program.files {
            write!(text, "\n--- {name}\n{}", content.trim_end()).expect("writing to a String does not fail");
        }
        if !program.stdin.is_empty() {
            write!(text, "\n--- standard input\n{}", program.stdin.trim_end())
                .expect("writing to a String does not fail");
        }
        return text;
    }
    shown(&request.shown())
}

fn answered(answer: &Answer) -> String {
    match answer {
        Answer::Reply { text, .. } | Answer::Agent { text, .. } => text.clone(),
        Answer::Ran { ending, stdout, stderr } => {
            let mut text = match ending {
                Ending::Exit(code) => format!("exit code {code}"),
                Ending::Timeout => "the time was up".to_owned(),
                Ending::Killed => "ended by a signal or by a limit of the sandbox".to_owned(),
            };
            for (name, output) in [("standard output", stdout), ("standard error", stderr)] {
                if !output.is_empty() {
                    write!(text, "\n--- {name}\n{}", output.trim_end())
                        .expect("writing to a String does not fail");
                }
            }
            text
        }
        other => serde_json::to_string(other).expect("answers are plain data"),
    }
}

fn line(text: &mut String, name: &str, value: &Value) {
    let shown = shown(value);
    writeln!(text, "  {name}: {}", shown.replace('\n', "\n    ")).expect("writing to a String does not fail");
}

/// A value for people: turns of a conversation and the fields of a long object one by one, everything else as JSON.
fn shown(value: &Value) -> String {
    let turn = |turn: &Value| Some(format!("[{}] {}", turn["role"].as_str()?, turn["prompt"].as_str()?));
    match value {
        Value::String(string) => string.clone(),
        Value::Array(turns) if !turns.is_empty() => {
            let lines: Option<Vec<String>> = turns.iter().map(turn).collect();
            lines.map_or_else(|| value.to_string(), |lines| lines.join("\n"))
        }
        Value::Object(fields) if value.to_string().len() > LONG => {
            let field = |(name, value): (&String, &Value)| format!("\n{name}: {}", shown(value));
            fields.iter().map(field).collect()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Program;

    #[test]
    fn programs_are_shown_with_their_files_and_outputs() {
        let program = Program {
            command: ["python3", "main.py"].map(str::to_owned).to_vec(),
            files: BTreeMap::from([("main.py".to_owned(), "print(input())\n".to_owned())]),
            stdin: "7\n".to_owned(),
            milliseconds: 1000,
        };
        let text = asked(&Request::Run { program });
        assert_eq!(text, "python3 main.py\n--- main.py\nprint(input())\n--- standard input\n7");
        let ran = |ending, stdout: &str, stderr: &str| {
            answered(&Answer::Ran { ending, stdout: stdout.to_owned(), stderr: stderr.to_owned() })
        };
        assert_eq!(ran(Ending::Exit(0), "7\n", ""), "exit code 0\n--- standard output\n7");
        assert_eq!(ran(Ending::Timeout, "", "x"), "the time was up\n--- standard error\nx");
    }

    #[test]
    fn long_values_are_shown_part_by_part() {
        let turns = serde_json::json!([{ "role": "HUMAN", "prompt": "a" }, { "role": "BOT", "prompt": "b" }]);
        assert_eq!(shown(&turns), "[HUMAN] a\n[BOT] b");
        assert_eq!(shown(&serde_json::json!(["a", 1])), "[\"a\",1]");
        assert_eq!(shown(&serde_json::json!({ "bits": 8.0 })), "{\"bits\":8.0}");
        let label = serde_json::json!({ "PPL": 1.5, "prompt": "x".repeat(200) });
        assert_eq!(shown(&label), format!("\nPPL: 1.5\nprompt: {}", "x".repeat(200)));
    }

    #[test]
    fn everything_that_the_evaluator_says_is_shown_once() {
        let detail = serde_json::json!({
            "pred": "a", "answer": "b", "correct": false, "reason": "r", "judgements": ["B"], "grade_letter": "B"
        });
        let mut text = String::new();
        verdict(&mut text, &detail);
        assert_eq!(text, "  correct: false\n  reason: r\n  grade_letter: B\n");
    }
}
