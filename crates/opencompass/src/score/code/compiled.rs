//! Programs of other languages with their tests: MultiPL-E and HumanEval-X.
//!
//! Answer and tests are one program here, so the answer could end it before the tests. Only a program that reaches the
//! end of its tests passes: there it writes a mark, which is the hash of its own text. A compiler reads the program
//! from standard input, so neither it nor the program can read the mark from a file.

use internlm_kit::hash::sha256;
use serde::Deserialize;
use serde_json::Value;

use super::python_tests::{Counted, column, scores};
use super::shorten::continuation;
use super::test_result::{TestResult, Tested, written};
use crate::model::{Program, Request};
use crate::score::entry::Setup;
use crate::score::{Evaluate, FollowUp, Helper, ScoredItem, Scores};
use crate::{Error, Result};

/// Time for compiler and program, in milliseconds.
const MILLISECONDS: u64 = 20_000;

/// A language whose compiler or interpreter may be installed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Language {
    /// Upstream's name in MultiPL-E.
    name: &'static str,
    /// Name of the compiler or interpreter.
    needs: &'static str,
    /// Reads the program from standard input and runs it.
    script: &'static str,
    /// Text before and after the mark in a statement that writes it.
    write: (&'static str, &'static str),
    /// Where that statement goes.
    end: End,
}

/// The end of the tests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// Before the last closing brace, which is that of `main`.
    LastBrace,
    /// After everything.
    Text,
}

const LANGUAGES: [Language; 4] = [
    Language {
        name: "rs",
        needs: "rustc",
        script: "rustc -A warnings --edition 2021 -o main - && ./main",
        write: ("println!(\"", "\");\n"),
        end: End::LastBrace,
    },
    Language {
        name: "cpp",
        needs: "g++",
        script: "g++ -x c++ -std=c++17 -o main - && ./main",
        write: ("std::cout << \"", "\" << std::endl;\n"),
        end: End::LastBrace,
    },
    Language {
        name: "js",
        needs: "node",
        script: "node -",
        write: ("\nconsole.log(\"", "\");\n"),
        end: End::Text,
    },
    Language { name: "sh", needs: "bash", script: "bash -s", write: ("\necho \"", "\"\n"), end: End::Text },
];

impl Language {
    /// Adds the statement that writes the mark. `None` if the tests have no end.
    fn marked(&self, program: &str) -> Option<String> {
        let statement = format!("{}{}{}", self.write.0, mark(program), self.write.1);
        let place = match self.end {
            End::LastBrace => program.rfind('}')?,
            End::Text => program.len(),
        };
        Some(format!("{}{statement}{}", &program[..place], &program[place..]))
    }
}

fn mark(program: &str) -> String {
    format!("end of the tests {}", sha256(program.as_bytes()))
}

/// The evaluator of programs whose row has `prompt`, `tests` and `stop_tokens`.
pub(super) struct MultiPlE {
    language: Language,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    language: String,
}

impl MultiPlE {
    /// Reads the argument `language`.
    pub(super) fn new(setup: &Setup<'_>) -> Result<Self> {
        let name = setup.named.arguments::<Arguments>()?.language;
        let language = LANGUAGES.into_iter().find(|language| language.name == name);
        let language = language.ok_or_else(|| Error::Value {
            place: format!("{}.language", setup.named.name()),
            found: format!("`{name}`"),
            expected: format!("one of {}", LANGUAGES.map(|language| language.name).join(", ")),
        })?;
        Ok(Self { language })
    }

    /// The program without the mark.
    fn program(item: &ScoredItem<'_>) -> Result<String, String> {
        let prompt = column(item, "prompt")?;
        let stops = item.columns.get("stop_tokens").and_then(Value::as_array);
        let stops: Vec<&str> = stops.into_iter().flatten().filter_map(Value::as_str).collect();
        let code = continuation(prompt, &item.pred_text(), &stops);
        Ok(format!("{prompt}{code}\n{}", column(item, "tests")?))
    }

    fn tested(&self, item: &ScoredItem<'_>) -> Tested {
        if let Some(error) = &item.prediction.error {
            return Tested::not_run(error.as_str());
        }
        let program = match Self::program(item) {
            Ok(program) => program,
            Err(problem) => return Tested::not_run(problem),
        };
        let Some(outcome) = item.evidence.first() else { return Tested::not_run("not run yet") };
        match written(outcome) {
            Ok(text) if text.lines().any(|line| line == mark(&program)) => Tested::new(TestResult::Pass, ""),
            Ok(_) => Tested::new(TestResult::Failed, "ended before the end of the tests"),
            Err(tested) => tested,
        }
    }
}

impl Evaluate for MultiPlE {
    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let program = Self::program(item).ok().filter(|_| item.evidence.is_empty());
        let Some(stdin) = program.and_then(|program| self.language.marked(&program)) else {
            return Vec::new();
        };
        let Language { needs, script, .. } = self.language;
        // The sandbox reports this message as a missing program, not as an outcome.
        let script = format!(
            "command -v {needs} > /dev/null || {{ echo 'unavailable: needs {needs}' >&2; exit 127; }}; {script}"
        );
        let command = ["/bin/sh", "-c", script.as_str()].map(str::to_owned).to_vec();
        let program = Program { command, stdin, milliseconds: MILLISECONDS, ..Program::default() };
        vec![FollowUp { to: Helper::Sandbox, request: Request::Run { program } }]
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
    fn the_mark_is_the_last_statement_of_the_tests() {
        let program = "fn f() {}\nfn main() {\n    assert_eq!(1, 1);\n}\n";
        let marked = LANGUAGES[0].marked(program).expect("has a main");
        let statement = format!("println!(\"{}\");\n}}\n", mark(program));
        assert!(marked.ends_with(&statement), "{marked}");
        assert!(LANGUAGES[0].marked("no tests").is_none());
        assert!(LANGUAGES[2].marked("x").expect("anywhere").starts_with("x\nconsole.log"));
    }
}
