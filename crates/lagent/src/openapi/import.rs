//! [`Import`]: the operations of a description, and the tools that they become.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::access::{Access, Tokens};
use super::config::OpenApiConfig;
use super::credential::Credential;
use super::document::{Documents, Node};
use super::error::OpenApiError;
use super::names::Names;
use super::operation::{Operation, Spot};
use super::place::Place;
use super::reach::Reach;
use super::security::{Schemes, schemes};
use super::selection::selects;
use super::server::Server;
use super::tool::{OpenApiTool, Site, spec};
use crate::action::{Action, ToolSettings, ToolSpec};

/// The methods that a path may have.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// Maximum length of an operation's name, which leaves room for that of the service.
const NAME: usize = 48;

/// The operations of one description.
#[derive(Debug)]
pub struct Import {
    place: Place,
    operations: Vec<Arc<Operation>>,
    skipped: Vec<Skipped>,
    schemes: Schemes,
}

/// An operation that does not become a tool.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Skipped {
    /// Method in capitals; `*` if the whole path cannot be read.
    pub method: String,
    /// Path as the description writes it.
    pub path: String,
    /// Why it cannot be called: what was found and what was expected.
    pub reason: String,
}

impl Import {
    /// Reads all operations of a description.
    pub(super) fn of(documents: &Documents) -> Result<Self, OpenApiError> {
        let root = documents.root();
        let place = documents.place().cloned().unwrap_or(Place::File("openapi".into()));
        check_version(root)
            .map_err(|message| OpenApiError::Document { place: place.to_string(), message })?;
        let mut import = Self { place, operations: Vec::new(), skipped: Vec::new(), schemes: schemes(root) };
        let mut names = Names::new(NAME);
        for (path, item) in root.get("paths").into_iter().flat_map(Node::fields) {
            if path.starts_with("x-") {
                continue;
            }
            match item.resolved() {
                Ok(item) => import.read_path((path, item), &mut names),
                Err(reason) => import.skip("*", path, reason),
            }
        }
        Ok(import)
    }

