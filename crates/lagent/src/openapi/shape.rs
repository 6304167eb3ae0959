//! The described form of an answer, by which large answers are trimmed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::Node;
use super::media_type::MediaKind;
use super::schema::properties;

/// Maximum number of parts of one form.
const NODES: usize = 200;
/// Maximum depth of forms inside each other.
const DEPTH: usize = 8;

/// What a description says about a value.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Shape {
    /// Nothing that could be used.
    #[default]
    Any,
    /// An object with these fields.
    Object(BTreeMap<String, Shape>),
    /// A list of such values.
    List(Box<Shape>),
}

impl Shape {
    /// The form of the JSON that an operation returns when it succeeds.
    pub(super) fn of_success(operation: Node<'_>) -> Self {
        let json = content(operation).into_iter().find(|(name, _)| MediaKind::of(name) == MediaKind::Json);
        let mut left = NODES;
        json.and_then(|(_, media)| media.get("schema"))
            .map_or(Self::Any, |schema| Self::of(schema, DEPTH, &mut left))
    }

    fn of(node: Node<'_>, depth: usize, left: &mut usize) -> Self {
        let Ok(node) = node.resolved() else { return Self::Any };
        if depth == 0 || *left == 0 {
            return Self::Any;
        }
        *left -= 1;
        if let Some(items) = node.get("items") {
            return Self::List(Box::new(Self::of(items, depth - 1, left)));
        }
        let fields = properties(node);
        if fields.is_empty()
            || node.get("additionalProperties").is_some_and(|more| *more.value != Value::Bool(false))
        {
            return Self::Any;
        }
        let fields =
            fields.into_iter().map(|(name, node)| (name.to_owned(), Self::of(node, depth - 1, left)));
        Self::Object(fields.collect())
    }

    /// Removes the fields that the description does not have.
    pub(super) fn trim(&self, value: Value) -> Value {
        match (self, value) {
            (Self::Object(shapes), Value::Object(fields)) => {
                let kept = fields.into_iter().filter_map(|(name, value)| {
                    let value = shapes.get(&name)?.trim(value);
                    Some((name, value))
                });
                Value::Object(kept.collect())
            }
            (Self::List(shape), Value::Array(items)) => {
                Value::Array(items.into_iter().map(|item| shape.trim(item)).collect())
            }
            (_, value) => value,
        }
    }
}

/// The value of the `Accept` header: JSON if the operation returns it, else what it returns.
pub(super) fn accepted(operation: Node<'_>) -> String {
    let content = content(operation);
    let json = content.iter().find(|(name, _)| MediaKind::of(name) == MediaKind::Json);
    let name = json.or(content.first()).map_or("", |(name, _)| *name);
    if name.is_empty() || name.contains('*') {
        "application/json, */*".to_owned()
    } else {
        format!("{name}, */*;q=0.1")
    }
}

/// The media types of the answer of a call that succeeds.
fn content(operation: Node<'_>) -> Vec<(&str, Node<'_>)> {
    let responses: Vec<(&str, Node<'_>)> =
        operation.get("responses").into_iter().flat_map(Node::fields).collect();
    let success = responses.iter().find(|(status, _)| status.starts_with('2'));
    let response = success.or_else(|| responses.iter().find(|(status, _)| *status == "default"));
    let response = response.and_then(|(_, response)| response.resolved().ok());
    response.and_then(|response| response.get("content")).into_iter().flat_map(Node::fields).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::openapi::document::Documents;
    use crate::openapi::place::Place;

    #[test]
    fn what_is_not_described_is_removed() {
        let pet = json!({"type": "object", "properties": {
            "id": {"type": "integer"}, "parent": {"$ref": "#/pet"}, "free": {"type": "object", "additionalProperties": true},
        }});
        let root = json!({
            "pet": pet,
            "responses": {"404": {}, "200": {"content": {"application/json": {"schema": {
                "type": "array", "items": {"$ref": "#/pet"},
            }}}}},
        });
        let documents = Documents::of(Place::of("a.json").expect("is a path"), root);
        let shape = Shape::of_success(documents.root());
        let value = json!([{"id": 1, "url": "x", "parent": {"id": 2, "url": "y"}, "free": {"a": 1}}]);
        let trimmed = json!([{"id": 1, "parent": {"id": 2}, "free": {"a": 1}}]);
        assert_eq!(shape.trim(value), trimmed);
        assert_eq!(accepted(documents.root()), "application/json, */*;q=0.1");
        assert_eq!(shape.trim(json!({"error": "other"})), json!({"error": "other"}));
    }
}
