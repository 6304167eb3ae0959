//! [`HumanEvalX`]: HumanEval in five languages (Zheng et al. 2023, arXiv:2303.17568). Upstream sends the programs to a
//! service; here they run in the sandbox. How an answer is cut follows `_clean_up_code` of OpenCompass 0.5.4
//! (Apache-2.0), how a program is put together CodeGeeX's `evaluate_humaneval_x.py` (Apache-2.0).

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::judge;
use super::language::Language;
use super::languages::HUMAN_EVAL_X;
use super::python_tests::{Counted, column, scores};
use super::test_result::Tested;
use crate::score::entry::Setup;
use crate::score::text::words::built_in;
use crate::score::{Evaluate, FollowUp, Participant, ScoredItem, Scores};
use crate::{Error, Result};

/// Upstream's name of Python, whose answers run next to the judge.
const PYTHON: &str = "python";
/// Time limit of a Python task, seconds.
const SECONDS: u64 = 10;
const PYTHON_IMPORTS: &str = "import math\nimport re\nimport sys\nimport copy\nimport datetime\nimport itertools\n\
    import collections\nimport heapq\nimport functools\nimport hashlib\nimport string\nfrom typing import *\n\
    from collections import *\n";
const CPP_IMPORTS: [&str; 9] = [
    "#include<stdlib.h>",
    "#include<algorithm>",
    "#include<math.h>",
    "#include<stdio.h>",
    "#include<vector>",
    "#include<string>",
    "#include<climits>",
    "#include<cstring>",
    "#include<iostream>",
];
const GO_IMPORTS: [&str; 10] =
    ["math", "strings", "fmt", "strconv", "time", "bytes", "regexp", "sort", "math/rand", "crypto/md5"];
/// Where Python code ends that has no unindented line.
const PYTHON_ENDS: [&str; 8] =
    ["\ndef", "\nclass", "\n#", "\nassert", "\n\"\"\"", "\nprint", "\nif", "\n\n\n"];

static BLOCK: LazyLock<Regex> = LazyLock::new(|| built_in("(?s)```(.*?)```"));

/// The evaluator of programs whose row has `prompt`, `declaration` and `test`.
pub(super) struct HumanEvalX {
    /// The language; absent for Python.
    language: Option<Language>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    language: String,
    /// Address of upstream's service, which is not used.
    #[serde(default, rename = "ip_address")]
    _address: Option<IgnoredAny>,
    /// Port of that service.
    #[serde(default, rename = "port")]
    _port: Option<IgnoredAny>,
}

impl HumanEvalX {
    /// Reads the argument `language`.
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let name = setup.named.arguments::<Arguments>()?.language;
        let language = HUMAN_EVAL_X.into_iter().find(|language| language.name == name);
        if language.is_none() && name != PYTHON {
            let known: Vec<&str> =
                HUMAN_EVAL_X.iter().map(|language| language.name).chain([PYTHON]).collect();
            return Err(Error::Value {
                place: format!("{}.language", setup.named.name()),
                found: format!("`{name}`"),
                expected: format!("one of {}", known.join(", ")),
            });
        }
        Ok(Box::new(Self { language }))
    }

    fn name(&self) -> &'static str {
        self.language.map_or(PYTHON, |language| language.name)
    }

    /// The program without its tests, and the tests.
    fn parts(&self, item: &ScoredItem<'_>) -> Result<(String, String), String> {
        let (prompt, test) = (column(item, "prompt")?, column(item, "test")?);
        let code = cleaned(&item.pred_text(), self.name(), column(item, "declaration")?);
        let text = |name: &str| item.columns.get(name).and_then(Value::as_str).unwrap_or_default();
        let program = match self.name() {
            PYTHON => format!("{PYTHON_IMPORTS}{prompt}{}\n", indented_part(&code)),
            "cpp" => {
                let missing: String = CPP_IMPORTS
                    .iter()
                    .filter(|import| !prompt.contains(**import))
                    .map(|import| format!("{import}\n"))
                    .collect();
                format!("{missing}\n{prompt}{code}\n")
            }
            "go" => {
                let setup = text("test_setup");
                let import = text("import");
                let prompt = if import.is_empty() { prompt.to_owned() } else { prompt.replace(import, "") };
                format!("{setup}\n{}{prompt}{code}\n", go_imports(setup, &code))
            }
            _ => format!("{prompt}{code}\n"),
        };
        Ok((program, test.to_owned()))
    }

    fn tested(&self, item: &ScoredItem<'_>) -> Tested {
        if let Some(error) = &item.prediction.error {
            return Tested::not_run(error.as_str());
        }
        let (code, test) = match self.parts(item) {
            Ok(parts) => parts,
            Err(problem) => return Tested::not_run(problem),
        };
        let program = format!("{code}{test}");
        match (&self.language, item.evidence.first()) {
            (Some(language), None) if language.marked(&program).is_none() => {
                Tested::not_run("found a test without an end, expected that of HumanEval-X")
            }
            (_, None) => Tested::not_run("not run yet"),
            (Some(language), Some(outcome)) => language.verdict(&program, outcome),
            (None, Some(outcome)) => judge::verdict(&job(&code, &test), outcome),
        }
    }
}

