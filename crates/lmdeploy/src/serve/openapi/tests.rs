//! The document lists every route and nothing else, and everything it names is there.

use std::collections::BTreeSet;

use super::*;

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
    let document = document(&everything());
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
    let document = document(&everything());
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method];
        assert_eq!(operation["operationId"], route.operation);
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{}", route.path);
        assert!(operation["responses"]["200"]["content"].is_object(), "{}", route.path);
        assert_eq!(operation["requestBody"].is_object(), route.method == "post", "{}", route.path);
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
    let document = document(&everything());
    let mut references = Vec::new();
    values(&document, "$ref", &mut references);
    let used: BTreeSet<&str> = references
        .into_iter()
        .map(|reference| reference.strip_prefix("#/components/schemas/").expect("a schema"))
        .collect();
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    assert_eq!(used, schemas.keys().map(String::as_str).collect());
    assert!(!document.to_string().contains(SHARED_FIELDS));
}

#[test]
fn shared_fields_are_in_every_body_that_has_them() {
    let document = document(&everything());
    let schemas = &document["components"]["schemas"];
    for body in ["ChatCompletionRequest", "CompletionRequest", "GenerateRequest"] {
        assert_eq!(schemas[body]["properties"]["temperature"]["maximum"], 2, "{body}");
    }
    assert_eq!(schemas["CompletionRequest"]["properties"]["max_tokens"]["minimum"], 0);
    assert_eq!(schemas["ChatCompletionRequest"]["properties"]["n"]["maximum"], 128);
    assert!(schemas["GenerateRequest"]["properties"]["n"].is_null());
}

#[test]
fn the_document_is_that_of_the_settings() {
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
