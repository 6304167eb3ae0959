//! `PythonInterpreter`: runs code that defines `solution()` and returns the text of its value.
//!
//! Follows `lagent/actions/python_interpreter.py` of 0.2.4 with one difference: upstream executes the code in
//! its own process, here it runs in a sandboxed child process.

use internlm_kit::sandbox::{Level, Sandbox, Task};
use serde::Deserialize;
use serde_json::Value;

use super::{Action, ActionReturn, ActionState, Readiness, ToolSpec};

/// Prefix of the one line in which the runner reports its result. The control character keeps ordinary
/// output from looking like a result.
const MARK: &str = "\u{1e}lagent-result ";

/// The Python program that executes `code.py`, calls `solution()` and reports the outcome as one JSON line.
///
/// The code's own prints are captured, so only the runner writes to the real stdout.
const RUNNER: &str = r#"
import contextlib, io, json, os, sys
out = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
captured = io.StringIO()
answer = {}
try:
    with contextlib.redirect_stdout(captured):
        scope = {"__name__": "__main__"}
        exec(compile(open("code.py", encoding="utf-8").read(), "code.py", "exec"), scope)
        answer["value"] = str(eval("solution()", scope))
except MemoryError:
    answer["memory"] = True
except BaseException as error:
    answer["error"] = repr(error)
answer["stdout"] = captured.getvalue()[-2000:]
print("\x1elagent-result " + json.dumps(answer), file=out, flush=True)
os._exit(0)
"#;

/// The JSON object in the runner's line.
#[derive(Debug, Deserialize)]
struct Answer {
    value: Option<String>,
    error: Option<String>,
    #[serde(default)]
    memory: bool,
}

/// Lagent's Python tool, executed in a sandbox.
#[derive(Clone, Debug)]
pub struct PythonInterpreter {
    sandbox: Sandbox,
}

impl PythonInterpreter {
    /// Creates the tool. Every call runs in a fresh process under the limits of `sandbox`.
    #[must_use]
    pub fn new(sandbox: Sandbox) -> Self {
        Self { sandbox }
    }

    /// Runs the code and returns the text of `solution()`'s value, or the error message for the model.
    fn run(&self, code: &str) -> Result<String, String> {
        let task = Task::new("python3").args(["-I", "-c", RUNNER]).file("code.py", strip_fence(code));
        let outcome = self.sandbox.run(&task).map_err(|error| error.to_string())?;
        let line = outcome.stdout.lines().rev().find_map(|line| line.strip_prefix(MARK));
        let answer = line.and_then(|line| serde_json::from_str::<Answer>(line).ok());
        match answer {
            _ if !outcome.status.is_success() => Err(format!("the code ended with: {}", outcome.status)),
            Some(Answer { memory: true, .. }) => Err("the code ended with: memory limit exceeded".to_owned()),
            Some(Answer { value: Some(value), .. }) => Ok(value),
            Some(Answer { error: Some(error), .. }) => Err(error),
            _ => Err("the code ended the interpreter before solution() returned".to_owned()),
        }
    }
}

impl Action for PythonInterpreter {
    fn spec(&self) -> ToolSpec {
        let description = "Runs Python code. The code must define a function named solution without parameters; the result is the text of the value that it returns.";
        ToolSpec::with_texts("PythonInterpreter", description, &["command"])
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        let kind = "PythonInterpreter";
        let fail = |state, message: String| ActionReturn::error(kind, arguments.clone(), state, message);
        let Some(code) = arguments.get("command").and_then(Value::as_str) else {
            return fail(ActionState::ArgsError, "command: expected a text".to_owned());
        };
        match self.run(code) {
            Ok(text) => ActionReturn::text(kind, arguments.clone(), text),
            Err(message) => fail(ActionState::ApiError, message),
        }
    }

    fn readiness(&self) -> Readiness {
        match self.sandbox.find("python3") {
            Ok(_) => Readiness::Ready,
            Err(error) => Readiness::Unavailable { reason: error.to_string() },
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
}
