//! One operation of a description, with everything that a call needs.

use serde_json::{Map, Value, json};

use super::body::Body;
use super::document::Node;
use super::names::{LIMIT, Names};
use super::parameter::{Location, Need, Parameter};
use super::schema::{Schemas, shortened};
use super::security::{Alternatives, Schemes, alternatives};
use super::server::Server;
use super::shape::{Shape, accepted};

/// Maximum length of a tool's description, characters.
const DESCRIPTION: usize = 1000;

/// An operation that can be called.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// The name in calls, without the name of the service.
    pub(super) name: String,
    /// The method in capitals.
    pub(super) method: String,
    /// The template of the path, which begins with `/`.
    pub(super) path: String,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    /// Servers in order of preference; never empty.
    pub(super) servers: Vec<Server>,
    pub(super) security: Alternatives,
    /// The media type of the answer.
    pub(super) accept: String,
    pub(super) shape: Shape,
}

/// Where an operation is in its description.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    /// The method in lower case.
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// The path's own object, whose parameters and servers count for all methods.
    pub(super) item: Node<'a>,
    pub(super) operation: Node<'a>,
}

impl Spot<'_> {
    /// The name that the operation asks for.
    pub(super) fn wanted_name(&self) -> String {
        let own = self.operation.text("operationId").map(str::trim).filter(|name| !name.is_empty());
        own.map_or_else(|| format!("{}_{}", self.method, self.path), str::to_owned)
    }
}

impl Operation {
    /// Reads an operation and gives it a name.
    ///
    /// # Errors
    /// The reason why it cannot be called.
    pub(super) fn read(spot: Spot<'_>, name: String, schemes: &Schemes) -> Result<Self, String> {
        if !spot.operation.value.is_object() {
            return Err(format!("found {}, expected an operation", spot.operation.value));
        }
        if spot.method == "trace" {
            return Err("found the method trace, which sends the request back with its keys".to_owned());
        }
        let mut schemas = Schemas::new();
        let mut parameters = parameters(spot, &mut schemas)?;
        check_path(spot.path, &parameters)?;
        let body = match spot.operation.get("requestBody") {
            Some(node) => Body::read(node, &mut schemas)?,
            None => None,
        };
        let body = name_arguments(&mut parameters, body);
        Ok(Self {
            name,
            method: spot.method.to_ascii_uppercase(),
            path: spot.path.to_owned(),
            description: description(spot),
            tags: spot
                .operation
                .list("tags")
                .filter_map(|tag| tag.value.as_str())
                .map(str::to_owned)
                .collect(),
            parameters,
            body,
            servers: servers(spot),
            security: alternatives(spot.operation, schemes)?,
            accept: accepted(spot.operation),
            shape: Shape::of_success(spot.operation),
        })
    }

    /// The JSON Schema of a call's arguments.
    pub(super) fn arguments(&self) -> Value {
        let asked = self.parameters.iter().filter(|parameter| parameter.constant.is_none());
        let parameters = asked.map(|parameter| (&parameter.argument, &parameter.schema, parameter.need));
        let body = self.body.iter().map(|body| (&body.argument, &body.schema, body.need));
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (argument, schema, need) in parameters.chain(body) {
            properties.insert(argument.clone(), schema.clone());
            if need == Need::Required {
                required.push(argument.clone());
            }
        }
        json!({"type": "object", "properties": properties, "required": required})
    }

    /// Whether a call only reads.
    pub(super) fn only_reads(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }
}

/// The parameters of the path and of the operation, which replaces those of the same name and place.
fn parameters<'a>(spot: Spot<'a>, schemas: &mut Schemas<'a>) -> Result<Vec<Parameter>, String> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for node in spot.item.list("parameters").chain(spot.operation.list("parameters")) {
        let Some(parameter) = Parameter::read(node, schemas)? else { continue };
        match parameters.iter_mut().find(|known| known.is_same(&parameter)) {
            Some(known) => *known = parameter,
            None => parameters.push(parameter),
        }
    }
    Ok(parameters)
}

/// Every `{name}` of the path needs a parameter.
fn check_path(path: &str, parameters: &[Parameter]) -> Result<(), String> {
    let mut rest = path.split('#').next().unwrap_or_default().to_owned();
    for parameter in parameters.iter().filter(|parameter| parameter.location == Location::Path) {
        rest = rest.replace(&format!("{{{}}}", parameter.name), "");
    }
    let missing = rest.split_once('{').and_then(|(_, after)| after.split_once('}'));
    missing.map_or(Ok(()), |(name, _)| Err(format!("path: found `{{{name}}}`, which is not a parameter")))
}

/// Arguments have the names of their parameters; the second of one name gets a number.
fn name_arguments(parameters: &mut [Parameter], body: Option<Body>) -> Option<Body> {
    let mut names = Names::new(LIMIT);
    for parameter in parameters.iter_mut() {
        parameter.argument = names.give(&parameter.name);
    }
    body.map(|body| Body { argument: names.give(&body.argument), ..body })
}

fn description(spot: Spot<'_>) -> String {
    let text = |name| spot.operation.text(name).map(str::trim).filter(|text| !text.is_empty());
    let whole = match (text("summary"), text("description")) {
        (Some(summary), Some(description)) if description.starts_with(summary.trim_end_matches('.')) => {
            description.to_owned()
        }
        (Some(summary), Some(description)) => format!("{}. {description}", summary.trim_end_matches('.')),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => format!("{} {}", spot.method.to_ascii_uppercase(), spot.path),
    };
    shortened(&whole, DESCRIPTION)
}

/// The servers of the operation, of its path or of the whole description, whoever says it first.
fn servers(spot: Spot<'_>) -> Vec<Server> {
    let lists = [spot.operation, spot.item, spot.operation.root()].map(Server::list);
    let servers = lists.into_iter().find(|servers| !servers.is_empty());
    servers.unwrap_or_else(|| vec![Server::own()])
}
