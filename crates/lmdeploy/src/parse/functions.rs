//! [`Functions`]: the functions that a request offers, and of which types their arguments are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{compact, quoted};
use crate::protocol::ToolDefinition;

/// How many references and alternatives of a schema are followed.
const MAX_DEPTH: usize = 8;

/// The functions that a request offers: names, and schemas of their arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Functions(BTreeMap<String, Value>);

impl Functions {
    /// The functions of a list of tools.
    #[must_use]
    pub fn of(tools: &[ToolDefinition]) -> Self {
        let schema = |tool: &ToolDefinition| tool.function.parameters().cloned().unwrap_or_default();
        Self(tools.iter().map(|tool| (tool.function.name().to_owned(), schema(tool))).collect())
    }

    /// Whether `name` is one of them.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether nothing is offered.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The types that argument `key` of `function` may have.
    pub(super) fn kinds(&self, function: &str, key: &str) -> Kinds {
        let schema = self.0.get(function);
        let property = schema.and_then(|schema| {
            let property = schema.get("properties").and_then(|properties| properties.get(key));
            property.or_else(|| schema.get("additionalProperties"))
        });
        let found = schema.zip(property).map(|(root, property)| kinds(property, root, 0));
        found.filter(|kinds| *kinds != Kinds::NOTHING).unwrap_or(Kinds::ANY)
    }
}

/// Types of JSON values, as a set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Kinds(u8);

impl Kinds {
    const NOTHING: Self = Self(0);
    pub(super) const TEXT: Self = Self(1);
    const NUMBER: Self = Self(2);
    const BOOLEAN: Self = Self(4);
    const NULL: Self = Self(8);
    const OBJECT: Self = Self(16);
    const LIST: Self = Self(32);
    /// All of them: the schema does not say.
    pub(super) const ANY: Self = Self(63);

    fn named(name: &str) -> Self {
        match name {
            "string" => Self::TEXT,
            "number" | "integer" => Self::NUMBER,
            "boolean" => Self::BOOLEAN,
            "null" => Self::NULL,
            "object" => Self::OBJECT,
            "array" => Self::LIST,
            _ => Self::NOTHING,
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::String(_) => Self::TEXT,
            Value::Number(_) => Self::NUMBER,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Null => Self::NULL,
            Value::Object(_) => Self::OBJECT,
            Value::Array(_) => Self::LIST,
        }
    }

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether a value is text whatever it looks like, so that it is known character by character.
    pub(super) fn is_text(self) -> bool {
        self == Self::TEXT
    }

    /// A value, which the model wrote without quotes, as JSON: one of the other types when it reads as that, else text.
    /// Models also write Python's names of truth values and null.
    pub(super) fn json(self, text: &str) -> String {
        let word = match text.trim() {
            "True" if self.has(Self::BOOLEAN) => "true",
            "False" if self.has(Self::BOOLEAN) => "false",
            "None" if self.has(Self::NULL) => "null",
            other => other,
        };
        let fits = |json: &String| {
            let kind = match json.bytes().next() {
                Some(b'{') => Self::OBJECT,
                Some(b'[') => Self::LIST,
                Some(b't' | b'f') => Self::BOOLEAN,
                Some(b'n') => Self::NULL,
                // Quotes are not part of the format: they are characters of the text.
                Some(b'"') | None => Self::NOTHING,
                Some(_) => Self::NUMBER,
            };
            self.has(kind)
        };
        compact(word).filter(fits).unwrap_or_else(|| quoted(text))
    }
}

/// The types that a schema allows; nothing when it does not say.
fn kinds(schema: &Value, root: &Value, depth: usize) -> Kinds {
    if depth > MAX_DEPTH {
        return Kinds::ANY;
    }
    let all = |list: &Value, kind: &dyn Fn(&Value) -> Kinds| {
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().map(kind).fold(Kinds::NOTHING, Kinds::with)
    };
    let name = |name: &Value| name.as_str().map_or(Kinds::NOTHING, Kinds::named);
    let inner = |schema: &Value| match kinds(schema, root, depth + 1) {
        Kinds::NOTHING => Kinds::ANY,
        found => found,
    };
    let found = match (schema.get("type"), schema.get("enum"), schema.get("const")) {
        (Some(Value::String(one)), ..) => Kinds::named(one),
        (Some(list), ..) => all(list, &name),
        (None, Some(list), _) => all(list, &Kinds::of),
        (None, None, Some(value)) => Kinds::of(value),
        (None, None, None) => Kinds::NOTHING,
    };
    if found != Kinds::NOTHING {
        return found;
    }
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
    if let Some(target) = target.and_then(|path| root.pointer(path)) {
        return kinds(target, root, depth + 1);
    }
    let of = |key: &str| schema.get(key).map_or(Kinds::NOTHING, |list| all(list, &inner));
    of("anyOf").with(of("oneOf")).with(of("allOf"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_have_the_types_of_their_schema() {
        for (schema, text, expected) in [
            (json!({"type": "string"}), "5", "\"5\""),
            (json!({"type": "integer"}), " 5 ", "5"),
            (json!({"type": "number"}), "12345678901234567890.10", "12345678901234567890.10"),
            (json!({"type": "number"}), "five", "\"five\""),
            (json!({"type": "boolean"}), "True", "true"),
            (json!({"type": ["string", "null"]}), "None", "null"),
            (json!({"type": "string"}), "None", "\"None\""),
            (json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}), "null", "null"),
            (json!({"$ref": "#/$defs/list"}), "[1, \"a b\"]", "[1,\"a b\"]"),
            (json!({"enum": ["1", "2"]}), "1", "\"1\""),
            (json!({"type": "object"}), "{\"a\": }", "\"{\\\"a\\\": }\""),
            (json!({}), "{\"a\": 1}", "{\"a\":1}"),
            (json!({}), "\"a\"", "\"\\\"a\\\"\""),
        ] {
            let root = json!({"properties": {"x": schema}, "$defs": {"list": {"type": "array"}}});
            let functions = Functions::of(&[ToolDefinition::function("f", "", root)]);
            let kinds = functions.kinds("f", "x");
            assert_eq!(kinds.json(text), expected, "{schema}");
            assert_eq!(kinds.is_text(), !kinds.has(Kinds(!Kinds::TEXT.0)), "{schema}");
        }
        assert_eq!(Functions::default().kinds("f", "x"), Kinds::ANY);
    }
}
