//! Formats, tools and choices in the words of a chat request.

use super::*;

fn request(body: &Value) -> ResponsesRequest {
    serde_json::from_value(body.clone()).expect("a request")
}

/// Tools and choice as JSON.
fn chosen(body: &Value) -> std::result::Result<(Value, Value), String> {
    let (tools, choice) = tools_and_choice(&request(body)).map_err(|error| error.to_string())?;
    Ok((json!(tools), json!(choice)))
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "name": name, "description": "d", "parameters": {"type": "object"}, "strict": null})
}

fn wrapped(name: &str) -> Value {
    let function = json!({"name": name, "description": "d", "parameters": {"type": "object"}});
    json!({"type": "function", "function": function})
}

#[test]
fn functions_get_the_object_around_them() {
    let body = json!({"tools": [tool("f"), tool("g")]});
    assert_eq!(chosen(&body), Ok((json!([wrapped("f"), wrapped("g")]), Value::Null)));
    assert_eq!(chosen(&json!({})), Ok((Value::Null, Value::Null)));
}

#[test]
fn choices() {
    let tools = json!([tool("f"), tool("g")]);
    let both = json!([wrapped("f"), wrapped("g")]);
    let named = json!({"type": "function", "function": {"name": "g"}});
    for (choice, expected) in [
        (json!("required"), (both.clone(), json!("required"))),
        (json!("none"), (both.clone(), json!("none"))),
        (json!(null), (both.clone(), Value::Null)),
        (json!({"type": "function", "name": "g"}), (both.clone(), named)),
        (
            json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]}),
            (json!([wrapped("g")]), json!("required")),
        ),
    ] {
        assert_eq!(chosen(&json!({"tools": tools, "tool_choice": choice})), Ok(expected), "{choice}");
    }
}

#[test]
fn wrong_tools_and_choices_are_named() {
    for (body, message) in [
        (
            json!({"tools": [tool("f"), {"type": "web_search"}]}),
            "tools.1.type: found `web_search`, expected `function`",
        ),
        (json!({"tools": [{"type": "mcp", "server_label": "a"}]}), "tools.0.type: found `mcp`"),
        (json!({"tools": [{"type": "function"}]}), "tools.0.name: found nothing, expected a string"),
        (
            json!({"tools": [{"type": "function", "name": "f", "defer_loading": true}]}),
            "tools.0.defer_loading",
        ),
        (
            json!({"tools": [{"type": "function", "name": "f", "parameters": [1]}]}),
            "tools.0.parameters: found a list, expected an object",
        ),
        (json!({"tool_choice": {"type": "file_search"}}), "tool_choice.type: found `file_search`"),
        (json!({"tool_choice": {"type": "function"}}), "tool_choice.name: found nothing"),
        (json!({"tool_choice": {"type": "allowed_tools", "mode": "any"}}), "tool_choice.mode: found `any`"),
        (
            json!({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "x"}]}}),
            "tool_choice.tools.0.name: found `x`",
        ),
    ] {
        let error = chosen(&body).expect_err(message);
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn formats() {
    let format = |format: Value| {
        let request = request(&json!({"text": {"format": format}}));
        response_format(request.text.as_ref()).map_err(|error| error.to_string())
    };
    assert!(format(json!({"type": "text"})).is_ok_and(|format| format.is_none()));
    assert!(format(Value::Null).is_ok_and(|format| format.is_none()));
    assert!(format(json!({"type": "json_object"})).is_ok_and(|format| format.is_some()));
    let schema = json!({"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true});
    assert!(format(schema).is_ok_and(|format| format.is_some()));
    for (wrong, message) in [
        (json!({"type": "xml"}), "text.format.type: found `xml`"),
        (json!({"type": "json_schema", "schema": {}}), "text.format.name: found nothing"),
        (json!({"type": "json_schema", "name": "n"}), "text.format.schema: found nothing"),
    ] {
        let error = format(wrong).expect_err(message);
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn what_is_included() {
    let includes =
        |body: Value| Includes::of(&request(&body)).map(|includes| (includes.logprobs, includes.encrypted));
    assert_eq!(includes(json!({})).ok(), Some((false, false)));
    assert_eq!(includes(json!({"top_logprobs": 2})).ok(), Some((true, false)));
    let both = json!({"include": [LOGPROBS, ENCRYPTED, "web_search_call.results"]});
    assert_eq!(includes(both).ok(), Some((true, true)));
    let error = includes(json!({"include": [LOGPROBS, "everything"]})).expect_err("unknown").to_string();
    assert!(error.starts_with("include.1: found `everything`"), "{error}");
}
