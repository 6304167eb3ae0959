//! [`PluginCall`]: the one encoder and the one strict decoder of what is between the marks of a plugin call.

use serde_json::{Map, Value, json};

use super::{Channel, ToolCall, python_json};

/// The shape that a call must have, for messages to people and to models.
const SHAPE: &str = r#"expected {"name": .., "parameters": {..}}"#;

/// A call of a function with JSON arguments.
///
/// ```
/// use internlm_model::chat::PluginCall;
///
/// let call = PluginCall::parse(r#"{"name": "add", "parameters": {"a": 1}}"#)?;
/// assert_eq!((call.name.as_str(), call.arguments["a"].as_u64()), ("add", Some(1)));
/// assert_eq!(call.body(), r#"{"name": "add", "parameters": {"a": 1}}"#);
/// # Ok::<(), internlm_model::chat::CallProblem>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PluginCall {
    /// Name of the function, as the model wrote it; not checked against the declared tools.
    pub name: String,
    /// Its arguments, in the order in which they were written.
    pub arguments: Map<String, Value>,
}

/// Why a text is not a plugin call. The messages are made to be read by a model that is asked to try again.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallProblem {
    /// The text is not JSON.
    #[error("the call is not valid JSON ({message}); {SHAPE}")]
    NotJson {
        /// Message of the JSON parser, with line and column.
        message: String,
    },
    /// JSON of another kind.
    #[error("the call is {found}, not an object; {SHAPE}")]
    NotAnObject {
        /// The kind of JSON that was found: `a list`.
        found: &'static str,
    },
    /// `name` is missing or not a string.
    #[error("the call has no name; {SHAPE}")]
    NoName,
    /// The name is a mark of the chat format, which stands for a channel in OpenAI's form.
    #[error("the name of the call is {name}, which is a mark of the chat format; {SHAPE}")]
    MarkAsName {
        /// The mark that was found, such as `<|interpreter|>`.
        name: &'static str,
    },
    /// The arguments are JSON of another kind.
    #[error("the parameters are not an object but {found}; {SHAPE}")]
    Parameters {
        /// The kind of JSON that was found: `a list`.
        found: &'static str,
    },
    /// `parameters` and `arguments` stand side by side, and nobody can tell which is meant.
    #[error("the call has both parameters and arguments; {SHAPE}")]
    Ambiguous,
}

impl PluginCall {
    /// A call of `name`.
    #[must_use]
    pub fn new(name: impl Into<String>, arguments: Map<String, Value>) -> Self {
        Self { name: name.into(), arguments }
    }

    /// Decodes the body of a call: an object with `name` and, under `parameters`, an object of arguments.
    ///
    /// Models that were trained on other formats say `arguments`; that is taken too. Absent and null parameters are
    /// an empty object. Other keys are ignored.
    ///
    /// # Errors
    /// A [`CallProblem`] for everything else.
    pub fn parse(body: &str) -> Result<Self, CallProblem> {
        let body: Value = serde_json::from_str(body.trim())
            .map_err(|error| CallProblem::NotJson { message: error.to_string() })?;
        let Value::Object(mut body) = body else {
            return Err(CallProblem::NotAnObject { found: kind(&body) });
        };
        let Some(Value::String(name)) = body.remove("name") else { return Err(CallProblem::NoName) };
        if let Some(channel) = Channel::of_mark(&name) {
            return Err(CallProblem::MarkAsName { name: channel.name() });
        }
        let arguments = match (body.remove("parameters"), body.remove("arguments")) {
            (Some(_), Some(_)) => return Err(CallProblem::Ambiguous),
            (Some(arguments), None) | (None, Some(arguments)) => arguments,
            (None, None) => Value::Null,
        };
        match arguments {
            Value::Object(arguments) => Ok(Self { name, arguments }),
            Value::Null => Ok(Self { name, arguments: Map::new() }),
            other => Err(CallProblem::Parameters { found: kind(&other) }),
        }
    }

    /// Encodes the call as the model writes it between the marks.
    #[must_use]
    pub fn body(&self) -> String {
        python_json(&json!({"name": self.name, "parameters": self.arguments}))
    }
}

impl From<PluginCall> for ToolCall {
    fn from(call: PluginCall) -> Self {
        Self::new(Channel::Plugin, call.body())
    }
}

/// The kind of a JSON value with its article, for messages: `a list`.
#[must_use]
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_keep_their_order_and_may_be_absent_null_or_called_arguments() {
        let arguments = |body: &str| {
            let call = PluginCall::parse(body).expect("is a call");
            python_json(&Value::Object(call.arguments))
        };
        assert_eq!(
            arguments("\n{\"name\": \"f\", \"parameters\": {\"b\": 1, \"a\": 2}}\n"),
            r#"{"b": 1, "a": 2}"#
        );
        assert_eq!(arguments(r#"{"arguments": {"b": 1}, "name": "f", "id": 7}"#), r#"{"b": 1}"#);
        for body in [r#"{"name": "f"}"#, r#"{"name": "f", "parameters": null}"#] {
            assert_eq!(arguments(body), "{}", "{body}");
        }
    }

    #[test]
    fn everything_else_has_its_problem() {
        let list = CallProblem::Parameters { found: "a list" };
        let text = CallProblem::Parameters { found: "a string" };
        let cases = [
            (r#"[{"name": "f"}]"#, CallProblem::NotAnObject { found: "a list" }),
            (r#""f""#, CallProblem::NotAnObject { found: "a string" }),
            (r#"{"parameters": {}}"#, CallProblem::NoName),
            (r#"{"name": 3, "parameters": {}}"#, CallProblem::NoName),
            (r#"{"name": "<|plugin|>"}"#, CallProblem::MarkAsName { name: "<|plugin|>" }),
            (r#"{"name": "f", "parameters": [1]}"#, list),
            (r#"{"name": "f", "parameters": "{\"a\": 1}"}"#, text),
            (r#"{"name": "f", "parameters": {}, "arguments": {}}"#, CallProblem::Ambiguous),
        ];
        for (body, problem) in cases {
            assert_eq!(PluginCall::parse(body).expect_err(body), problem, "{body}");
        }
        for body in ["", "print(1)", "{\"name\": \"f\"", "{} {}"] {
            let problem = PluginCall::parse(body).expect_err(body);
            assert!(matches!(problem, CallProblem::NotJson { .. }), "{body}: {problem}");
            assert!(problem.to_string().ends_with(SHAPE), "{problem}");
        }
    }
}
