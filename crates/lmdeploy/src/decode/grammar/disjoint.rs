//! Whether two schemas can both fit one value: `oneOf` of schemas that cannot is `anyOf`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Maximum number of references that are followed in a row.
const MAX_REFERENCES: usize = 8;

/// Whether it is certain that no value fits both schemas: other types, other constants, or objects whose common
/// required property has other constants (a discriminator).
pub(super) fn disjoint(left: &Value, right: &Value, root: &Value) -> bool {
    let (Some(left), Some(right)) = (resolved(left, root), resolved(right, root)) else { return false };
    let (left_types, right_types) = (types(left), types(right));
    if let (Some(left), Some(right)) = (&left_types, &right_types)
        && left.is_disjoint(right)
    {
        return true;
    }
    if let (Some(left), Some(right)) = (constants(left), constants(right)) {
        // 1 and 1.0 are one number.
        let same = |a: &Value, b: &Value| a == b || (a.is_number() && a.as_f64() == b.as_f64());
        return !left.iter().any(|a| right.iter().any(|b| same(a, b) || a.is_array() || a.is_object()));
    }
    let only_objects = |types: &Option<BTreeSet<&str>>| {
        types.as_ref().is_some_and(|types| types.iter().eq(["object"].iter()))
    };
    // An object and something else: that the objects differ is enough, when one side has nothing but objects.
    (only_objects(&left_types) || only_objects(&right_types)) && has_discriminator(left, right, root)
}

/// Whether a property that both require has values that exclude each other.
fn has_discriminator(left: &Map<String, Value>, right: &Map<String, Value>, root: &Value) -> bool {
    let required = |schema: &Map<String, Value>, name: &str| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    let property = |schema: &'_ Map<String, Value>, name: &str| {
        schema.get("properties").and_then(|properties| properties.get(name)).cloned()
    };
    let names = left.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    names.filter(|name| required(left, name) && required(right, name)).any(|name| {
        match (property(left, name), property(right, name)) {
            (Some(left), Some(right)) => match (resolved(&left, root), resolved(&right, root)) {
                (Some(left), Some(right)) => exclude(left, right),
                _ => false,
            },
            _ => false,
        }
    })
}

/// Whether two schemas of a property have constants or types without a common one.
fn exclude(left: &Map<String, Value>, right: &Map<String, Value>) -> bool {
    let types = match (types(left), types(right)) {
        (Some(left), Some(right)) => left.is_disjoint(&right),
        _ => false,
    };
    let constants = match (constants(left), constants(right)) {
        (Some(left), Some(right)) => {
            left.iter().chain(&right).all(|value| value.is_string())
                && !left.iter().any(|value| right.contains(value))
        }
        _ => false,
    };
    types || constants
}

/// The fields of a schema that is not a mere reference.
fn resolved<'a>(mut schema: &'a Value, root: &'a Value) -> Option<&'a Map<String, Value>> {
    for _ in 0..MAX_REFERENCES {
        let fields = schema.as_object()?;
        let Some(reference) = fields.get("$ref") else { return Some(fields) };
        let pointer = reference.as_str()?.strip_prefix('#')?;
        schema = root.pointer(pointer)?;
    }
    None
}

/// The values that a schema allows, when it lists them.
fn constants(schema: &Map<String, Value>) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(values)) => Some(values.as_array()?.iter().collect()),
        (None, None) => None,
    }
}

/// The types that a schema allows, when it says them; an integer is a number.
fn types(schema: &Map<String, Value>) -> Option<BTreeSet<&str>> {
    let named = |name: &'_ str| if name == "integer" { "number" } else { static_name(name) };
    match (schema.get("type"), constants(schema)) {
        (Some(Value::String(name)), _) => Some(BTreeSet::from([named(name)])),
        (Some(Value::Array(names)), _) => {
            names.iter().map(|name| name.as_str().map(named)).collect::<Option<BTreeSet<_>>>()
        }
        (_, Some(values)) => Some(values.into_iter().map(kind).collect()),
        _ => None,
    }
}

fn static_name(name: &str) -> &'static str {
    ["null", "boolean", "number", "string", "array", "object"]
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or("unknown")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
