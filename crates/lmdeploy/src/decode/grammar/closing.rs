//! [`close`]: objects that list their properties get no others, unless the schema says that they may.
//!
//! JSON Schema allows properties that a schema does not name. A model that is led by a grammar does not know when to
//! stop inventing them, so small models never end an object. OpenAI's strict schemas, llama.cpp and xgrammar leave them
//! out as well. A text without them is valid wherever nothing else asks for them, which is what is checked here.

use serde_json::{Map, Value};

use super::keywords::{SCHEMA, SCHEMA_MAP, SCHEMAS};

/// Keywords by which a schema says something about properties that it does not name, or about their number.
const OPEN: [&str; 6] =
    ["additionalProperties", "patternProperties", "minProperties", "maxProperties", "const", "enum"];
/// Keywords of objects, which count as one condition when a value has to meet several.
const OF_OBJECTS: [&str; 6] =
    ["properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties"];

/// Closes the objects of a schema. Parts of a combination stay open: what one part does not name, another may require.
pub(super) fn close(schema: &mut Value) {
    // What is referred to from a combination is a part of it.
    if !refers_from_combination(schema, Combined::No) {
        close_part(schema, Combined::No);
    }
}

/// Whether a value has to fit further schemas than the one that is looked at.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Combined {
    Yes,
    No,
}

impl Combined {
    /// The same for what is inside of a schema.
    fn within(self, fields: &Map<String, Value>) -> Self {
        let has = |key: &str| fields.contains_key(key);
        let all = fields.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
        let own = usize::from(OF_OBJECTS.iter().any(|key| has(key)));
        let others = ["anyOf", "oneOf", "$ref"].into_iter().filter(|key| has(key)).count();
        // A property may have to fit its own schema and that of a pattern.
        let is_patterned = has("properties") && has("patternProperties");
        if own + all + others > 1 || is_patterned { Self::Yes } else { self }
    }
}

fn close_part(schema: &mut Value, combined: Combined) {
    let Value::Object(fields) = schema else { return };
    let combined = combined.within(fields);
    for (key, value) in fields.iter_mut() {
        for part in parts_mut(key, value) {
            close_part(part, combined);
        }
    }
    if combined == Combined::No && is_closable(fields) {
        fields.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

fn refers_from_combination(schema: &Value, combined: Combined) -> bool {
    let Value::Object(fields) = schema else { return false };
    let combined = combined.within(fields);
    let refers = combined == Combined::Yes && fields.contains_key("$ref");
    refers || parts(fields).any(|part| refers_from_combination(part, combined))
}

/// Whether nothing is lost: the object lists its properties, among them all that it requires.
fn is_closable(fields: &Map<String, Value>) -> bool {
    let Some(Value::Object(properties)) = fields.get("properties") else { return false };
    let mut required = fields.get("required").and_then(Value::as_array).into_iter().flatten();
    !OPEN.iter().any(|key| fields.contains_key(*key))
        && required.all(|name| name.as_str().is_some_and(|name| properties.contains_key(name)))
}

/// The schemas directly inside of a schema.
fn parts(fields: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    fields.iter().flat_map(|(key, value)| parts_of(key, value))
}

/// The schemas that one keyword has.
fn parts_of<'v>(key: &str, value: &'v Value) -> Vec<&'v Value> {
    match value {
        Value::Array(list) if SCHEMAS.contains(&key) => list.iter().collect(),
        Value::Object(map) if SCHEMA_MAP.contains(&key) => map.values().collect(),
        value if SCHEMA.contains(&key) => vec![value],
        _ => Vec::new(),
    }
}

/// The same, to be changed.
fn parts_mut<'v>(key: &str, value: &'v mut Value) -> Vec<&'v mut Value> {
    if SCHEMAS.contains(&key) && value.is_array() {
        value.as_array_mut().into_iter().flatten().collect()
    } else if SCHEMA_MAP.contains(&key) && value.is_object() {
        value.as_object_mut().into_iter().flat_map(Map::values_mut).collect()
    } else if SCHEMA.contains(&key) {
        vec![value]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn closed(mut schema: Value) -> Value {
        close(&mut schema);
        schema
    }

    #[test]
    fn objects_that_list_their_properties_are_closed_at_every_depth() {
        let inner = json!({"type": "object", "properties": {"b": {}}, "required": ["b"]});
        let schema = json!({"properties": {"a": {"items": inner}, "c": {"anyOf": [{"$ref": "#/$defs/d"}, inner]}},
            "$defs": {"d": inner}});
        let inner = json!({"type": "object", "properties": {"b": {}}, "required": ["b"],
            "additionalProperties": false});
        let expected = json!({"properties": {"a": {"items": inner}, "c": {"anyOf": [{"$ref": "#/$defs/d"}, inner]}},
            "$defs": {"d": inner}, "additionalProperties": false});
        assert_eq!(closed(schema), expected);
        let single = json!({"properties": {"a": {"allOf": [{"$ref": "#/$defs/d"}], "default": 1}},
            "$defs": {"d": {"properties": {}}}});
        assert_eq!(closed(single)["$defs"]["d"]["additionalProperties"], false, "nothing is combined");
    }

    #[test]
    fn what_something_else_may_ask_for_stays_open() {
        let object = json!({"properties": {"a": {}}});
        for schema in [
            json!({"type": "object"}),
            json!({"properties": {"a": {}}, "additionalProperties": true}),
            json!({"properties": {"a": {}}, "additionalProperties": {"type": "null"}}),
            json!({"properties": {"a": {}}, "patternProperties": {"^x": {}}}),
            json!({"properties": {"a": {}}, "required": ["a", "b"]}),
            json!({"properties": {"a": {}}, "minProperties": 1}),
            json!({"allOf": [object, {"properties": {"b": object}}]}),
            json!({"properties": {"a": {}}, "anyOf": [object, {"required": ["a"]}]}),
            json!({"allOf": [{"$ref": "#/$defs/x"}, {"required": ["b"]}], "$defs": {"x": object}}),
            json!({"$ref": "#/$defs/x", "properties": {"b": {}}, "$defs": {"x": object}}),
        ] {
            assert_eq!(closed(schema.clone()), schema);
        }
    }
}
