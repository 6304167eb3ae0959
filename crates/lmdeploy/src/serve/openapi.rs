//! The OpenAPI 3.1 document of the server: what the files in its folder say about each operation, put together in
//! the order of the routes.
//!
//! Each file describes one area: `operations` by their names in [`ROUTES`], and `schemas`. What many operations have in
//! common is added here: the errors that their kind of route answers, the header that names a request, the keys, and the
//! fields that several bodies share (`x-fields` names the schema that has them). Bounds that depend on the model are put
//! in as [`Bounds`].

mod bounds;

pub(super) use self::bounds::Bounds;

use serde_json::{Map, Value, json};

use super::forms::Form;
use super::routes::{Access, ROUTES, Route};
use crate::config::ServerConfig;

/// The files, one for each area.
const AREAS: [&str; 11] = [
    include_str!("openapi/chat.json"),
    include_str!("openapi/completions.json"),
    include_str!("openapi/responses.json"),
    include_str!("openapi/messages.json"),
    include_str!("openapi/models.json"),
    include_str!("openapi/generate.json"),
    include_str!("openapi/embeddings.json"),
    include_str!("openapi/encode.json"),
    include_str!("openapi/admin.json"),
    include_str!("openapi/generation.json"),
    include_str!("openapi/errors.json"),
];
/// What the document says of the whole server.
const DESCRIPTION: &str = "Serve a language model: the APIs of OpenAI and Anthropic, and those of LMDeploy. Chats, \
    embeddings, models and responses are at their paths without `/v1` as well, `/health` is `/v1/health` too, and \
    `/wakeup` is `/wake_up`.";
/// What a schema names to have the fields of another one as well.
const SHARED_FIELDS: &str = "x-fields";

/// Everything that the files say.
#[derive(Debug, Default)]
struct Areas {
    operations: Map<String, Value>,
    schemas: Map<String, Value>,
}

/// The document of a server with these settings and a model with these bounds: it lists the routes that this server has.
pub(super) fn document(config: &ServerConfig, bounds: &Bounds) -> Value {
    let mut areas = Areas::read();
    areas.schemas.values_mut().for_each(|schema| bounds.complete(schema));
    let mut paths = Map::new();
    for route in ROUTES.iter().filter(|route| is_listed(route, config)) {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = areas.operation(route);
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "lmdeploy",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": areas.schemas },
    });
    if !config.api_keys.is_empty() {
        document["components"]["securitySchemes"] = json!({
            "bearer": { "type": "http", "scheme": "bearer" },
            "key": { "type": "apiKey", "in": "header", "name": "x-api-key" },
        });
        document["security"] = json!([{ "bearer": [] }, { "key": [] }]);
    }
    document
}

/// A route that would only refuse is not listed.
fn is_listed(route: &Route, config: &ServerConfig) -> bool {
    route.is_served(config) && (route.path != "/terminate" || config.allow_terminate_by_client)
}

impl Areas {
    fn read() -> Self {
        let mut areas = Self::default();
        for text in AREAS {
            let mut area: Value = serde_json::from_str(text).expect("a test reads every file");
            for (name, all) in [("operations", &mut areas.operations), ("schemas", &mut areas.schemas)] {
                if let Value::Object(entries) = area[name].take() {
                    all.extend(entries);
                }
            }
        }
        areas.share_fields();
        areas
    }

    /// Copies the fields that schemas have from others, so that each schema can be read alone.
    fn share_fields(&mut self) {
        let before = self.schemas.clone();
        for schema in self.schemas.values_mut() {
            let Some(name) = schema.as_object_mut().and_then(|schema| schema.remove(SHARED_FIELDS)) else {
                continue;
            };
            let shared = name.as_str().and_then(|name| before.get(name)?.get("properties")?.as_object());
            if let (Some(shared), Some(own)) = (shared, schema["properties"].as_object_mut()) {
                for (field, description) in shared {
                    own.entry(field.as_str()).or_insert_with(|| description.clone());
                }
            }
        }
        self.schemas.retain(|name, _| !name.ends_with("Fields"));
    }

    /// The operation of a route, with what all routes of its kind have.
    fn operation(&self, route: &Route) -> Value {
        let mut operation = self.operations.get(route.operation).cloned().unwrap_or_else(|| json!({}));
        operation["operationId"] = json!(route.operation);
        if route.access == Access::Public {
            operation["security"] = json!([]);
        }
        if let Some(responses) = operation["responses"].as_object_mut() {
            for (status, description) in errors(route) {
                let response = || json!({ "description": description, "content": error_content(route) });
                responses.entry(*status).or_insert_with(response);
            }
            for response in responses.values_mut() {
                response["headers"]["x-request-id"] =
                    json!({ "description": "The name of the request.", "schema": { "type": "string" } });
            }
        }
        operation
    }
}

/// Errors that routes of a kind answer, by status.
fn errors(route: &Route) -> &'static [(&'static str, &'static str)] {
    const PUBLIC: &[(&str, &str)] = &[];
    const READ: &[(&str, &str)] = &[("401", "The key is missing or wrong.")];
    const BODY: &[(&str, &str)] = &[
        ("400", "The request is wrong; the message names the field."),
        ("401", "The key is missing or wrong."),
        ("404", "There is no such model."),
        ("413", "The body is larger than 32 MiB."),
        ("500", "The model failed."),
        ("503", "The server is shutting down."),
    ];
    const INFERENCE: &[(&str, &str)] = &[
        ("400", "The request is wrong; the message names the field."),
        ("401", "The key is missing or wrong."),
        ("404", "There is no such model."),
        ("413", "The body is larger than 32 MiB."),
        ("429", "The queue is full; `Retry-After` says when to try again."),
        ("500", "The model failed."),
        ("503", "The server is shutting down, or the cache cannot hold the request."),
        ("504", "The request's time was up."),
    ];
    match (route.access, route.method) {
        (Access::Public, _) => PUBLIC,
        (Access::Inference, _) => INFERENCE,
        (_, "post") => BODY,
        _ => READ,
    }
}

/// The content of an error in the form that the route's clients read.
fn error_content(route: &Route) -> Value {
    let schema = match Form::of(route.path) {
        Form::Superset => "Error",
        Form::Nested => "NestedError",
        Form::Anthropic => "AnthropicError",
    };
    json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } })
}

#[cfg(test)]
mod tests;
