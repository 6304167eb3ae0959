//! What the notebook and the shell have in common: their Python, their definition and the arguments of their calls.

use std::time::Duration;

use serde_json::{Value, json};

use super::code::code_in;
use super::runtime::PATIENCE;
use crate::action::{ToolInput, ToolSettings, ToolSpec};

/// Upstream's default, seconds.
const TIMEOUT: f64 = 20.0;
/// The longest time that a call may ask for, seconds.
const LONGEST: f64 = 3600.0;

/// The Python that the settings name for a tool.
pub(super) fn python<'a>(settings: &'a ToolSettings, tool: &str) -> &'a str {
    settings.services.get(tool).and_then(|service| service.text("python")).unwrap_or("python3")
}

/// The definition of a tool with the arguments `command` and `timeout`.
pub(super) fn spec(name: &str, description: &str) -> ToolSpec {
    let parameters = json!({
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "Python code"},
            "timeout": {"type": "number", "description": "Seconds after which the code is interrupted; default 20"},
        },
        "required": ["command"],
    });
    let (name, description) = (name.to_owned(), description.to_owned());
    ToolSpec { name, description, parameters, input: ToolInput::Json }
}

/// The arguments of a call.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) code: String,
    pub(super) timeout: Duration,
}

impl Request {
    /// Reads the arguments. `deadline` is when the caller stops waiting: the code ends before.
    pub(super) fn read(arguments: &Value, deadline: Duration) -> Result<Self, String> {
        let Some(command) = arguments.get("command").and_then(Value::as_str) else {
            return Err("command: expected a text".to_owned());
        };
        let seconds = match arguments.get("timeout") {
            None | Some(Value::Null) => TIMEOUT,
            Some(found) => found
                .as_f64()
                .filter(|seconds| (f64::EPSILON..=LONGEST).contains(seconds))
                .ok_or_else(|| {
                    format!(
                        "timeout: found {found}, expected a number of seconds above 0 and up to {LONGEST}"
                    )
                })?,
        };
        // An interrupt takes a moment, and the result should still be waited for.
        let latest = deadline.checked_sub(PATIENCE).filter(|left| !left.is_zero()).unwrap_or(deadline);
        Ok(Self { code: code_in(command), timeout: Duration::from_secs_f64(seconds).min(latest) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_ends_before_its_caller_stops_waiting() {
        let read = |arguments: Value| Request::read(&arguments, Duration::from_secs(60));
        let request = read(json!({"command": "```python\nx\n```"})).expect("is code");
        assert_eq!((request.code.as_str(), request.timeout), ("x\n", Duration::from_secs(20)));
        let request = read(json!({"command": "x", "timeout": 3600})).expect("is code");
        assert_eq!(request.timeout, Duration::from_secs(57), "an interrupt takes a moment");
        for (arguments, problem) in [
            (json!({}), "command: expected a text"),
            (json!({"command": "x", "timeout": 0}), "timeout: found 0, expected a number of seconds above 0"),
            (json!({"command": "x", "timeout": "9"}), "timeout: found \"9\", expected a number"),
        ] {
            let error = read(arguments).expect_err(problem);
            assert!(error.starts_with(problem), "{error}");
        }
        let required = spec("T", "Runs.").parameters["required"].clone();
        assert_eq!(required, json!(["command"]));
    }
}
