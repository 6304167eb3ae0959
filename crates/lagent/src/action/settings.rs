//! What the tools of an agent may use: a sandbox, a folder for files, and the services that its owner configured.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use internlm_kit::file;
use internlm_kit::sandbox::{Sandbox, SandboxConfig};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Result;

/// Default folder of the files that tools read and write.
const FOLDER: &str = "tool-files";

/// Sandboxes that were proved to work in this process. The proof runs a program, which is too slow for each of
/// the tools; it holds for the machine, so it does not depend on who asked.
static PROVED: Mutex<Vec<Sandbox>> = Mutex::new(Vec::new());

/// What the tools of an agent may use.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSettings {
    /// Level and limits of the programs that tools run.
    pub sandbox: SandboxConfig,
    /// Folder of the files that tools read and write. It is created when the first file is written.
    pub folder: PathBuf,
    /// Services by the name of the tool that uses them.
    pub services: BTreeMap<String, Service>,
}

impl Default for ToolSettings {
    fn default() -> Self {
        Self::new(SandboxConfig::default())
    }
}

impl ToolSettings {
    /// Creates settings with the default folder, `tool-files`, and without services.
    #[must_use]
    pub fn new(sandbox: SandboxConfig) -> Self {
        Self { sandbox, folder: PathBuf::from(FOLDER), services: BTreeMap::new() }
    }

    /// Returns the same settings with another folder for files.
    #[must_use]
    pub fn with_folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..self }
    }

    /// Returns the same settings with the service of one tool.
    #[must_use]
    pub fn with_service(mut self, tool: impl Into<String>, service: Service) -> Self {
        self.services.insert(tool.into(), service);
        self
    }

    /// Returns a sandbox that works here. The level is tried once in a process for the same configuration.
    ///
    /// # Errors
    /// [`Error::Sandbox`](crate::Error::Sandbox) when the requested level does not work here.
    pub fn confined(&self) -> Result<Sandbox> {
        let mut proved = PROVED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sandbox) = proved.iter().find(|sandbox| *sandbox.config() == self.sandbox) {
            return Ok(sandbox.clone());
        }
        let sandbox = Sandbox::new(self.sandbox.clone())?;
        proved.push(sandbox.clone());
        Ok(sandbox)
    }
}

/// The `[services.NAME]` table of an agent file: where a tool's service is and what it may do there.
///
/// Only the file that the person names who starts the agent has such tables. Nothing that a model writes, a page says
/// or a client of the server sends adds one, changes an address or names another key. The file itself is trusted: it
/// says which file or environment variable is read and where its content is sent, so a file of somebody else has to be
/// read like a program before it is used.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Service {
    /// Address of the service. Default: that of the tool if it has one, otherwise the service is not used.
    pub endpoint: Option<String>,
    /// File that contains the API key. The key itself is never written anywhere.
    pub key_file: Option<PathBuf>,
    /// Environment variable that contains the API key, if there is no file.
    pub key_variable: Option<String>,
    /// Hosts that the tool may reach, for tools that open addresses. Default: those of the tool.
    pub allow: Vec<String>,
    /// Settings that only this tool has, such as `model`.
    pub extra: BTreeMap<String, Value>,
}

impl Service {
    /// Creates a service at an address, without a key.
    #[must_use]
    pub fn at(endpoint: impl Into<String>) -> Self {
        Self { endpoint: Some(endpoint.into()), ..Self::default() }
    }

    /// Reads the API key; `None` if the service does not need one. No file or variable is read but the one that the
    /// table names.
    ///
    /// # Errors
    /// A file that cannot be read or a variable that is not set, with its name and without any part of the key.
    pub fn key(&self) -> Result<Option<String>, String> {
        let key = match (&self.key_file, &self.key_variable) {
            (Some(path), _) => file::read_to_string(path).map_err(|error| error.to_string())?,
            (None, Some(name)) => {
                std::env::var(name).map_err(|_| format!("environment variable {name}: not set"))?
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(key.trim().to_owned()))
    }

    /// Returns one of the tool's own settings as text; `None` if it is absent or not a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.extra.get(name).and_then(Value::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_from_the_named_place_or_the_place_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "secret\n").expect("writes");
        let from_file = Service { key_file: Some(path.clone()), ..Service::default() };
        assert_eq!(from_file.key(), Ok(Some("secret".to_owned())));
        let missing = Service { key_file: Some(path.with_extension("no")), ..Service::default() };
        assert!(missing.key().expect_err("missing").contains("key.no"));
        let variable = Service { key_variable: Some("LAGENT_NO_SUCH_KEY".to_owned()), ..Service::default() };
        assert_eq!(variable.key(), Err("environment variable LAGENT_NO_SUCH_KEY: not set".to_owned()));
        assert_eq!(Service::at("http://a").key(), Ok(None));
    }

    #[test]
    fn unknown_keys_of_a_service_are_errors() {
        assert!(toml::from_str::<Service>("endpoint = \"http://a\"\n[extra]\nmodel = \"m\"").is_ok());
        assert!(toml::from_str::<Service>("end-point = \"http://a\"").is_err());
    }
}
