//! `PythonInterpreter`: runs code in a fresh process and returns its answer.
//!
//! Follows `lagent/actions/python_interpreter.py` of 0.2.4 with two differences: upstream executes the code in its
//! own process, here it runs in a sandboxed child process; and an answer from stdout is all that was printed, where
//! upstream returns the last line.

use internlm_kit::sandbox::{Level, Sandbox, Task};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Result;
use crate::action::{
    Action, ActionReturn, ActionState, CallContext, Readiness, Service, ToolSettings, ToolSpec,
};

const NAME: &str = "PythonInterpreter";
/// Prefix of the one line in which the runner reports its result. The control character keeps ordinary
/// output from looking like a result.
const MARK: &str = "\u{1e}lagent-result ";
/// The Python program that executes `code.py` and reports its answer as one JSON line.
const RUNNER: &str = include_str!("runner.py");
/// Upstream's default expression.
const SOLUTION: &str = "solution()";

/// What of the code is its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The value of this expression (`answer_expr`); by default the call `solution()`.
    Expression(String),
    /// The value of this variable (`answer_symbol`).
    Symbol(String),
    /// What the code prints (`answer_from_stdout`).
    Stdout,
    /// The value of the last line (none of the three).
    LastLine,
}

impl Default for Answer {
    fn default() -> Self {
        Self::Expression(SOLUTION.to_owned())
    }
}

impl Answer {
    /// Reads upstream's settings from the table of the service; the first one that is set counts, as upstream.
    fn from_service(service: &Service) -> Result<Self, String> {
        let settings = ["answer-from-stdout", "answer-symbol", "answer-expr"];
        match settings.map(|name| service.extra.get(name)) {
            [Some(Value::Bool(true)), ..] => Ok(Self::Stdout),
            [Some(Value::Bool(false)) | None, Some(Value::String(name)), _] => Ok(Self::Symbol(name.clone())),
            [Some(Value::Bool(false)) | None, None, Some(Value::String(text))] if text.is_empty() => {
                Ok(Self::LastLine)
            }
            [Some(Value::Bool(false)) | None, None, Some(Value::String(text))] => {
                Ok(Self::Expression(text.clone()))
            }
            [Some(Value::Bool(false)) | None, None, None] => Ok(Self::default()),
            _ => Err(format!(
                "services.{NAME}.extra: expected answer-from-stdout (true or false), answer-symbol or answer-expr (a text)"
            )),
        }
    }

    fn request(&self) -> Value {
        match self {
            Self::Expression(text) => json!({"expression": text}),
            Self::Symbol(name) => json!({"symbol": name}),
            Self::Stdout => json!({"stdout": true}),
            Self::LastLine => json!({}),
        }
    }

    /// What the model has to know about the code.
    fn described(&self) -> String {
        match self {
            Self::Expression(text) if text == SOLUTION => "The code must define a function named solution without parameters; the result is the text of the value that it returns.".to_owned(),
            Self::Expression(text) => format!("The result is the text of the value of `{text}` after the code."),
            Self::Symbol(name) => format!("The result is the text of the value of the variable `{name}`, which the code must set."),
            Self::Stdout => "The result is what the code prints.".to_owned(),
            Self::LastLine => "The result is the text of the value of the last line, which must be an expression.".to_owned(),
        }
    }
}

/// The JSON object in the runner's line.
#[derive(Debug, Deserialize)]
struct Report {
    value: Option<String>,
    error: Option<String>,
    #[serde(default)]
    memory: bool,
}

/// Lagent's Python tool, executed in a sandbox.
#[derive(Clone, Debug)]
pub struct PythonInterpreter {
    sandbox: Sandbox,
    answer: Result<Answer, String>,
}

impl PythonInterpreter {
    /// Creates the tool. Every call runs in a fresh process under the limits of `sandbox`.
    #[must_use]
    pub fn new(sandbox: Sandbox) -> Self {
        Self { sandbox, answer: Ok(Answer::default()) }
    }

    /// Returns the tool with another kind of answer.
    #[must_use]
    pub fn with_answer(self, answer: Answer) -> Self {
        Self { answer: Ok(answer), ..self }
    }

