//! The `[openapi.NAME]` table of an agent file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::credential::Credential;

/// Maximum length of a service's name, so that the names of its tools stay short enough for model servers.
const NAME: usize = 15;

/// A service whose operations become tools, named `NAME.operation`.
///
/// ```
/// let text = r#"
/// source = "specs/petstore.yaml"
/// server = "https://petstore.example.com/v1"
/// include = ["listPets", "GET /pets/*"]
/// [auth.api_key]
/// key-variable = "PETSTORE_KEY"
/// "#;
/// let config: lagent::openapi::OpenApiConfig = toml::from_str(text)?;
/// assert_eq!(config.pages, 1);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct OpenApiConfig {
    /// File or address of the description: OpenAPI 3.0 or 3.1, JSON or YAML, or a RapidAPI listing of endpoints.
    pub source: String,
    /// Address that replaces every server of the description. Default: the first server that it lists.
    #[serde(default)]
    pub server: Option<String>,
    /// Values of variables in the description's servers. Default: those of the description.
    #[serde(default)]
    pub server_variables: BTreeMap<String, String>,
    /// Credentials by the name of the security scheme.
    #[serde(default)]
    pub auth: BTreeMap<String, Credential>,
    /// Whether operations that ask for credentials are called without them. Default: no.
    #[serde(default)]
    pub anonymous: Anonymous,
    /// Headers that are sent with every call. They are not secret: keys belong into `auth`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Operations that become tools: names, `METHOD /path` or `tag:NAME`, where `*` is any text. Default: all.
    #[serde(default)]
    pub include: Vec<String>,
    /// Operations that do not become tools, in the same notation. Default: none.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Calls that a person approves. Default: `writes`.
    #[serde(default)]
    pub approve: Approve,
    /// Hosts that may have addresses of private networks or of this machine. Default: none.
    #[serde(default)]
    pub allow_private: Vec<String>,
    /// Maximum number of pages that one call reads. Default: 1, which leaves further pages to the model.
    #[serde(default = "one")]
    pub pages: usize,
    /// Maximum length of a result in characters; longer ones are shortened. Default: 8,000.
    #[serde(default = "eight_thousand")]
    pub max_characters: usize,
}

/// Whether credentials may be left out.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anonymous {
    /// A tool without its credentials is unavailable.
    #[default]
    No,
    /// Calls are made without credentials where there are no credentials.
    Yes,
}

/// Which calls of a service a person approves.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approve {
    /// All calls but those that read: `GET`, `HEAD` and `OPTIONS`.
    #[default]
    Writes,
    /// Every call of the service.
    All,
    /// No call, also of operations that change something.
    Nothing,
}

fn one() -> usize {
    1
}

fn eight_thousand() -> usize {
    8000
}

impl OpenApiConfig {
    /// Creates the configuration of a service without credentials.
    #[must_use]
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            server: None,
            server_variables: BTreeMap::new(),
            auth: BTreeMap::new(),
            anonymous: Anonymous::No,
            headers: BTreeMap::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            approve: Approve::Writes,
            allow_private: Vec::new(),
            pages: one(),
            max_characters: eight_thousand(),
        }
    }

    /// Returns the same configuration with the address of the server.
    #[must_use]
    pub fn with_server(self, server: impl Into<String>) -> Self {
        Self { server: Some(server.into()), ..self }
    }

    /// Returns the same configuration with the credential of a security scheme.
    #[must_use]
    pub fn with_auth(mut self, scheme: impl Into<String>, credential: Credential) -> Self {
        self.auth.insert(scheme.into(), credential);
        self
    }

    /// Returns the same configuration with one more host that may be private.
    #[must_use]
    pub fn with_private(mut self, host: impl Into<String>) -> Self {
        self.allow_private.push(host.into());
        self
    }

    /// Returns every problem that can be found without the description, as `openapi.NAME.KEY: found X, expected Y`.
    #[must_use]
    pub fn problems(&self, name: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || b"_-".contains(&letter);
        if name.is_empty() || name.len() > NAME || !name.bytes().all(is_plain) {
            let expected = format!("expected 1 to {NAME} letters, digits, `_` or `-`");
            problems.push(format!("openapi.{name}: found this name, {expected}"));
        }
        for (key, found) in [("pages", self.pages), ("max-characters", self.max_characters)] {
            if found == 0 {
                problems.push(format!("openapi.{name}.{key}: found 0, expected at least 1"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_named() {
        assert!(OpenApiConfig::new("a.json").problems("pets").is_empty());
        let wrong = OpenApiConfig { pages: 0, ..OpenApiConfig::new("a.json") };
        assert_eq!(wrong.problems("a.b").len(), 2);
        assert!(toml::from_str::<OpenApiConfig>("source = \"a\"\nsever = \"x\"").is_err());
    }
}
