//! The document lists every route and nothing else, and everything it names is there.

use std::collections::BTreeSet;

use super::*;

/// The bounds of a small model.
const BOUNDS: Bounds = Bounds { model_id: 319, token_id: 314, choices: 8, prompts: 9, hidden: Some(16) };
/// Operations that take no body.
const BODILESS: [&str; 3] = ["sleep", "wakeUp", "cancelResponse"];

/// A server that has every route.
fn everything() -> ServerConfig {
    ServerConfig { allow_terminate_by_client: true, ..ServerConfig::default() }
}

/// All values of `key` anywhere in a document.
fn values<'v>(document: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    match document {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|value| values(value, key, found));
        }
        Value::Array(entries) => entries.iter().for_each(|value| values(value, key, found)),
        _ => {}
    }
}

#[test]
fn every_route_is_in_the_document_and_the_other_way_round() {
    let document = document(&everything(), &BOUNDS);
    let paths = document["paths"].as_object().expect("paths");
    let listed: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("methods").keys();
            methods.map(move |method| (path.clone(), method.clone()))
        })
        .collect();
    let routes: BTreeSet<(String, String)> =
        ROUTES.iter().map(|route| (route.path.to_owned(), route.method.to_owned())).collect();
    assert_eq!(listed, routes);
    let areas = Areas::read();
    let described: BTreeSet<&str> = areas.operations.keys().map(String::as_str).collect();
    assert_eq!(described, ROUTES.iter().map(|route| route.operation).collect());
}

#[test]
fn every_operation_says_what_it_answers() {
    let document = document(&everything(), &BOUNDS);
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method];
        assert_eq!(operation["operationId"], route.operation);
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{}", route.path);
        let is_answered = operation["responses"]["200"]["content"].is_object();
        assert_eq!(is_answered, route.operation != "cancelResponse", "{}", route.path);
        let has_body = route.method == "post" && !BODILESS.contains(&route.operation);
        assert_eq!(operation["requestBody"].is_object(), has_body, "{}", route.path);
        let unauthorized = operation["responses"]["401"].is_object();
        assert_eq!(unauthorized, route.access != Access::Public, "{}", route.path);
        for parameter in route.path.split('/').filter_map(|part| part.strip_prefix('{')) {
            let name = parameter.trim_end_matches('}');
            let parameters = operation["parameters"].as_array().expect("parameters");
            assert!(parameters.iter().any(|parameter| parameter["name"] == name), "{}", route.path);
        }
    }
}

#[test]
fn what_is_referred_to_is_there_and_what_is_there_is_referred_to() {
    let document = document(&everything(), &BOUNDS);
    let mut references = Vec::new();
    values(&document, "$ref", &mut references);
    let used: BTreeSet<&str> = references
        .into_iter()
        .map(|reference| reference.strip_prefix("#/components/schemas/").expect("a schema"))
        .collect();
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    assert_eq!(used, schemas.keys().map(String::as_str).collect());
    for placeholder in [SHARED_FIELDS, "x-maximum", "x-max-items", "x-keys"] {
        assert!(!document.to_string().contains(placeholder), "{placeholder}");
    }
}

#[test]
fn shared_fields_are_in_every_body_that_has_them() {
    let document = document(&everything(), &BOUNDS);
    let schemas = &document["components"]["schemas"];
    for body in ["ChatCompletionRequest", "CompletionRequest", "GenerateRequest"] {
        assert_eq!(schemas[body]["properties"]["temperature"]["maximum"], 2, "{body}");
    }
    assert_eq!(schemas["CompletionRequest"]["properties"]["max_tokens"]["minimum"], 0);
    assert_eq!(schemas["ChatCompletionRequest"]["properties"]["n"]["maximum"], 8);
    assert!(schemas["GenerateRequest"]["properties"]["n"].is_null());
}

#[test]
fn the_document_is_that_of_the_settings() {
    let document = |config: &ServerConfig| document(config, &BOUNDS);
    let listed = |config: &ServerConfig, path: &str| document(config)["paths"][path].is_object();
    let config = ServerConfig::default();
    assert!(listed(&config, "/metrics") && listed(&config, "/docs") && !listed(&config, "/terminate"));
    let less = ServerConfig { disable_metrics: true, disable_docs: true, ..ServerConfig::default() };
    assert!(!listed(&less, "/metrics") && !listed(&less, "/docs") && !listed(&less, "/openapi.json"));
    assert!(document(&config)["security"].is_null());
    let keyed = document(&config.with_api_keys(["k"]));
    assert!(keyed["security"].is_array() && keyed["components"]["securitySchemes"].is_object());
    assert_eq!(keyed["paths"]["/health"]["get"]["security"], json!([]));
    assert!(keyed["paths"]["/v1/models"]["get"]["security"].is_null());
    assert!(!keyed.to_string().contains("\"k\""), "keys are not shown");
}

