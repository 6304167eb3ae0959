//! The definition of a tool from the struct of its arguments, and the call that reads them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Outcome;
use crate::action::{ActionReturn, ActionState, ToolInput, ToolSpec};

/// The parts of a schema that a definition keeps; the rest names types of Rust.
const PARTS: [&str; 3] = ["properties", "required", "$defs"];

/// Returns the definition of a tool whose arguments are the fields of `T`.
#[must_use]
pub fn spec<T: JsonSchema>(name: &str, description: &str) -> ToolSpec {
    // Models read a schema from top to bottom, so types are where they are used.
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    without_widths(&mut schema);
    let mut parameters = json!({"type": "object", "properties": {}, "required": []});
    for part in PARTS {
        if let Some(value) = schema.get(part) {
            parameters[part] = value.clone();
        }
    }
    let (name, description) = (name.to_owned(), description.to_owned());
    ToolSpec { name, description, parameters, input: ToolInput::Json }
}

/// Removes formats of numbers, such as `uint32`: they say nothing that the limits do not say, and some servers refuse
/// those that JSON Schema does not define.
fn without_widths(schema: &mut Schema) {
    let is_number = |kind: &Value| kind == "integer" || kind == "number";
    let has_number = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_number),
        Some(kind) => is_number(kind),
        None => false,
    };
    if has_number && let Some(parts) = schema.as_object_mut() {
        parts.retain(|name, _| name != "format");
    }
    transform_subschemas(&mut without_widths, schema);
}

/// Reads the arguments of a call and runs the tool with them. What does not fit is answered with an error that names
/// the argument; a panic of the tool is answered with an error, too.
pub fn call<T: DeserializeOwned>(
    spec: &ToolSpec,
    arguments: &Value,
    run: impl FnOnce(T) -> Outcome,
) -> ActionReturn {
    let refuse = |message: String| {
        ActionReturn::error(spec.name.as_str(), arguments.clone(), ActionState::ArgsError, message)
    };
    if let Some(message) = spec.argument_error(arguments) {
        return refuse(message);
    }
    let given: T = match serde_path_to_error::deserialize(arguments) {
        Ok(given) => given,
        Err(error) => return refuse(error.to_string()),
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| run(given)));
    let outcome = outcome.unwrap_or_else(|_| Outcome::Failed("the tool panicked".to_owned()));
    outcome.into_return(&spec.name, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since the start.
    #[derive(serde::Deserialize, JsonSchema)]
    struct Arguments {
        /// Width in pixels.
        width: u8,
        scale: Option<f64>,
        points: Vec<Point>,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    struct Point {
        x: i64,
    }

    #[test]
    fn definitions_are_inline_and_have_no_widths() {
        let spec = spec::<Arguments>("T", "d");
        let expected = json!({
            "type": "object",
            "properties": {
                "width": {"type": "integer", "minimum": 0, "maximum": 255, "description": "Width in pixels."},
                "scale": {"type": ["number", "null"]},
                "points": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
                },
            },
            "required": ["width", "points"],
        });
        assert_eq!(spec.parameters, expected);
        assert_eq!((spec.name.as_str(), spec.description.as_str()), ("T", "d"));
    }

    #[test]
    fn what_does_not_fit_is_named_and_does_not_run() {
        let spec = spec::<Arguments>("T", "d");
        let run = |arguments: Value| {
            let value = call(&spec, &arguments, |given: Arguments| {
                assert!(given.scale.is_none(), "scale is for panics");
                Outcome::from(json!(i64::from(given.width) + given.points[0].x))
            });
            (i32::from(value.state), value.for_model())
        };
        for (arguments, expected) in [
            (json!({"width": 2, "points": [{"x": 3}]}), (0, "5")),
            (json!({"width": 2}), (-1001, "missing required arguments: {'points'}")),
            (json!({"width": 2, "points": [], "z": 1}), (-1001, "unknown arguments: {'z'}")),
            (json!({"width": "2", "points": []}), (-1001, "width: invalid type: string \"2\", expected u8")),
            (
                json!({"width": 2, "points": [{"x": 1}, {"x": null}]}),
                (-1001, "points[1].x: invalid type: null, expected i64"),
            ),
            (json!({"width": 2, "scale": 0.5, "points": []}), (-1002, "the tool panicked")),
        ] {
            assert_eq!(run(arguments), (expected.0, expected.1.to_owned()));
        }
    }
}
