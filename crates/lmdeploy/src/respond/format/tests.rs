//! Each way to ask for a format.

use serde_json::json;

use super::*;

fn request(fields: &Value) -> ChatRequest {
    let mut body = json!({"messages": []});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    serde_json::from_value(body).expect("a request")
}

/// The format that a request ends up with: `response_format` and `grammar`.
fn lowered(fields: &Value) -> std::result::Result<(Value, Value), String> {
    let request = request(fields);
    let lowered = with_format(&request).map_err(|error| error.to_string())?;
    let body = serde_json::to_value(&*lowered.request).expect("writes");
    Ok((body["response_format"].clone(), body["grammar"].clone()))
}

fn written(format: ResponseFormat) -> Value {
    serde_json::to_value(format).expect("writes")
}

#[test]
fn every_field_ends_in_one_of_two() {
    let schema = json!({"type": "object", "properties": {"b": {}, "a": {}}});
    let as_format = written(ResponseFormat::JsonSchema(JsonSchemaFormat::new(schema.clone())));
    for fields in [
        json!({"json_schema": schema}),
        json!({"guided_json": schema}),
        json!({"guided_json": schema.to_string()}),
        json!({"structured_outputs": {"json": schema}}),
        json!({"structured_outputs": {"json": schema.to_string()}, "response_format": {"type": "text"}}),
    ] {
        assert_eq!(lowered(&fields), Ok((as_format.clone(), Value::Null)), "{fields}");
    }
    let texts = vec!["yes".to_owned(), "no.".to_owned()];
    for (fields, format) in [
        (json!({"guided_regex": "a+"}), ResponseFormat::RegexSchema("a+".to_owned())),
        (json!({"structured_outputs": {"regex": "a+"}}), ResponseFormat::RegexSchema("a+".to_owned())),
        (json!({"guided_choice": texts}), ResponseFormat::Choice(texts.clone())),
        (json!({"structured_outputs": {"choice": texts}}), ResponseFormat::Choice(texts.clone())),
        (json!({"structured_outputs": {"json_object": true}}), ResponseFormat::JsonObject),
    ] {
        assert_eq!(lowered(&fields), Ok((written(format), Value::Null)), "{fields}");
    }
    for fields in [
        json!({"grammar": "start: \"a\""}),
        json!({"guided_grammar": "start: \"a\""}),
        json!({"structured_outputs": {"grammar": "start: \"a\""}, "grammar": ""}),
    ] {
        assert_eq!(lowered(&fields), Ok((Value::Null, json!("start: \"a\""))), "{fields}");
    }
    let tag = json!({"structures": [{"begin": "<a>", "schema": {}, "end": "</a>"}], "triggers": ["<a>"]});
    for fields in [json!({"structural_tag": tag}), json!({"structural_tag": tag.to_string()})] {
        let (format, _) = lowered(&fields).expect("a format");
        assert_eq!((&format["type"], &format["triggers"]), (&json!("structural_tag"), &json!(["<a>"])));
    }
}

#[test]
fn white_space_is_left_out_of_json_alone() {
    let of = |outputs: Value| lowered(&json!({"structured_outputs": outputs}));
    let settings = json!({"whitespace_flexible": false});
    for (outputs, schema) in [
        (json!({"json": {"type": "null"}}), json!({"type": "null", "x-guidance": settings})),
        (json!({"json": "true"}), json!({"x-guidance": settings})),
        (json!({"json_object": true}), json!({"type": "object", "x-guidance": settings})),
    ] {
        let mut outputs = outputs;
        outputs["disable_any_whitespace"] = json!(true);
        let format = written(ResponseFormat::JsonSchema(JsonSchemaFormat::new(schema)));
        assert_eq!(of(outputs.clone()), Ok((format, Value::Null)), "{outputs}");
        outputs["disable_any_whitespace"] = json!(false);
        let (format, _) = of(outputs).expect("a format");
        assert!(!format.to_string().contains("x-guidance"), "{format}");
    }
    let pattern = written(ResponseFormat::RegexSchema("a b".to_owned()));
    assert_eq!(of(json!({"regex": "a b", "disable_any_whitespace": true})), Ok((pattern, Value::Null)));
}

#[test]
fn no_field_and_fields_that_ask_for_nothing_leave_the_text_free() {
    for fields in [
        json!({}),
        json!({"grammar": ""}),
        json!({"structured_outputs": {"json_object": false}, "guided_json": null}),
    ] {
        assert_eq!(lowered(&fields), Ok((Value::Null, Value::Null)), "{fields}");
    }
}

#[test]
fn contradictions_and_formats_that_say_nothing_are_refused_by_name() {
    for (fields, expected) in [
        (
            json!({"response_format": {"type": "json_object"}, "guided_regex": "a"}),
            "guided_regex: found together with `response_format`, expected only one of them",
        ),
        (
            json!({"guided_regex": "a", "structured_outputs": {"regex": "a"}}),
            "guided_regex: found together with `structured_outputs.regex`, expected only one of them",
        ),
        (
            json!({"structured_outputs": {}}),
            "structured_outputs: found an object without a format, expected one of `json`, `json_object`, ",
        ),
        (
            json!({"structured_outputs": {"disable_any_whitespace": true}}),
            "structured_outputs: found an object without a format, expected one of `json`, `json_object`, ",
        ),
        (
            json!({"structured_outputs": {"structural_tag": {}, "disable_any_whitespace": true}}),
            "structured_outputs.disable_any_whitespace: found true together with `structural_tag`",
        ),
        (json!({"structured_outputs": {"grammar": ""}}), "structured_outputs.grammar: found an empty text"),
        (json!({"guided_grammar": " "}), "guided_grammar: found an empty text"),
        (
            json!({"response_format": {"type": "grammar", "grammar": ""}}),
            "response_format.grammar: found an empty text",
        ),
        (json!({"guided_choice": []}), "guided_choice: expected at least one text"),
        (json!({"guided_json": "{"}), "guided_json: expected JSON in the text"),
        (json!({"structural_tag": [1]}), "structural_tag: found [1], expected a JSON object"),
    ] {
        let error = lowered(&fields).expect_err("is refused");
        assert!(error.starts_with(expected), "{fields}: {error}");
    }
}

#[test]
fn a_refusal_names_the_field_that_was_sent() {
    let request = request(&json!({"guided_json": {}}));
    let format = with_format(&request).expect("a format");
    let refused = Error::field("response_format.json_schema.schema/a", "found 1, expected 2");
    let Error::Refused { message, param, .. } = format.blame(refused) else { panic!("a refusal") };
    assert_eq!(message, "guided_json/a: found 1, expected 2");
    assert_eq!(param.as_deref(), Some("guided_json/a"));
    let other = format.blame(Error::field("tools", "found 1, expected 2"));
    assert_eq!(other.to_string(), "tools: found 1, expected 2");
}
