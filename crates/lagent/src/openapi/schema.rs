//! Schemas of OpenAPI 3.0 and 3.1 as self-contained JSON Schema that a model reads.
//!
//! References are replaced by what they name. A schema that contains itself, or that is too large for a prompt, is
//! cut: what is missing may then have any value, and the service judges it.

use serde_json::{Map, Value, json};

use super::document::Node;

/// Maximum number of schemas of one tool.
const NODES: usize = 200;
/// Maximum number of references inside of each other.
const DEPTH: usize = 8;
/// Maximum length of the description of one value, characters.
const DESCRIPTION: usize = 300;

/// Keywords that are copied as they are.
const COPIED: &[&str] = &[
    "type",
    "format",
    "enum",
    "const",
    "default",
    "required",
    "pattern",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

/// Makes the schemas of one tool, which share one budget.
#[derive(Debug)]
pub(super) struct Schemas<'a> {
    left: usize,
    /// Targets of the references around the current schema.
    open: Vec<&'a Value>,
}

impl<'a> Schemas<'a> {
    /// A fresh budget for one tool.
    pub(super) fn new() -> Self {
        Self { left: NODES, open: Vec::new() }
    }

    /// The schema of a value that is sent.
    pub(super) fn plain(&mut self, node: Node<'a>) -> Value {
        if node.value.get("$ref").is_some_and(Value::is_string) {
            return self.referred(node);
        }
        match node.value {
            Value::Bool(false) => json!({"not": {}}),
            Value::Object(_) if self.left == 0 => cut(node),
            Value::Object(_) => {
                self.left -= 1;
                self.object(node)
            }
            _ => json!({}),
        }
    }

    fn referred(&mut self, node: Node<'a>) -> Value {
        let Ok(target) = node.resolved() else { return json!({}) };
        let is_open = self.open.iter().any(|open| std::ptr::eq(*open, target.value));
        let mut schema = if is_open || self.open.len() >= DEPTH {
            cut(target)
        } else {
            self.open.push(target.value);
            let schema = self.plain(target);
            self.open.pop();
            schema
        };
        if let (Some(schema), Some(text)) = (schema.as_object_mut(), node.text("description")) {
            schema.insert("description".to_owned(), Value::String(shortened(text, DESCRIPTION)));
        }
        schema
    }

    fn object(&mut self, node: Node<'a>) -> Value {
        let mut schema = Map::new();
        let mut hidden = Vec::new();
        for (name, field) in node.fields() {
            let value = match name {
                "description" => field.value.as_str().map(|text| Value::String(shortened(text, DESCRIPTION))),
                "properties" => {
                    let properties = field.fields().filter(|(_, property)| !is_read_only(*property));
                    hidden = field
                        .fields()
                        .filter(|(_, property)| is_read_only(*property))
                        .map(|(name, _)| name)
                        .collect();
                    Some(properties.map(|(name, property)| (name.to_owned(), self.plain(property))).collect())
                }
                "patternProperties" => Some(
                    field.fields().map(|(name, property)| (name.to_owned(), self.plain(property))).collect(),
                ),
                "items" | "additionalProperties" | "not" => Some(match field.value {
                    Value::Bool(flag) => Value::Bool(*flag),
                    _ => self.plain(field),
                }),
                "allOf" | "anyOf" | "oneOf" | "prefixItems" => self.alternatives(node, name),
                "exclusiveMinimum" | "exclusiveMaximum" => {
                    field.value.is_number().then(|| field.value.clone())
                }
                name if COPIED.contains(&name) => Some(field.value.clone()),
                _ => None,
            };
            if let Some(value) = value {
                schema.insert(name.to_owned(), value);
            }
        }
        old_bounds(node, &mut schema);
        without_hidden(&mut schema, &hidden);
        let schema = sole_part(schema);
        if node.flag("nullable") { nullable(schema) } else { Value::Object(schema) }
    }

    fn alternatives(&mut self, node: Node<'a>, name: &str) -> Option<Value> {
        let parts: Vec<Value> = node.list(name).map(|part| self.plain(part)).collect();
        (!parts.is_empty()).then_some(Value::Array(parts))
    }
}

