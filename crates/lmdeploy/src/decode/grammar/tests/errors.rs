//! What is refused, and where.

use super::*;

fn error(schema: Value) -> String {
    let source = GrammarSource::JsonSchema(schema.clone());
    factory().compile(&source).expect_err(&schema.to_string()).to_string()
}

#[test]
fn what_is_not_supported_is_refused_at_its_place() {
    let string = json!({"type": "string"});
    for (schema, expected) in [
        (
            json!({"properties": {"a": {"uniqueItems": true}}}),
            "/properties/a: found `uniqueItems`, which is not supported",
        ),
        (json!({"items": {"not": {}}}), "/items: found `not`, which is not supported"),
        (json!({"anyOf": [{}, {"if": {}}]}), "/anyOf/1: found `if`, which is not supported"),
        (json!({"contains": string}), "found `contains`, which is not supported"),
        (json!({"$defs": {"x/y": {"dependentRequired": {}}}}), "/$defs/x~1y: found `dependentRequired`, "),
        (json!({"propertyNames": {"pattern": "a"}}), "found `propertyNames`"),
        (json!({"x-guidance": {"lenient": true}}), "found `x-guidance`"),
        (json!({"x-guidance": {"whitespace_flexible": true}}), "found `x-guidance`"),
        (json!({"items": {"x-guidance": {"whitespace_flexible": false}}}), "/items: found `x-guidance`"),
        (
            json!({"properties": {"u": {"$ref": "http://x/y"}}}),
            "/properties/u/$ref: found `\"http://x/y\"`, expected",
        ),
        (json!({"$ref": "#/$defs/none"}), "/$ref: found `\"#/$defs/none\"`, which leads nowhere"),
        (json!({"type": "string", "format": "regex"}), "/format: found `regex`, which is not supported"),
        (json!({"properties": {"p": {"type": "string", "pattern": "^(?=a)"}}}), "/properties/p: "),
        (
            json!({"properties": {"p": {"type": "string", "pattern": "\\bfoo"}}}),
            "/properties/p: lookarounds not",
        ),
        (json!({"items": {"type": "text"}}), "/items: Invalid type: text"),
        (json!({"type": "object", "minProperties": 3}), "/minProperties: found 3, expected at most one more"),
        (json!({"const": 9_007_199_254_740_993_u64}), "/const: found an integer beyond 2^53"),
        (
            json!({"properties": {"n": {"type": "string", "minLength": 3, "maxLength": 1}}, "required": ["n"],
                "type": "object"}),
            "/properties/n: Unsatisfiable schema",
        ),
        (json!({"oneOf": [{"type": "integer"}, {"type": "number"}]}), "oneOf constraints are not supported"),
        (json!({"properties": 3}), "properties must be an object"),
        (json!({"items": "x"}), "/items: found `\"x\"`, expected a schema"),
        (json!(false), "found false"),
        (json!([1]), "found `[1]`, expected a schema"),
    ] {
        let error = error(schema);
        assert!(error.starts_with(expected), "{error:?}, expected {expected:?}");
    }
}

#[test]
fn annotations_and_keywords_that_ask_for_nothing_pass() {
    for schema in [
        json!({"title": "T", "description": "d", "default": 1, "examples": [2], "$comment": "c", "type": "integer"}),
        json!({"type": "array", "uniqueItems": false, "items": {"type": "null"}, "maxItems": 2}),
        json!({"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {"type": "null"}}),
        json!({"type": "string", "format": "password"}),
        json!({"type": "integer", "format": "int32", "$schema": "http://json-schema.org/draft-07/schema#"}),
        json!({"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "null"}}}),
        json!(true),
    ] {
        factory()
            .compile(&GrammarSource::JsonSchema(schema.clone()))
            .unwrap_or_else(|error| panic!("{schema}: {error}"));
    }
}

#[test]
fn one_of_with_a_discriminator_is_supported() {
    let option =
        |kind: &str| json!({"type": "object", "properties": {"kind": {"const": kind}}, "required": ["kind"]});
    let schema = json!({"oneOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}],
        "$defs": {"a": option("a"), "b": option("b")}});
    factory().compile(&GrammarSource::JsonSchema(schema)).expect("the options exclude each other");
    let same = json!({"oneOf": [option("a"), option("a")]});
    assert!(factory().compile(&GrammarSource::JsonSchema(same)).is_err());
}

#[test]
fn wrong_grammars_are_errors_and_no_panics() {
    let deep = format!("start: {}\"a\"{}", "(".repeat(5000), ")".repeat(5000));
    for source in [
        GrammarSource::Regex("(yes".to_owned()),
        GrammarSource::Regex("(?=x)y".to_owned()),
        GrammarSource::Lark("start: nothing".to_owned()),
        GrammarSource::Lark("start: start".to_owned()),
        GrammarSource::Lark(String::new()),
        GrammarSource::Lark(deep),
        GrammarSource::Regex("a".repeat(600_000)),
    ] {
        let error = factory().compile(&source).expect_err("is wrong");
        assert!(error.message.len() < 1000 && !error.message.contains("backtrace"), "{error}");
    }
}