/// Whether a body fits a schema of the document.
fn fits(document: &Value, schema: &str, body: &Value) -> bool {
    let root = json!({
        "$ref": format!("#/components/schemas/{schema}"), "components": document["components"],
    });
    jsonschema::validator_for(&root).expect("a schema").is_valid(body)
}

#[test]
fn every_schema_is_one() {
    let document = document(&everything(), &BOUNDS);
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(!fits(&document, name, &json!(7)), "{name} takes a number");
    }
}

#[test]
fn what_depends_on_other_fields_is_said() {
    let document = document(&everything(), &BOUNDS);
    let user = json!([{"role": "user", "content": "hi"}]);
    for (schema, good, bad) in [
        (
            "ChatCompletionRequest",
            json!({"messages": user, "stream": true, "stream_options": {"include_usage": true}, "n": 8}),
            vec![
                json!({"messages": user, "stream_options": {}}),
                json!({"messages": user, "top_logprobs": 1}),
                json!({"messages": user, "input_ids": [1]}),
                json!({"messages": user, "tool_choice": "required"}),
                json!({"messages": user, "repetition_ngram_size": 2}),
                json!({"messages": user, "logit_bias": {"315": 1}}),
                json!({"messages": user, "n": 9}),
                json!({"messages": user, "max_tokens": 0}),
                json!({"messages": user, "reasoning_format": "x"}),
                json!({"messages": []}),
                json!({"messages": [], "input_ids": [320]}),
            ],
        ),
        (
            "CompletionRequest",
            json!({"prompt": ["a", "b"], "logit_bias": {"314": -1}}),
            vec![
                json!({"prompt": ["a", "b"], "n": 2}),
                json!({"prompt": "a", "max_tokens": 0}),
                json!({"prompt": [320]}),
                json!({"prompt": "a", "prompt_logprobs": 1, "stream": true}),
                json!({"prompt": []}),
            ],
        ),
        (
            "GenerateRequest",
            json!({"input_ids": [319], "return_logprob": true, "logprob_start_len": 0, "max_tokens": 0}),
            vec![
                json!({"prompt": "a", "input_ids": [1]}),
                json!({"prompt": "a", "logprob_start_len": 0}),
                json!({"prompt": "a", "max_tokens": 0}),
            ],
        ),
        (
            "TokenizeRequest",
            json!({"messages": user, "tools": [{"function": {"name": "f"}}], "add_special_tokens": true}),
            vec![
                json!({"prompt": "a", "tools": [{"function": {"name": "f"}}]}),
                json!({"content": "a", "add_special_tokens": true}),
                json!({"prompt": "a", "content": "b"}),
            ],
        ),
        (
            "MessageRequest",
            json!({"model": "m", "max_tokens": 1, "messages": user, "tool_choice": {"type": "auto"}}),
            vec![
                json!({"model": "m", "max_tokens": 1, "messages": user, "tool_choice": {}}),
                json!({"model": "m", "max_tokens": 1, "messages": [{"role": "system", "content": "a"}]}),
                json!({"model": "m", "max_tokens": 0, "messages": user}),
                json!({"model": "m", "max_tokens": 1, "messages": user, "context_management": {"edits": [{}]}}),
            ],
        ),
        (
            "ResponseRequest",
            json!({"input": [{"type": "function_call", "call_id": "1", "name": "f", "arguments": "{\"a\":1}"}]}),
            vec![
                json!({"input": [{"type": "function_call", "call_id": "1", "name": "f", "arguments": "{"}]}),
                json!({"input": []}),
                json!({"input": "a", "tools": [{"type": "web_search"}]}),
            ],
        ),
        (
            "EmbeddingRequest",
            json!({"input": ["a", [1, "b"]], "dimensions": 16}),
            vec![json!({"input": ""}), json!({"input": []}), json!({"input": "a", "dimensions": 17})],
        ),
        (
            "AbortRequest",
            json!({"abort_all": true, "abort_message": "a"}),
            vec![json!({}), json!({"request_id": "a"}), json!({"abort_all": false})],
        ),
        (
            "UpdateWeightsRequest",
            json!({"path": "a"}),
            vec![json!({}), json!({"path": "a", "model_path": "a"})],
        ),
    ] {
        assert!(fits(&document, schema, &good), "{schema}: {good}");
        for body in bad {
            assert!(!fits(&document, schema, &body), "{schema}: {body}");
        }
    }
}
