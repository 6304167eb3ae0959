//! RapidAPI's listings of endpoints, in the JSON form that tool benchmarks use, as OpenAPI documents.
//!
//! A listing has the name of a tool, its host and an `api_list`; each endpoint has a name, an address, a method, and
//! required and optional parameters. Calls carry the host and the caller's key in headers.

use serde_json::{Map, Value, json};

/// Name of the security scheme of every listing.
const SCHEME: &str = "rapidapi";

/// The OpenAPI document of a listing; `None` if the value is not a listing.
///
/// # Errors
/// What the listing lacks.
pub(super) fn converted(listing: &Value) -> Option<Result<Value, String>> {
    let endpoints = listing.get("api_list")?.as_array()?;
    Some(convert(listing, endpoints))
}

fn convert(listing: &Value, endpoints: &[Value]) -> Result<Value, String> {
    let mut hosts = endpoints
        .iter()
        .filter_map(|endpoint| endpoint.get("url"))
        .filter_map(Value::as_str)
        .filter_map(host);
    let host = text(listing, "host").or_else(|| hosts.next());
    let host = host.ok_or("found no `host` and no endpoint with a whole address")?.to_owned();
    let mut paths = Map::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let wrong = |message: &str| format!("api_list[{index}]: {message}");
        let name = text(endpoint, "name").ok_or_else(|| wrong("found no name"))?;
        let url = text(endpoint, "url").ok_or_else(|| wrong("found no url"))?;
        let method = text(endpoint, "method").unwrap_or("GET").to_ascii_lowercase();
        let path = path(url).ok_or_else(|| wrong("found a url without a path"))?;
        let operation = operation(endpoint, (name, path, &method), &host);
        // Listings name the same path several times; a fragment tells the operations apart.
        let mut free =
            std::iter::once(path.to_owned()).chain((2_u64..).map(|number| format!("{path}#{number}")));
        let is_free = |path: &String| paths.get(path).and_then(|item: &Value| item.get(&method)).is_none();
        let key = free.find(is_free).unwrap_or_default();
        let item = paths.entry(key).or_insert_with(|| json!({}));
        item[&method] = operation;
    }
    Ok(json!({
        "openapi": "3.0.0",
        "info": {"title": text(listing, "tool_name").or(text(listing, "title")).unwrap_or(&host), "version": "1"},
        "servers": [{"url": format!("https://{host}")}],
        "security": [{SCHEME: []}],
        "components": {"securitySchemes": {SCHEME: {"type": "apiKey", "in": "header", "name": "X-RapidAPI-Key"}}},
        "paths": paths,
    }))
}

fn operation(endpoint: &Value, names: (&str, &str, &str), host: &str) -> Value {
    let (name, path, method) = names;
    let sends_body = matches!(method, "post" | "put" | "patch");
    let mut parameters = vec![json!({
        "name": "X-RapidAPI-Host", "in": "header", "required": true, "schema": {"type": "string", "enum": [host]},
    })];
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (key, is_required) in [("required_parameters", true), ("optional_parameters", false)] {
        for parameter in endpoint.get(key).and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = text(parameter, "name") else { continue };
            let schema = schema(parameter);
            let place = if path.contains(&format!("{{{name}}}")) { "path" } else { "query" };
            if place == "query" && sends_body {
                properties.insert(name.to_owned(), schema);
                required.extend(is_required.then(|| name.to_owned()));
            } else {
                parameters
                    .push(json!({"name": name, "in": place, "required": is_required, "schema": schema}));
            }
        }
    }
    let mut operation = json!({
        "operationId": name,
        "description": text(endpoint, "description").unwrap_or(name),
        "parameters": parameters,
    });
    if !properties.is_empty() {
        let schema = json!({"type": "object", "properties": properties, "required": required});
        let is_needed = !required.is_empty();
        operation["requestBody"] =
            json!({"required": is_needed, "content": {"application/json": {"schema": schema}}});
    }
    operation
}

/// The schema of a parameter, whose types RapidAPI names in capitals.
fn schema(parameter: &Value) -> Value {
    let mut schema = match text(parameter, "type").unwrap_or_default().to_ascii_uppercase().as_str() {
        "NUMBER" => json!({"type": "number"}),
        "INTEGER" => json!({"type": "integer"}),
        "BOOLEAN" => json!({"type": "boolean"}),
        "ARRAY" => json!({"type": "array", "items": {}}),
        "OBJECT" => json!({"type": "object"}),
        _ => json!({"type": "string"}),
    };
    if let Some(text) = text(parameter, "description") {
        schema["description"] = json!(text);
    }
    if let Some(default) =
        parameter.get("default").filter(|default| !default.is_null() && **default != json!(""))
    {
        schema["default"] = default.clone();
    }
    schema
}

/// The text of a field; an empty one counts as absent.
fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split('/').next().filter(|host| !host.is_empty())
}

/// The path of an address, without its query: the parameters fill it.
fn path(url: &str) -> Option<&str> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => url,
    };
    path.split(['?', '#']).next().filter(|path| path.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_becomes_a_document() {
        let listing = json!({
            "tool_name": "Weather", "host": "weather.p.rapidapi.com",
            "api_list": [
                {
                    "name": "Forecast", "url": "https://weather.p.rapidapi.com/forecast/{city}?x=1", "method": "GET",
                    "required_parameters": [{"name": "city", "type": "STRING"}],
                    "optional_parameters": [{"name": "days", "type": "NUMBER", "default": 3, "description": "Days."}],
                },
                {"name": "Again", "url": "https://weather.p.rapidapi.com/forecast/{city}", "method": "GET"},
                {"name": "Report", "url": "/report", "method": "POST", "required_parameters": [{"name": "text", "type": "STRING"}]},
            ],
        });
        let document = converted(&listing).expect("is a listing").expect("is complete");
        assert_eq!(document["servers"][0]["url"], "https://weather.p.rapidapi.com");
        let forecast = &document["paths"]["/forecast/{city}"]["get"];
        assert_eq!(
            forecast["parameters"][1],
            json!({"name": "city", "in": "path", "required": true, "schema": {"type": "string"}})
        );
        assert_eq!(
            forecast["parameters"][2]["schema"],
            json!({"type": "number", "description": "Days.", "default": 3})
        );
        assert_eq!(document["paths"]["/forecast/{city}#2"]["get"]["operationId"], "Again");
        let body =
            &document["paths"]["/report"]["post"]["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["required"], json!(["text"]));
        assert!(converted(&json!({"openapi": "3.0.0"})).is_none());
        assert!(
            converted(&json!({"api_list": [{"name": "x", "url": "/x"}]})).expect("is a listing").is_err()
        );
    }
}
