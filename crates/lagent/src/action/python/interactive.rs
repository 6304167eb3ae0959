//! `IPythonInteractive`: a shell that keeps its variables and returns the last output of the code alone.
//!
//! Follows `lagent/actions/ipython_interactive.py`, which runs the code in its own process and takes every output
//! that contains "Error" for a failure. Here the shell runs in the sandbox, and only an exception is a failure.

use internlm_kit::sandbox::Level;
use serde_json::Value;

use super::cell::{Cell, CellEnd};
use super::kernels::Kernels;
use super::request::{Request, python, spec};
use super::runtime::Allowance;
use crate::Result;
use crate::action::{Action, ActionReturn, ActionState, CallContext, Readiness, ToolSettings, ToolSpec};

/// Maximum number of characters of a result.
const MAX_OUT_LEN: usize = 2048;
const NAME: &str = "IPythonInteractive";

/// Lagent's shell without a kernel.
#[derive(Clone, Debug)]
pub struct IPythonInteractive {
    kernels: Kernels,
}

impl IPythonInteractive {
    /// Creates the tool. The Python is that of the service's setting `python`, by default `python3`.
    ///
    /// # Errors
    /// [`Error::Sandbox`](crate::Error::Sandbox) when the requested level does not work here.
    pub fn new(settings: &ToolSettings) -> Result<Self> {
        let kernels = Kernels::new(&settings.confined()?, python(settings, NAME))?;
        Ok(Self { kernels: kernels.without_jupyter() })
    }
}

/// The last value, otherwise the last line that was printed, or the error.
fn last_output(cell: &Cell) -> Result<String, String> {
    match &cell.end {
        CellEnd::Raised(traceback) => Err(cut(traceback)),
        CellEnd::Interrupted(timeout) => {
            Err(format!("the code was interrupted: it took more than {} s", timeout.as_secs_f64()))
        }
        CellEnd::Cancelled => Err("the code was interrupted: the call was cancelled".to_owned()),
        CellEnd::Died(reason) => Err(format!("the shell ended ({reason}): earlier variables are gone")),
        CellEnd::Done => {
            let printed = || cell.text.trim_end().lines().next_back().map(str::to_owned);
            Ok(cut(&cell.value.clone().or_else(printed).unwrap_or_default()))
        }
    }
}

/// The beginning of a long text, with a mark that it was cut.
fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_OUT_LEN) {
        Some((end, _)) => format!("{}\n[cut at {MAX_OUT_LEN} characters]", &text[..end]),
        None => text.to_owned(),
    }
}

impl Action for IPythonInteractive {
    fn spec(&self) -> ToolSpec {
        spec(
            NAME,
            "Runs Python code in a shell that keeps its variables between calls. The result is the value of the last expression, or the last line that the code prints.",
        )
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        let fail = |state, message: String| ActionReturn::error(NAME, arguments.clone(), state, message);
        match Request::read(arguments, context.deadline) {
            Ok(Request { code, timeout }) => {
                let allowance = Allowance { timeout, stop: context.stop };
                match last_output(&self.kernels.execute(context.session, &code, allowance)) {
                    Ok(text) => ActionReturn::text(NAME, arguments.clone(), text),
                    Err(message) => fail(ActionState::ApiError, message),
                }
            }
            Err(message) => fail(ActionState::ArgsError, message),
        }
    }

    fn readiness(&self) -> Readiness {
        self.kernels.readiness()
    }

    fn sandbox_level(&self) -> Option<Level> {
        Some(self.kernels.level())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_comes_before_the_last_line() {
        let cell = |text: &str, value: Option<&str>| {
            last_output(&Cell { text: text.to_owned(), value: value.map(str::to_owned), ..Cell::default() })
        };
        assert_eq!(cell("a\nb Error\n\n", None), Ok("b Error".to_owned()));
        assert_eq!(cell("a\n7\n", Some("7")), Ok("7".to_owned()));
        assert_eq!(cell("", None), Ok(String::new()));
        let long = cell("", Some(&"ä".repeat(MAX_OUT_LEN + 1))).expect("is a value");
        assert!(long.ends_with("ä\n[cut at 2048 characters]"));
    }
}