    fn read_path(&mut self, path: (&str, Node<'_>), names: &mut Names) {
        let (path, item) = path;
        for (method, operation) in item.fields().filter(|(method, _)| METHODS.contains(method)) {
            let spot = Spot { method, path, item, operation };
            // The name is given out in any case, so that a fixed description does not rename other tools.
            let name = names.give(&spot.wanted_name());
            match Operation::read(spot, name, &self.schemes) {
                Ok(operation) => self.operations.push(Arc::new(operation)),
                Err(reason) => self.skip(&method.to_ascii_uppercase(), path, reason),
            }
        }
    }

    fn skip(&mut self, method: &str, path: &str, reason: String) {
        self.skipped.push(Skipped { method: method.to_owned(), path: path.to_owned(), reason });
    }

    /// Returns the operations that cannot be called, with the reasons.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Returns the definitions of the tools of all operations, for a service with this name.
    #[must_use]
    pub fn specs(&self, name: &str) -> Vec<ToolSpec> {
        self.operations.iter().map(|operation| spec(name, operation)).collect()
    }

    /// Creates the tools of the operations that the configuration selects, named `NAME.operation`.
    ///
    /// # Errors
    /// [`OpenApiError::Config`] for patterns that select nothing, and for server variables that no server has.
    pub fn actions(
        &self,
        name: &str,
        config: &OpenApiConfig,
        settings: &ToolSettings,
    ) -> Result<Vec<Arc<dyn Action>>, OpenApiError> {
        self.check(name, config)?;
        let reach = Reach::new(&config.allow_private);
        let site = Arc::new(Site { config: config.clone(), settings: settings.clone(), reach });
        let tokens = Arc::new(Tokens::default());
        let selected = self.operations.iter().filter(|operation| is_selected(config, operation));
        let tools = selected.map(|operation| {
            let access = Access::new(&operation.security, config, &self.schemes, &tokens);
            let server = server(operation, config, &self.place);
            Arc::new(OpenApiTool {
                spec: spec(name, operation),
                operation: Arc::clone(operation),
                site: Arc::clone(&site),
                means: server.and_then(|server| Ok((server, access?))),
            }) as Arc<dyn Action>
        });
        Ok(tools.collect())
    }

    /// Finds settings that have no effect, which are mistakes.
    fn check(&self, name: &str, config: &OpenApiConfig) -> Result<(), OpenApiError> {
        let wrong = |(key, message): (&str, String)| OpenApiError::Config {
            name: name.to_owned(),
            key: key.to_owned(),
            message,
        };
        if let Some(problem) = config.problems(name).into_iter().next() {
            return Err(wrong(("config", problem)));
        }
        let idle = self.idle_pattern(config).or_else(|| self.idle_variable(config));
        let idle = idle.or_else(|| self.idle_scheme(config)).or_else(|| bad_server(config));
        idle.map_or(Ok(()), |problem| Err(wrong(problem)))
    }

    fn idle_pattern(&self, config: &OpenApiConfig) -> Option<(&'static str, String)> {
        let is_idle =
            |pattern: &&String| !self.operations.iter().any(|operation| selects(pattern, operation));
        let included = config.include.iter().find(is_idle).map(|pattern| ("include", pattern));
        let (key, pattern) =
            included.or(config.exclude.iter().find(is_idle).map(|pattern| ("exclude", pattern)))?;
        let expected = "expected the name, `METHOD /path` or `tag:NAME` of an operation";
        Some((key, format!("found `{pattern}`, {expected}")))
    }

    fn idle_variable(&self, config: &OpenApiConfig) -> Option<(&'static str, String)> {
        let servers = self.operations.iter().flat_map(|operation| &operation.servers);
        let known: Vec<&str> = servers.flat_map(Server::variables).collect();
        let idle = config.server_variables.keys().find(|name| !known.contains(&name.as_str()))?;
        Some(("server-variables", format!("found `{idle}`, expected a variable of a server")))
    }

    fn idle_scheme(&self, config: &OpenApiConfig) -> Option<(&'static str, String)> {
        let is_idle = |(name, credential): &(&String, &Credential)| {
            credential.kind.is_none() && !self.schemes.contains_key(name.as_str())
        };
        let (idle, _) = config.auth.iter().find(is_idle)?;
        let known: Vec<&str> = self.schemes.keys().map(String::as_str).collect();
        let known = known.join(", ");
        Some(("auth", format!("found `{idle}` without `kind`, expected one of the schemes [{known}]")))
    }
}

fn bad_server(config: &OpenApiConfig) -> Option<(&'static str, String)> {
    let address = config.server.as_ref()?;
    Server::at(address).address(&BTreeMap::new(), None).err().map(|message| ("server", message))
}

/// The address in front of an operation's path.
fn server(operation: &Operation, config: &OpenApiConfig, place: &Place) -> Result<String, String> {
    if let Some(address) = &config.server {
        return Server::at(address).address(&BTreeMap::new(), None);
    }
    let mut reason = "unavailable: needs the key `server`".to_owned();
    for server in &operation.servers {
        match server.address(&config.server_variables, Some(place)) {
            Ok(address) => return Ok(address),
            Err(message) => reason = format!("unavailable: needs the key `server`: {message}"),
        }
    }
    Err(reason)
}

fn is_selected(config: &OpenApiConfig, operation: &Operation) -> bool {
    let any = |patterns: &[String]| patterns.iter().any(|pattern| selects(pattern, operation));
    (config.include.is_empty() || any(&config.include)) && !any(&config.exclude)
}

fn check_version(root: Node<'_>) -> Result<(), String> {
    let expected = "expected OpenAPI 3.0 or 3.1, or a RapidAPI listing";
    if let Some(version) = root.get("swagger") {
        return Err(format!("found Swagger {}, {expected}", version.value));
    }
    let Some(version) = root.get("openapi") else {
        return Err(format!("found no key `openapi`, {expected}"));
    };
    // YAML reads 3.1 without quotes as a number.
    let version = version.value.as_str().map_or_else(|| version.value.to_string(), str::to_owned);
    let is_known =
        ["3.0", "3.1"].iter().any(|known| version == *known || version.starts_with(&format!("{known}.")));
    if is_known { Ok(()) } else { Err(format!("found OpenAPI {version}, {expected}")) }
}
