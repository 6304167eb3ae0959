//! `InternLmActionProcessor`: turns what a parser made of a reply into a call (lagent's
//! `InternLMActionProcessor`, `lagent/hooks/action_preprocessor.py`).

use serde_json::{Value, json};

use super::{Hook, PendingAction, Refusal};

/// Turns the two forms of a parsed action into the name and the arguments of a tool.
///
/// A text is code and becomes a call of the interpreter; `{"name": .., "parameters": ..}` becomes a call of that
/// plugin. Arguments in every other form are left alone.
///
/// ```
/// use lagent::hook::{Hook, InternLmActionProcessor, PendingAction};
/// use serde_json::json;
///
/// let hook = InternLmActionProcessor::new("IPythonInterpreter");
/// let mut action = PendingAction::new("", 1, "interpreter", json!("print(1)"));
/// hook.before_action(&mut action).expect("refuses nothing");
/// assert_eq!(action.name, "IPythonInterpreter");
/// assert_eq!(action.args, json!({"command": "print(1)"}));
/// ```
#[derive(Clone, Debug)]
pub struct InternLmActionProcessor {
    interpreter: String,
    code_parameter: String,
}

impl InternLmActionProcessor {
    /// Creates a processor that gives code to the tool `interpreter` in its parameter `command`.
    #[must_use]
    pub fn new(interpreter: impl Into<String>) -> Self {
        Self { interpreter: interpreter.into(), code_parameter: "command".to_owned() }
    }

    /// Replaces the name of the parameter that receives the code.
    #[must_use]
    pub fn with_code_parameter(self, code_parameter: impl Into<String>) -> Self {
        Self { code_parameter: code_parameter.into(), ..self }
    }
}

impl Hook for InternLmActionProcessor {
    fn before_action(&self, action: &mut PendingAction) -> Result<(), Refusal> {
        match &action.args {
            Value::String(code) => {
                let args = json!({ self.code_parameter.as_str(): code });
                action.name.clone_from(&self.interpreter);
                action.args = args;
            }
            Value::Object(fields) if fields.len() == 2 => {
                if let (Some(Value::String(name)), Some(parameters)) =
                    (fields.get("name"), fields.get("parameters"))
                {
                    let (name, parameters) = (name.clone(), parameters.clone());
                    (action.name, action.args) = (name, parameters);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