/// The judge's job of a Python task.
fn job(code: &str, test: &str) -> Value {
    json!({ "code": code, "test": test, "seconds": SECONDS })
}

/// The packages that the code uses and the setup does not import.
fn go_imports(setup: &str, code: &str) -> String {
    let uses = |package: &&str| {
        let name = package.rsplit('/').next().unwrap_or(package);
        !setup.contains(*package) && code.contains(&format!("{name}."))
    };
    let lines: Vec<String> =
        GO_IMPORTS.iter().copied().filter(uses).map(|package| format!("\"{package}\"\n")).collect();
    if lines.is_empty() { String::new() } else { format!("import (\n{})\n", lines.join("    ")) }
}

/// The lines before the first that is not indented.
fn indented_part(code: &str) -> String {
    let is_inside = |line: &&str| line.trim().is_empty() || line.starts_with([' ', '\t']);
    code.split('\n').take_while(is_inside).collect::<Vec<_>>().join("\n")
}

/// Cuts an answer down to the body of the function. An answer that is a literal of Python is not evaluated.
fn cleaned(answer: &str, language: &str, declaration: &str) -> String {
    let mut text = block(answer.trim_start_matches('\n')).to_owned();
    if language == PYTHON {
        text = python_body(&text);
    }
    // Only the body of a function that is written again.
    let head = declaration.trim().rsplit('\n').next().unwrap_or_default().trim().trim_matches('{').to_owned();
    if let Some(place) = text.find(&head).filter(|_| !head.is_empty()) {
        text = text[place..].split_once('\n').map_or(String::new(), |(_, body)| body.to_owned());
    }
    match language {
        "java" => {
            if let Some(main) = text.find("public static void main") {
                text.truncate(main);
                text.push('}');
            }
            text = up_to_last_brace(text);
            if text.matches('{').count() + 1 == text.matches('}').count() {
                text.push_str("\n}");
            }
            text
        }
        "go" => up_to_last_brace(without_main(text, "\nfunc main(", "func main(")),
        "cpp" => up_to_last_brace(without_main(text, "\nint main()", "int main()")),
        "js" => up_to_last_brace(text),
        _ => text,
    }
}

/// The content of the first block without the name of its language.
fn block(text: &str) -> &str {
    let block = BLOCK.captures(text).and_then(|found| found.get(1));
    match (block, text.split("```").nth(1)) {
        (Some(block), _) if block.as_str().starts_with('\n') => block.as_str(),
        (Some(block), _) => block.as_str().split_once('\n').map_or(block.as_str(), |(_, code)| code),
        (None, Some(rest)) => rest,
        (None, None) => text,
    }
}

/// The indented lines, or what is before the last text that ends a function.
fn python_body(text: &str) -> String {
    let mut text = format!("    {}", text.trim_start());
    let indented = indented_part(&text);
    if indented.len() < text.len() {
        return indented;
    }
    for end in PYTHON_ENDS {
        if let Some(place) = text.rfind(end) {
            text.truncate(place);
        }
    }
    text
}

fn without_main(mut text: String, sign: &str, head: &str) -> String {
    if let Some(place) = text.rfind(head).filter(|_| text.contains(sign)) {
        text.truncate(place);
    }
    text
}

fn up_to_last_brace(mut text: String) -> String {
    if let Some(place) = text.rfind('}') {
        text.truncate(place + 1);
    }
    text
}

impl Evaluate for HumanEvalX {
    fn participants(&self) -> Vec<Participant> {
        vec![Participant::Sandbox]
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let parts = self.parts(item).ok().filter(|_| item.evidence.is_empty());
        let Some((code, test)) = parts else { return Vec::new() };
        match &self.language {
            Some(language) => language.follow_up(&format!("{code}{test}")).into_iter().collect(),
            None => vec![judge::follow_up(&job(&code, &test))],
        }
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let tested: Vec<Tested> = items.iter().map(|item| self.tested(item)).collect();
        scores("pass@1", Counted::Share, (items, tested))
    }
}

#[cfg(test)]
mod tests;
