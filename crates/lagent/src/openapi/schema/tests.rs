//! Tests of what becomes of schemas.

use serde_json::{Value, json};

use super::*;
use crate::openapi::document::Documents;
use crate::openapi::place::Place;

fn documents(root: Value) -> Documents {
    Documents::of(Place::of("a.json").expect("is a path"), root)
}

fn plain(root: Value) -> Value {
    let documents = documents(root);
    Schemas::new().plain(documents.root().get("schema").expect("is there"))
}

#[test]
fn references_are_replaced_and_keywords_kept() {
    let schema = plain(json!({
        "schema": {
            "type": "object", "xml": {}, "example": 1, "required": ["id", "kind"],
            "properties": {
                "id": {"type": "integer", "readOnly": true},
                "kind": {"$ref": "#/kind", "description": "What it is."},
                "tags": {"type": "array", "items": {"$ref": "#/kind"}},
                "any": {"$ref": "#/nowhere"},
            },
            "additionalProperties": false,
        },
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a", "description": "A kind."},
    }));
    let kind = json!({"type": "string", "enum": ["a", "b"], "default": "a", "description": "A kind."});
    let mut described = kind.clone();
    described["description"] = json!("What it is.");
    let expected = json!({
        "type": "object", "required": ["kind"],
        "properties": {"kind": described, "tags": {"type": "array", "items": kind}, "any": {}},
        "additionalProperties": false,
    });
    assert_eq!(schema, expected);
}

#[test]
fn the_old_version_becomes_json_schema() {
    let schema = plain(json!({"schema": {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "minimum": 0, "exclusiveMinimum": true, "nullable": true},
            "b": {"nullable": true, "enum": ["x"]},
            "c": {"nullable": true, "description": "C.", "allOf": [{"$ref": "#/c"}]},
            "d": {"nullable": true, "oneOf": [{"type": "string"}, {"type": "integer"}]},
        },
    }, "c": {"type": "string", "description": "Of its own."}}));
    let expected = json!({
        "a": {"type": ["integer", "null"], "exclusiveMinimum": 0},
        "b": {"enum": ["x", null]},
        "c": {"description": "C.", "type": ["string", "null"]},
        "d": {"anyOf": [{"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"type": "null"}]},
    });
    assert_eq!(schema["properties"], expected);
}

#[test]
fn a_schema_that_contains_itself_is_cut() {
    let tree =
        json!({"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/tree"}}}});
    let schema = plain(json!({"schema": {"$ref": "#/tree"}, "tree": tree}));
    assert_eq!(schema["properties"]["children"], json!({"type": "array", "items": {"type": "object"}}));
    let fields: Value = (0..1000)
        .map(|number| (format!("f{number}"), json!({"type": "object", "required": ["x"]})))
        .collect();
    let schema = plain(json!({"schema": {"type": "object", "properties": fields}}));
    assert_eq!(schema["properties"]["f0"], json!({"type": "object", "required": ["x"]}));
    assert_eq!(schema["properties"]["f999"], json!({"type": "object"}));
}

#[test]
fn versions_of_booleans_and_files() {
    assert_eq!(plain(json!({"schema": true})), json!({}));
    assert_eq!(plain(json!({"schema": false})), json!({"not": {}}));
    let documents = documents(json!({
        "a": {"type": "string", "format": "binary"},
        "b": {"contentMediaType": "image/png"},
        "c": {"contentMediaType": "image/png", "contentEncoding": "base64"},
        "d": {"allOf": [{"properties": {"x": {}}}], "properties": {"y": {}}},
    }));
    let node = |name: &str| documents.root().get(name).expect("is there");
    assert!(is_file(node("a")) && is_file(node("b")) && !is_file(node("c")));
    let circle = json!({"a": {"oneOf": [{"$ref": "#/a"}, {"$ref": "#/b"}]}, "b": {"anyOf": [{"$ref": "#/a"}], "properties": {"z": {}}}});
    let circle = Documents::of(Place::of("a.json").expect("is a path"), circle);
    assert_eq!(properties(circle.root().get("a").expect("is there")).len(), 1);
    let names: Vec<&str> = properties(node("d")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["y", "x"]);
}

#[test]
fn long_texts_end_after_a_word() {
    assert_eq!(shortened("one two three", 9), "one two ...");
    assert_eq!(shortened(" äöü ", 3), "äöü");
    assert_eq!(shortened("aaaa", 2), "aa ...");
}
