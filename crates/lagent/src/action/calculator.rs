//! `Calculator`: takes an arithmetic expression and returns its exact value.

use serde_json::Value;

use super::{Action, ActionReturn, ActionState, ToolSpec, evaluate};

/// Lagent's calculator. Upstream evaluates with `sympy`; here [`evaluate`] computes with exact fractions,
/// functions and units.
///
/// ```
/// use lagent::action::{Action, Calculator};
/// let value = Calculator.call(&serde_json::json!({"expression": "12 * 34"}));
/// assert_eq!(value.for_model(), "408");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Calculator;

impl Action for Calculator {
    fn spec(&self) -> ToolSpec {
        // The fine-tuning data contains exactly this definition, so a change here makes the model worse.
        ToolSpec::with_texts("Calculator", "Evaluates an arithmetic expression.", &["expression"])
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        let kind = "Calculator";
        let fail = |state, message: String| ActionReturn::error(kind, arguments.clone(), state, message);
        let Some(expression) = arguments.get("expression").and_then(Value::as_str) else {
            return fail(ActionState::ArgsError, "expression: expected a text".to_owned());
        };
        match evaluate(expression) {
            Ok(value) => ActionReturn::text(kind, arguments.clone(), value.to_string()),
            Err(error) => fail(ActionState::ApiError, format!("error: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_the_text_of_fine_tuning() {
        let text = serde_json::to_string(&Calculator.spec()).expect("serializes");
        let expected = r#"{"name":"Calculator","description":"Evaluates an arithmetic expression.","parameters":{"type":"object","properties":{"expression":{"type":"string"}},"required":["expression"]}}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn an_error_is_an_error_and_not_a_result() {
        let value = Calculator.call(&serde_json::json!({"expression": "1 / 0"}));
        assert_eq!(value.state, ActionState::ApiError);
        assert_eq!(value.for_model(), "error: position 3: division by zero");
    }
}
