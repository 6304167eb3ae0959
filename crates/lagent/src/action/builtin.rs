//! Lagent's three tools without work: what happens when a reply contains no call, a wrong one, or the last one
//! (`builtin_actions.py`).

use serde_json::Value;

use super::{Action, ActionReturn, ActionState, ActionValid, ToolSpec};

/// What the model reads when its reply contains no call.
const NO_ACTION: &str = "Please follow the format";
/// What the model reads when there is no tool of the called name.
const INVALID_ACTION: &str = "The action is invalid, please check the action name.";

/// Answers a reply that contains no call.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAction;

/// Answers a call of a tool that does not exist.
#[derive(Clone, Copy, Debug, Default)]
pub struct InvalidAction;

/// Ends the question; its `response` is the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct FinishAction;

impl Action for NoAction {
    fn spec(&self) -> ToolSpec {
        optional_text("NoAction", "Reports that the reply contains no call.", "err_msg")
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        failure("NoAction", arguments, NO_ACTION).with_valid(ActionValid::Absent)
    }
}

impl Action for InvalidAction {
    fn spec(&self) -> ToolSpec {
        optional_text("InvalidAction", "Reports that there is no tool of the called name.", "err_msg")
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        failure("InvalidAction", arguments, INVALID_ACTION).with_valid(ActionValid::Invalid)
    }
}

impl Action for FinishAction {
    fn spec(&self) -> ToolSpec {
        ToolSpec::with_texts("FinishAction", "Ends the question with an answer.", &["response"])
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        match arguments.get("response").and_then(Value::as_str) {
            Some(answer) => {
                ActionReturn::text("FinishAction", arguments.clone(), answer).with_valid(ActionValid::Finish)
            }
            None => {
                let message = "response: expected a text".to_owned();
                ActionReturn::error("FinishAction", arguments.clone(), ActionState::ArgsError, message)
            }
        }
    }
}

/// Upstream's default text, or the one that the caller gives.
fn failure(name: &str, arguments: &Value, default: &str) -> ActionReturn {
    let message = arguments.get("err_msg").and_then(Value::as_str).unwrap_or(default);
    ActionReturn::error(name, arguments.clone(), ActionState::ApiError, message)
}

fn optional_text(name: &str, description: &str, parameter: &str) -> ToolSpec {
    let mut spec = ToolSpec::with_texts(name, description, &[parameter]);
    spec.parameters["required"] = Value::Array(Vec::new());
    spec
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_and_codes_are_lagents() {
        let value = NoAction.call(&json!({}));
        assert_eq!((value.for_model().as_str(), value.valid), (NO_ACTION, ActionValid::Absent));
        let value = InvalidAction.call(&json!({"err_msg": "no such tool"}));
        assert_eq!((value.for_model().as_str(), value.valid), ("no such tool", ActionValid::Invalid));
        let value = FinishAction.call(&json!({"response": "42"}));
        assert_eq!((value.for_model().as_str(), value.valid), ("42", ActionValid::Finish));
        assert_eq!(value.state, ActionState::Success);
        assert_eq!(FinishAction.call(&json!({})).state, ActionState::ArgsError);
    }
}
