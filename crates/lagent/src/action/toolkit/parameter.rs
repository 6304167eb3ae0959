//! The parameters of a toolkit's methods and their JSON Schema.

use serde_json::{Map, Value, json};

/// One parameter as the model reads it.
#[derive(Clone, Copy, Debug)]
pub(in crate::action) struct Parameter {
    name: &'static str,
    kind: Kind,
    presence: Presence,
    description: &'static str,
}

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug)]
pub(in crate::action) enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A number with or without decimals.
    Number,
    /// True or false.
    Boolean,
    /// A list of whole numbers.
    Integers,
    /// A list of texts; a single text counts as a list of one.
    Texts,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Presence {
    Required,
    Optional,
}

/// A value that every call has.
pub(in crate::action) const fn required(
    name: &'static str,
    kind: Kind,
    description: &'static str,
) -> Parameter {
    Parameter { name, kind, presence: Presence::Required, description }
}

/// A value that a call may leave out.
pub(in crate::action) const fn optional(
    name: &'static str,
    kind: Kind,
    description: &'static str,
) -> Parameter {
    Parameter { name, kind, presence: Presence::Optional, description }
}

/// The schema of an object with these parameters.
pub(super) fn schema(parameters: &[Parameter]) -> Value {
    let properties: Map<String, Value> =
        parameters.iter().map(|parameter| (parameter.name.to_owned(), parameter.schema())).collect();
    let required = parameters.iter().filter(|parameter| parameter.presence == Presence::Required);
    let required: Vec<&str> = required.map(|parameter| parameter.name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

impl Parameter {
    fn schema(&self) -> Value {
        let description = self.description;
        match self.kind {
            Kind::Text => json!({"type": "string", "description": description}),
            Kind::Integer => json!({"type": "integer", "description": description}),
            Kind::Number => json!({"type": "number", "description": description}),
            Kind::Boolean => json!({"type": "boolean", "description": description}),
            Kind::Integers => {
                json!({"type": "array", "items": {"type": "integer"}, "description": description})
            }
            Kind::Texts => json!({"type": "array", "items": {"type": "string"}, "description": description}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_lists_what_is_required() {
        let parameters =
            [required("ids", Kind::Integers, "Numbers."), optional("k", Kind::Integer, "Count.")];
        let expected = json!({
            "type": "object",
            "properties": {
                "ids": {"type": "array", "items": {"type": "integer"}, "description": "Numbers."},
                "k": {"type": "integer", "description": "Count."},
            },
            "required": ["ids"],
        });
        assert_eq!(schema(&parameters), expected);
    }
}
