//! The parameters of a tool as a table of rows, and their JSON Schema.

use serde_json::{Map, Value, json};

/// One parameter as the model reads it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    name: &'static str,
    kind: Kind,
    presence: Presence,
    description: &'static str,
}

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Any text, such as the path of a file.
    Text,
    /// A whole number.
    Integer,
    /// A number with or without decimals.
    Number,
    /// True or false.
    Boolean,
    /// A list of whole numbers.
    Integers,
    /// A list of texts.
    Texts,
    /// One of a few texts.
    Choice(&'static [&'static str]),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Presence {
    Required,
    Optional,
}

/// A text that every call has.
pub(super) const fn text(name: &'static str, description: &'static str) -> Parameter {
    required(name, Kind::Text, description)
}

/// A value that every call has.
pub(super) const fn required(name: &'static str, kind: Kind, description: &'static str) -> Parameter {
    Parameter { name, kind, presence: Presence::Required, description }
}

/// A value that a call may leave out; the description says what happens then.
pub(super) const fn optional(name: &'static str, kind: Kind, description: &'static str) -> Parameter {
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
        let list =
            |items: &str| json!({"type": "array", "items": {"type": items}, "description": description});
        match self.kind {
            Kind::Text => json!({"type": "string", "description": description}),
            Kind::Integer => json!({"type": "integer", "description": description}),
            Kind::Number => json!({"type": "number", "description": description}),
            Kind::Boolean => json!({"type": "boolean", "description": description}),
            Kind::Integers => list("integer"),
            Kind::Texts => list("string"),
            Kind::Choice(values) => json!({"type": "string", "enum": values, "description": description}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_lists_what_is_required() {
        let parameters = [
            text("image", "Path."),
            optional("kind", Kind::Choice(&["a", "b"]), "Kind. Default: a."),
            required("ids", Kind::Integers, "Numbers."),
            optional("k", Kind::Integer, "Count."),
        ];
        let expected = json!({
            "type": "object",
            "properties": {
                "image": {"type": "string", "description": "Path."},
                "kind": {"type": "string", "enum": ["a", "b"], "description": "Kind. Default: a."},
                "ids": {"type": "array", "items": {"type": "integer"}, "description": "Numbers."},
                "k": {"type": "integer", "description": "Count."},
            },
            "required": ["image", "ids"],
        });
        assert_eq!(schema(&parameters), expected);
    }
}
