//! One call of a local tool: its arguments, its files, its programs and its service.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use internlm_kit::sandbox::{Outcome, Sandbox, Task};

use super::failure::Failure;
use super::files::{Files, extension};
use super::program::{self, Program};
use super::service::Api;
use crate::action::arguments::Arguments;
use crate::action::{CallContext, Service};

/// Everything that the function of a tool may use.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) arguments: Arguments<'a>,
    pub(super) files: Files,
    pub(super) sandbox: Option<&'a Sandbox>,
    /// Name of the tool, and its service if that has an address.
    pub(super) service: (&'a str, Option<&'a Service>),
    pub(super) context: CallContext<'a>,
}

/// A file that a program reads: its name in the work folder, which has nothing from the model but a plain
/// extension, and its content.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Call<'_> {
    /// A text that the call must have.
    pub(super) fn text(&self, name: &str) -> Result<&str, Failure> {
        self.arguments.text(name)
    }

    /// A text that the call may have.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&str>, Failure> {
        self.arguments.optional_text(name)
    }

    /// One of a few texts; the first is the default.
    pub(super) fn choice<'c>(&self, name: &str, choices: &[&'c str]) -> Result<&'c str, Failure> {
        self.arguments.choice(name, choices)
    }

    /// A whole number within a range; `None` if it is absent.
    pub(super) fn integer(&self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Failure> {
        let range = i64::from(*range.start())..=i64::from(*range.end());
        let number = self.arguments.integer(name, range)?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    /// A list of texts; empty if it is absent.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, Failure> {
        Ok(self.arguments.optional_texts(name)?.unwrap_or_default())
    }

    /// The file that a parameter names.
    pub(super) fn input(&self, name: &str) -> Result<Input, Failure> {
        let path = self.text(name)?;
        let bytes = self.files.read(name, path)?;
        let extension = extension(path).map(|extension| format!(".{extension}")).unwrap_or_default();
        Ok(Input { name: format!("input{extension}"), bytes })
    }

    /// Writes a result to a new file of the session.
    pub(super) fn save(&self, stem: &str, extension: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        self.files.save(stem, extension, bytes)
    }

    /// Whether all of these programs are installed.
    pub(super) fn has(&self, programs: &[Program]) -> bool {
        self.sandbox.is_some_and(|sandbox| program::missing(programs, sandbox).is_empty())
    }

    /// Runs a program in the sandbox.
    pub(super) fn run(&self, name: &str, task: &Task) -> Result<Outcome, Failure> {
        match self.sandbox {
            Some(sandbox) => program::run(sandbox, name, task),
            None => Err(Failure::tool(format!("{name}: this tool has no sandbox to run programs in"))),
        }
    }

    /// Runs a program and returns the file `output` that it wrote.
    pub(super) fn run_for(&self, name: &str, task: Task, output: &str) -> Result<Vec<u8>, Failure> {
        let mut outcome = self.run(name, &task.collect(output))?;
        outcome.files.remove(output).ok_or_else(|| {
            Failure::tool(format!(
                "{name} wrote no result: {} {}",
                outcome.stdout.trim(),
                outcome.stderr.trim()
            ))
        })
    }

    /// The tool's service if it is configured.
    pub(super) fn api(&self) -> Option<Api<'_>> {
        let (_, service) = self.service;
        service.map(|service| Api { service, context: self.context })
    }

    /// The tool's service, which must be configured.
    pub(super) fn required_api(&self) -> Result<Api<'_>, Failure> {
        let (name, _) = self.service;
        self.api().ok_or_else(|| Failure::tool(format!("unavailable: needs an endpoint services.{name}")))
    }
}
