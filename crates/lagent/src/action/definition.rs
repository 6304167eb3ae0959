//! The definition of a tool as the model reads it, and the check of a call's arguments against it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::literal::read_literal;
use crate::python_text::python_set;

/// How a model writes the input of a call. Corresponds to lagent's argument parsers.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolInput {
    /// A JSON object that holds every argument (`JsonParser`).
    #[default]
    Json,
    /// The only required argument, written without quotes (`BaseParser`).
    Text,
    /// A Python tuple of the arguments in their order (`TupleParser`).
    Tuple,
}

impl ToolInput {
    fn is_json(&self) -> bool {
        *self == Self::Json
    }
}

/// Name, purpose and parameters of a tool.
///
/// Models are trained on the serialized text, so the order of the fields matters.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ToolSpec {
    /// The name that calls use; a toolkit's tools are named `Toolkit.method`.
    pub name: String,
    /// One sentence that tells the model when to call the tool.
    pub description: String,
    /// JSON Schema of the arguments; its type is always `object`.
    pub parameters: Value,
    /// How calls are written in plain-text protocols such as ReAct. Not serialized when it is JSON.
    #[serde(default, skip_serializing_if = "ToolInput::is_json")]
    pub input: ToolInput,
}

impl ToolSpec {
    /// Creates a tool whose parameters are all required and all text.
    #[must_use]
    pub fn with_texts(name: &str, description: &str, parameters: &[&str]) -> Self {
        let properties: serde_json::Map<String, Value> =
            parameters.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            parameters: json!({"type": "object", "properties": properties, "required": parameters}),
            input: ToolInput::Json,
        }
    }

    /// Turns the input of a call into an object of arguments: a bare text becomes the value of the only
    /// required parameter.
    #[must_use]
    pub fn arguments(&self, given: Value) -> Value {
        match (&given, self.required().as_slice()) {
            (Value::String(_), [name]) => json!({ *name: given }),
            _ => given,
        }
    }

    /// Reads the input of a call as this tool's parser of lagent does, which is stricter than
    /// [`ToolSpec::arguments`], and checks it.
    ///
    /// # Errors
    /// Lagent's error message (`parser.py`).
    pub fn parse(&self, input: &str) -> Result<Value, String> {
        let arguments = match self.input {
            ToolInput::Json => {
                let text = unfenced(input);
                serde_json::from_str(text).map_err(|_| format!("invalid json format: {text}"))?
            }
            ToolInput::Text => match self.names().first() {
                Some(name) => json!({ *name: input }),
                None => json!({}),
            },
            ToolInput::Tuple => self.tuple(input)?,
        };
        self.argument_error(&arguments).map_or(Ok(arguments), Err)
    }

    /// Pairs the values of a tuple with the parameters.
    fn tuple(&self, input: &str) -> Result<Value, String> {
        let values = match read_literal(input) {
            Some((Value::Array(values), rest)) if rest.trim().is_empty() => values,
            Some((value, rest)) if rest.trim().is_empty() => vec![value],
            _ => return Err(format!("invalid tuple format: {input}")),
        };
        let (names, given) = (self.names(), values.len());
        let required = self.required().len();
        if given < required {
            let message = "required positional arguments but";
            return Err(format!("API takes {required} {message} {given} were given"));
        }
        if given > names.len() {
            return Err(format!("API takes {} positional arguments but {given} were given", names.len()));
        }
        Ok(names.into_iter().map(str::to_owned).zip(values).collect())
    }

    /// Names of all parameters in the schema's order.
    fn names(&self) -> Vec<&str> {
        let properties = self.parameters.get("properties").and_then(Value::as_object);
        properties.map(|properties| properties.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// Checks the arguments of a call and returns lagent's error message (`parser.py`), or `None` when they
    /// fit. Types are not checked here; each tool does that itself.
    #[must_use]
    pub fn argument_error(&self, arguments: &Value) -> Option<String> {
        let Value::Object(given) = arguments else {
            return Some(format!("invalid json format: {arguments}"));
        };
        let known = self.parameters.get("properties").and_then(Value::as_object);
        let unknown: Vec<&str> = given
            .keys()
            .map(String::as_str)
            .filter(|name| known.is_none_or(|known| !known.contains_key(*name)))
            .collect();
        if !unknown.is_empty() {
            return Some(format!("unknown arguments: {}", python_set(&unknown)));
        }
        let missing: Vec<&str> =
            self.required().into_iter().filter(|name| !given.contains_key(*name)).collect();
        (!missing.is_empty()).then(|| format!("missing required arguments: {}", python_set(&missing)))
    }

    /// Returns the names of the required parameters in the schema's order.
    #[must_use]
    pub fn required(&self) -> Vec<&str> {
        let required = self.parameters.get("required").and_then(Value::as_array);
        required.map(|names| names.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }
}

/// The JSON inside a fence that ends the input, as upstream's pattern takes it.
fn unfenced(input: &str) -> &str {
    let Some(inside) = input.trim_end().strip_suffix("\n```") else { return input };
    let inside = inside.trim_start();
    inside.strip_prefix("```json\n").unwrap_or(inside).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_lagents() {
        let tool = ToolSpec::with_texts("T", "d", &["a", "b"]);
        let error = |arguments| tool.argument_error(&arguments);
        assert_eq!(error(json!({"a": 1, "b": 2})), None);
        assert_eq!(error(json!({"a": 1, "b": 2, "c": 3})).as_deref(), Some("unknown arguments: {'c'}"));
        assert_eq!(error(json!({"a": 1})).as_deref(), Some("missing required arguments: {'b'}"));
        assert_eq!(error(json!("x")).as_deref(), Some("invalid json format: \"x\""));
    }
    #[test]
    fn inputs_are_read_by_the_parser_of_the_tool() {
        let mut tool = ToolSpec::with_texts("T", "d", &["a", "b"]);
        tool.parameters["required"] = json!(["a"]);
        let fenced = "```json\n{\"a\": 1}\n```\n";
        assert_eq!(tool.parse(fenced), Ok(json!({"a": 1})));
        assert_eq!(tool.parse("{"), Err("invalid json format: {".to_owned()));
        assert_eq!(tool.parse("{}"), Err("missing required arguments: {'a'}".to_owned()));
        tool.input = ToolInput::Tuple;
        assert_eq!(tool.parse("('x', 2)"), Ok(json!({"a": "x", "b": 2})));
        assert_eq!(tool.parse("('x',)"), Ok(json!({"a": "x"})));
        assert_eq!(tool.parse("x y"), Err("invalid tuple format: x y".to_owned()));
        let error = tool.parse("()").expect_err("too few");
        assert_eq!(error, "API takes 1 required positional arguments but 0 were given");
        let error = tool.parse("(1, 2, 3)").expect_err("too many");
        assert_eq!(error, "API takes 2 positional arguments but 3 were given");
        tool.input = ToolInput::Text;
        assert_eq!(tool.parse("x y"), Ok(json!({"a": "x y"})));
    }
}