    /// Creates the tool from the settings of an agent file: `answer-symbol`, `answer-expr` and `answer-from-stdout`
    /// of its service's own settings are those of upstream.
    ///
    /// # Errors
    /// [`Error::Sandbox`](crate::Error::Sandbox) when the requested level does not work here.
    pub fn with_settings(settings: &ToolSettings) -> Result<Self> {
        let answer = settings.services.get(NAME).map_or(Ok(Answer::default()), Answer::from_service);
        Ok(Self { sandbox: settings.confined()?, answer })
    }

    /// Runs the code and returns the text of its answer, or the error message for the model.
    fn run(&self, context: &CallContext<'_>, code: &str) -> Result<String, String> {
        let answer = self.answer.as_ref().map_err(Clone::clone)?;
        let task = Task::new("python3")
            .args(["-I", "-c", RUNNER, &answer.request().to_string()])
            .file("code.py", strip_fence(code));
        let outcome = context.confined(&self.sandbox).run(&task).map_err(|error| error.to_string())?;
        let line = outcome.stdout.lines().rev().find_map(|line| line.strip_prefix(MARK));
        let report = line.and_then(|line| serde_json::from_str::<Report>(line).ok());
        match report {
            _ if !outcome.status.is_success() => Err(format!("the code ended with: {}", outcome.status)),
            Some(Report { memory: true, .. }) => Err("the code ended with: memory limit exceeded".to_owned()),
            Some(Report { value: Some(value), .. }) => Ok(value),
            Some(Report { error: Some(error), .. }) => Err(error),
            _ => Err(format!("the code ended the interpreter before {} returned", awaited(answer))),
        }
    }
}

/// What the code did not get to.
fn awaited(answer: &Answer) -> &str {
    match answer {
        Answer::Expression(text) => text,
        Answer::Symbol(_) | Answer::Stdout | Answer::LastLine => "it",
    }
}

impl Action for PythonInterpreter {
    fn spec(&self) -> ToolSpec {
        let described = self.answer.as_ref().map(Answer::described).unwrap_or_default();
        ToolSpec::with_texts(NAME, &format!("Runs Python code. {described}"), &["command"])
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        let fail = |state, message: String| ActionReturn::error(NAME, arguments.clone(), state, message);
        let Some(code) = arguments.get("command").and_then(Value::as_str) else {
            return fail(ActionState::ArgsError, "command: expected a text".to_owned());
        };
        match self.run(context, code) {
            Ok(text) => ActionReturn::text(NAME, arguments.clone(), text),
            Err(message) => fail(ActionState::ApiError, message),
        }
    }

    fn readiness(&self) -> Readiness {
        let missing = || self.sandbox.find("python3").err().map(|error| error.to_string());
        match self.answer.as_ref().err().cloned().or_else(missing) {
            None => Readiness::Ready,
            Some(reason) => Readiness::Unavailable { reason },
        }
    }

    fn sandbox_level(&self) -> Option<Level> {
        Some(self.sandbox.level())
    }
}

/// Returns the code inside the first Markdown fence, or the whole text: models often answer in Markdown.
fn strip_fence(text: &str) -> &str {
    let inside = match text.split_once("```python") {
        Some((_, rest)) => rest,
        None => match text.split_once("```") {
            Some((_, rest)) => rest,
            None => return text,
        },
    };
    inside.split("```").next().unwrap_or(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fence_is_taken() {
        assert_eq!(strip_fence("x = 1"), "x = 1");
        assert_eq!(strip_fence("see:\n```python\nx\n```\nand ```y```"), "\nx\n");
        assert_eq!(strip_fence("```\nx"), "\nx");
    }

    #[test]
    fn the_settings_are_upstreams() {
        let read = |text: &str| {
            let extra = serde_json::from_str(text).expect("JSON");
            Answer::from_service(&Service { extra, ..Service::default() })
        };
        assert_eq!(read("{}"), Ok(Answer::default()));
        assert_eq!(read(r#"{"answer-symbol": "ans"}"#), Ok(Answer::Symbol("ans".to_owned())));
        assert_eq!(read(r#"{"answer-expr": "f(1)"}"#), Ok(Answer::Expression("f(1)".to_owned())));
        assert_eq!(read(r#"{"answer-expr": ""}"#), Ok(Answer::LastLine));
        assert_eq!(read(r#"{"answer-from-stdout": true, "answer-symbol": "x"}"#), Ok(Answer::Stdout));
        assert!(
            read(r#"{"answer-symbol": 1}"#).expect_err("not a text").contains("services.PythonInterpreter")
        );
    }
}