/// The fields of an object schema with those of all its parts, the first of each name.
pub(super) fn properties(node: Node<'_>) -> Vec<(&str, Node<'_>)> {
    let mut gathered = Gathered::default();
    gathered.add(node);
    gathered.found
}

/// Fields that were found, and the schemas that were searched: parts may contain each other.
#[derive(Default)]
struct Gathered<'a> {
    found: Vec<(&'a str, Node<'a>)>,
    searched: Vec<&'a Value>,
}

impl<'a> Gathered<'a> {
    fn add(&mut self, node: Node<'a>) {
        let Ok(node) = node.resolved() else { return };
        if self.searched.len() >= NODES || self.searched.iter().any(|known| std::ptr::eq(*known, node.value))
        {
            return;
        }
        self.searched.push(node.value);
        for (name, property) in node.get("properties").into_iter().flat_map(Node::fields) {
            if !self.found.iter().any(|(known, _)| *known == name) {
                self.found.push((name, property));
            }
        }
        for part in ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|name| node.list(name)) {
            self.add(part);
        }
    }
}

/// Whether a value is the content of a file: `format: binary`, or 3.1's media type without an encoding.
pub(super) fn is_file(node: Node<'_>) -> bool {
    let Ok(node) = node.resolved() else { return false };
    let has_media_type = node.get("contentMediaType").is_some() && node.get("contentEncoding").is_none();
    node.text("format") == Some("binary") || has_media_type
}

/// The beginning of a text, at the end of a word if there is one.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    let text = text.trim();
    let Some((end, _)) = text.char_indices().nth(limit) else { return text.to_owned() };
    let kept = &text[..end];
    let kept = kept.rsplit_once(char::is_whitespace).map_or(kept, |(kept, _)| kept);
    format!("{} ...", kept.trim_end())
}

fn is_read_only(node: Node<'_>) -> bool {
    node.resolved().is_ok_and(|node| node.flag("readOnly"))
}

/// What remains of a schema without its parts.
fn cut(node: Node<'_>) -> Value {
    let kept = ["type", "description"].into_iter().filter_map(|name| {
        let value = node.value.get(name)?;
        let short = value.as_str().map(|text| Value::String(shortened(text, DESCRIPTION)));
        Some((name.to_owned(), short.unwrap_or_else(|| value.clone())))
    });
    Value::Object(kept.collect())
}

/// 3.0's `exclusiveMinimum: true` turns `minimum` into the exclusive one.
fn old_bounds(node: Node<'_>, schema: &mut Map<String, Value>) {
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if node.flag(exclusive)
            && let Some(value) = schema.shift_remove(bound)
        {
            schema.insert(exclusive.to_owned(), value);
        }
    }
}

/// Fields that only the service sets cannot be required from the caller.
fn without_hidden(schema: &mut Map<String, Value>, hidden: &[&str]) {
    let Some(required) = schema.get_mut("required") else { return };
    if let Some(names) = required.as_array_mut() {
        names.retain(|name| name.as_str().is_some_and(|name| !hidden.contains(&name)));
    }
    if required.as_array().is_none_or(Vec::is_empty) {
        schema.shift_remove("required");
    }
}

/// `allOf` with one part, as 3.0 needs it to describe a reference, becomes that part.
fn sole_part(mut schema: Map<String, Value>) -> Map<String, Value> {
    let sole = match schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Object(part)]) => part.clone(),
        _ => return schema,
    };
    // Both may have the keyword, and both would hold.
    let conflicts = sole.keys().any(|name| name != "description" && schema.contains_key(name));
    if !conflicts {
        schema.shift_remove("allOf");
        for (name, value) in sole {
            schema.entry(name).or_insert(value);
        }
    }
    schema
}

/// 3.0's `nullable`: null is one of the types and one of the values.
fn nullable(mut schema: Map<String, Value>) -> Value {
    if let Some(Value::String(kind)) = schema.get("type").cloned() {
        schema.insert("type".to_owned(), json!([kind, "null"]));
    } else if !schema.contains_key("type") && schema.keys().any(|name| name.ends_with("Of")) {
        return json!({"anyOf": [schema, {"type": "null"}]});
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    Value::Object(schema)
}

#[cfg(test)]
mod tests;
