//! Random schemas: every complete text is valid.

use super::*;

const CONSTANTS: [&str; 3] = ["a b", "é\"\\", ""];
const FORMATS: [&str; 5] = ["date", "time", "date-time", "ipv4", "uuid"];

/// A random schema of at most `depth` levels.
fn schema(random: &mut Random, depth: usize) -> Value {
    let kinds = if depth == 0 { 6 } else { 11 };
    match random.below(kinds) {
        0 => string(random),
        1 => number(random),
        2 => json!({"type": "boolean"}),
        3 => json!({"enum": ["red", "green", 3, null, 1.5, true]}),
        4 => json!({"const": CONSTANTS[random.below(CONSTANTS.len())]}),
        5 => json!({"type": ["null", "integer"], "maximum": 20, "minimum": -3}),
        6 | 7 => object(random, depth - 1),
        8 => array(random, depth - 1),
        9 => json!({"anyOf": [schema(random, depth - 1), schema(random, depth - 1)]}),
        _ => json!({"allOf": [object(random, depth - 1), {"type": "object", "required": ["p0"]}]}),
    }
}

fn string(random: &mut Random) -> Value {
    match random.below(6) {
        0 => json!({"type": "string", "maxLength": 1 + random.below(8)}),
        1 => json!({"type": "string", "minLength": 2, "maxLength": 2 + random.below(4)}),
        2 => json!({"type": "string", "pattern": "^[a-c]{2,3}\\d$"}),
        3 => json!({"type": "string", "pattern": "x[yz]"}),
        4 => json!({"type": "string", "format": FORMATS[random.below(FORMATS.len())]}),
        _ => json!({"type": "string"}),
    }
}

fn number(random: &mut Random) -> Value {
    let low = random.below(50) as i64 - 25;
    match random.below(5) {
        0 => json!({"type": "integer", "minimum": low, "maximum": low + 30}),
        1 => json!({"type": "integer", "exclusiveMinimum": low, "maximum": low + 99}),
        2 => json!({"type": "number", "minimum": low, "exclusiveMaximum": low + 5}),
        3 => json!({"type": "integer", "multipleOf": 5, "minimum": 0, "maximum": 1000}),
        _ => json!({"type": "integer", "maximum": 1_000_000, "minimum": -5}),
    }
}

fn object(random: &mut Random, depth: usize) -> Value {
    let count = 1 + random.below(4);
    let names: Vec<String> = (0..count).map(|index| format!("p{index}")).collect();
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|name| (name.clone(), schema(random, depth))).collect();
    let required: Vec<&String> = names.iter().filter(|_| random.below(2) == 0).collect();
    let mut object = json!({"type": "object", "properties": properties, "required": required});
    match random.below(4) {
        0 => {}
        1 => object["additionalProperties"] = json!({"type": "integer", "minimum": 0, "maximum": 9}),
        _ => object["additionalProperties"] = json!(false),
    }
    object
}

fn array(random: &mut Random, depth: usize) -> Value {
    let least = random.below(3);
    let mut array =
        json!({"type": "array", "items": schema(random, depth), "minItems": least, "maxItems": least + 2});
    if random.below(3) == 0 {
        array["prefixItems"] = json!([schema(random, 0), schema(random, 0)]);
    }
    array
}

fn check(factory: &GrammarFactory, schema: &Value, random: &mut Random) -> usize {
    let tokenizer = tokenizer();
    let source = GrammarSource::JsonSchema(schema.clone());
    let grammar = match factory.compile(&source) {
        Ok(grammar) => grammar,
        // Two random schemas may exclude each other.
        Err(error) if error.message.contains("nsatisfiable") || error.message.contains("empty") => return 0,
        Err(error) => panic!("{schema}: {error}"),
    };
    let validator = jsonschema::options().should_validate_formats(true).build(schema).expect("a schema");
    let (text, complete) = write(&tokenizer, &grammar, random, 600);
    if !complete {
        return 0;
    }
    let value: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{schema}: {text}: {error}"));
    assert!(validator.is_valid(&value), "{schema}: {text}");
    1
}

#[test]
fn complete_texts_of_random_schemas_are_valid() {
    let (factory, mut random) = (factory(), Random(2024));
    let finished: usize = (0..500)
        .map(|_| {
            let schema = schema(&mut random, 3);
            check(&factory, &schema, &mut random)
        })
        .sum();
    assert!(finished >= 400, "{finished} of 500 texts were complete");
}

#[test]
fn an_object_has_the_properties_that_its_schema_lists() {
    let (factory, tokenizer, mut random) = (factory(), tokenizer(), Random(11));
    let schema =
        json!({"type": "object", "properties": {"success": {"const": true}}, "required": ["success"]});
    let grammar = factory.compile(&GrammarSource::JsonSchema(schema)).expect("a grammar");
    for _ in 0..20 {
        let (text, complete) = write(&tokenizer, &grammar, &mut random, 200);
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert!(complete && value == json!({"success": true}), "{text}");
    }
}

#[test]
fn a_compact_schema_has_no_white_space_between_its_parts() {
    let (factory, tokenizer, mut random) = (factory(), tokenizer(), Random(13));
    let list = json!({"type": "array", "items": {"enum": [true, null, "a b"]}, "minItems": 2, "maxItems": 3});
    let properties = json!({"a": {"const": 7}, "b": list});
    let schema = json!({"type": "object", "properties": properties, "required": ["a", "b"]});
    let grammar = factory.compile(&GrammarSource::JsonSchema(compact(schema))).expect("a grammar");
    for _ in 0..20 {
        let (text, complete) = write(&tokenizer, &grammar, &mut random, 200);
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert!(complete, "{text}");
        assert_eq!(text, value.to_string());
    }
    assert!(factory.compile(&GrammarSource::JsonSchema(compact(json!(true)))).is_ok());
    assert!(factory.compile(&GrammarSource::JsonSchema(compact(json!(false)))).is_err());
}

#[test]
fn recursive_and_referring_schemas_are_valid() {
    let (factory, mut random) = (factory(), Random(5));
    let node = json!({"type": "object", "properties": {"v": {"$ref": "#/definitions/small"}, "next": {"anyOf":
        [{"$ref": "#"}, {"type": "null"}]}}, "required": ["v", "next"], "additionalProperties": false,
        "definitions": {"small": {"type": "integer", "minimum": 0, "maximum": 9}}});
    let tagged = |kind: &str| {
        json!({"type": "object", "properties": {"kind": {"const": kind}, "n": {"type": "null"}},
        "required": ["kind", "n"], "additionalProperties": false})
    };
    let union = json!({"oneOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}, {"type": "null"}],
        "$defs": {"a": tagged("a"), "b": tagged("b")}});
    let free = json!({"type": "object", "patternProperties": {"^x-": {"type": "null"}}, "maxProperties": 2,
        "additionalProperties": false, "minProperties": 1});
    for schema in [node, union, free] {
        let finished: usize = (0..5).map(|_| check(&factory, &schema, &mut random)).sum();
        assert!(finished > 0, "{schema}");
    }
}
