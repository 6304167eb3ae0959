//! Programs of other languages with their tests: how each is compiled and run, and how a program proves that it reached
//! the end of its tests.
//!
//! Answer and tests are one program here, so the answer could end it before the tests. Only a program that reaches the
//! end of its tests passes: there it writes a mark, which is the hash of its own text. The program comes from standard
//! input, and a file that a compiler needs is removed before the program runs, so that it cannot read the mark there.

use internlm_kit::hash::sha256;

use super::test_result::{TestResult, Tested, written};
use crate::infer::Outcome;
use crate::model::{Answer, Program, Request};
use crate::score::{FollowUp, Helper};

/// A language whose compiler or interpreter may be installed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Language {
    /// Upstream's name in MultiPL-E.
    pub(super) name: &'static str,
    /// What has to be installed: a command of the shell that succeeds if it is there, and its name in messages.
    pub(super) needs: &'static [(&'static str, &'static str)],
    /// Reads the program from standard input and runs it.
    pub(super) script: &'static str,
    /// Text before and after the mark in a statement that writes it.
    pub(super) write: (&'static str, &'static str),
    /// Where that statement goes.
    pub(super) end: End,
    /// What on standard error means that a test does not hold, where the program continues after it.
    pub(super) failure: Failure,
    /// Time for compiler and program, in milliseconds.
    pub(super) milliseconds: u64,
}

/// The end of the tests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// Before the last closing brace, which is that of `main`.
    LastBrace,
    /// Before the closing brace of `main` in a class.
    InnerBrace,
    /// Before the `end` of a method in a class.
    InnerKeyword,
    /// Before the last occurrence of the second text ahead of the last occurrence of the first, which may be missing.
    Before(&'static str, &'static str),
    /// After everything.
    Text,
}

/// What on standard error means that a test does not hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Failure {
    /// Nothing: the program ends with an error.
    Ends,
    /// Any text.
    AnyText,
    /// One of these texts.
    Texts(&'static [&'static str]),
}

/// Time for languages whose compilers are fast, in milliseconds.
pub(super) const FAST: u64 = 20_000;
/// Time for the others.
pub(super) const SLOW: u64 = 60_000;

impl Language {
    /// Adds the statement that writes the mark. `None` if the tests have no end.
    pub(super) fn marked(&self, program: &str) -> Option<String> {
        let statement = format!("{}{}{}", self.write.0, mark(program), self.write.1);
        let place = match self.end {
            End::LastBrace => program.rfind('}')?,
            End::InnerBrace => program[..program.rfind('}')?].rfind('}')?,
            End::InnerKeyword => program[..program.rfind("end")?].rfind("end")?,
            End::Before(after, closing) => {
                program[..program.rfind(after).unwrap_or(program.len())].rfind(closing)?
            }
            End::Text => program.len(),
        };
        Some(format!("{}{statement}{}", &program[..place], &program[place..]))
    }

    /// Returns the request that runs a program with its mark.
    pub(super) fn follow_up(&self, program: &str) -> Option<FollowUp> {
        let stdin = self.marked(program)?;
        // The sandbox reports this message as a missing program, not as an outcome.
        let check = |(test, name): &(&str, &str)| {
            format!("{test} > /dev/null 2>&1 || {{ echo 'unavailable: needs {name}' >&2; exit 127; }}; ")
        };
        let checks: String = self.needs.iter().map(check).collect();
        let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), format!("{checks}{}", self.script)];
        let program = Program { command, stdin, milliseconds: self.milliseconds, ..Program::default() };
        Some(FollowUp { to: Helper::Sandbox, request: Request::Run { program } })
    }

    /// Reads how a program ended.
    pub(super) fn verdict(&self, program: &str, outcome: &Outcome) -> Tested {
        let stdout = match written(outcome) {
            Ok(text) => text,
            Err(tested) => return tested,
        };
        let Ok(Answer::Ran { stderr, .. }) = outcome else {
            return Tested::not_run("found an answer of another kind, expected what a program did");
        };
        let failed = match self.failure {
            Failure::Ends => false,
            Failure::AnyText => !stderr.trim().is_empty(),
            Failure::Texts(texts) => texts.iter().any(|text| stderr.contains(text)),
        };
        if failed {
            let first = stderr.trim().lines().next().unwrap_or_default();
            return Tested::new(TestResult::WrongAnswer, first);
        }
        let mark = mark(program);
        if stdout.lines().chain(stderr.lines()).any(|line| line.trim() == mark) {
            return Tested::new(TestResult::Pass, "");
        }
        Tested::new(TestResult::Failed, "ended before the end of the tests")
    }
}

fn mark(program: &str) -> String {
    format!("end of the tests {}", sha256(program.as_bytes()))
}

#[cfg(test)]
mod tests;
