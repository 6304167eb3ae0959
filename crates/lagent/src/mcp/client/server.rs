//! [`McpServer`]: a connected MCP server, its tools, resources and prompts.

use std::collections::BTreeMap;
use std::sync::Arc;

use internlm_kit::config::Validate;
use internlm_model::chat::Message;
use rmcp::model::{
    GetPromptRequestParams, GetPromptResponse, ReadResourceRequestParams, ReadResourceResponse,
};
use rmcp::service::{Peer, RoleClient, ServiceError};
use serde_json::Value;

use super::listing::{McpContent, McpPrompt, McpResource};
use super::options::CallOptions;
use super::remote::Remote;
use super::remote_tool::RemoteTool;
use super::result::Files;
use super::tool::McpTool;
use crate::action::{Action, ActionReturn};
use crate::mcp::{McpConfig, McpError};

/// A connected server. Clones share the connection; it is closed by [`McpServer::close`], or when the last clone and
/// the last of its tools are dropped.
///
/// All methods block. A program that has ended is started again by the next request.
///
/// ```no_run
/// use lagent::mcp::{CallOptions, McpConfig, McpServer};
///
/// let config = McpConfig::program("lagent", ["mcp", "serve", "--tool", "Calculator"]);
/// let server = McpServer::connect("local", &config)?;
/// let arguments = serde_json::json!({"expression": "2^10"});
/// assert_eq!(server.call("Calculator", &arguments, &CallOptions::default())?.for_model(), "1024");
/// # Ok::<(), lagent::mcp::McpError>(())
/// ```
#[derive(Clone)]
pub struct McpServer {
    remote: Arc<Remote>,
    config: Arc<McpConfig>,
}

impl McpServer {
    /// Starts or reaches a server, agrees on a version of the protocol and reads the list of tools. `name` is the
    /// prefix of the tools' names.
    ///
    /// # Errors
    /// [`McpError::Config`] for wrong settings and for chosen tools that the server does not have;
    /// [`McpError::Start`] and [`McpError::Version`] for a server that cannot be used.
    pub fn connect(name: &str, config: &McpConfig) -> Result<Self, McpError> {
        let invalid = |problems: Vec<String>| McpError::Config { name: name.to_owned(), problems };
        let mut problems = config.problems();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_plain) {
            problems.push("found such a name, expected letters, digits, `-` and `_`".to_owned());
        }
        if !problems.is_empty() {
            return Err(invalid(problems));
        }
        let remote = Arc::new(Remote::connect(name, config)?);
        let server = Self { remote, config: Arc::new(config.clone()) };
        let missing = server.missing();
        if missing.is_empty() { Ok(server) } else { Err(invalid(missing)) }
    }

    /// Returns the prefix of the tools' names.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.remote.shared.name
    }

    /// Returns the agreed version of the protocol, a date.
    #[must_use]
    pub fn version(&self) -> String {
        self.remote.shared.version()
    }

    /// Returns what the server has to say about its use; a host may put it into the prompt.
    #[must_use]
    pub fn instructions(&self) -> Option<String> {
        self.remote.shared.instructions()
    }

    /// Returns how often the list of tools has changed, starting with 1 unless the list is empty.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.remote.shared.changes()
    }

    /// Returns the tools of this moment, as far as the settings choose them.
    #[must_use]
    pub fn tools(&self) -> Vec<Arc<dyn Action>> {
        let tools = self.remote.shared.tools().into_iter().filter(|tool| self.is_chosen(tool));
        tools
            .map(|tool| {
                Arc::new(McpTool::new(Arc::clone(&self.remote), tool, self.config.approval))
                    as Arc<dyn Action>
            })
            .collect()
    }

    /// Calls a tool by the server's name for it, whether the settings choose it or not. A tool that fails is a result.
    ///
    /// # Errors
    /// [`McpError`] when there is no result: the server refuses, ends, or does not answer in time.
    pub fn call(
        &self,
        tool: &str,
        arguments: &Value,
        options: &CallOptions,
    ) -> Result<ActionReturn, McpError> {
        self.remote.call(tool, arguments, options)
    }

    /// Lists the resources; empty for a server that has none.
    ///
    /// # Errors
    /// [`McpError`] when the server does not answer, or not with a list.
    pub fn resources(&self) -> Result<Vec<McpResource>, McpError> {
        let listed = self.request(|peer| async move {
            let has = peer.peer_info().is_some_and(|info| info.capabilities.resources.is_some());
            if has { peer.list_all_resources().await } else { Ok(Vec::new()) }
        })?;
        Ok(listed.into_iter().map(McpResource::from).collect())
    }

    /// Reads a resource by its address.
    ///
    /// # Errors
    /// [`McpError::Refused`] for an unknown one; otherwise like [`McpServer::resources`].
    pub fn read_resource(&self, uri: &str) -> Result<Vec<McpContent>, McpError> {
        let params = ReadResourceRequestParams::new(uri);
        let read = self.request(|peer| async move {
            match peer.read_resource_once(params).await? {
                ReadResourceResponse::Complete(result) => Ok(result.contents),
                _ => Err(ServiceError::UnexpectedResponse),
            }
        })?;
        let decoded = read.into_iter().map(McpContent::decode).collect::<Result<Vec<_>, _>>();
        decoded.map_err(|found| self.odd(found, "text or base64"))
    }

    /// Lists the prompts; empty for a server that has none.
    ///
    /// # Errors
    /// Like [`McpServer::resources`].
    pub fn prompts(&self) -> Result<Vec<McpPrompt>, McpError> {
        let listed = self.request(|peer| async move {
            let has = peer.peer_info().is_some_and(|info| info.capabilities.prompts.is_some());
            if has { peer.list_all_prompts().await } else { Ok(Vec::new()) }
        })?;
        Ok(listed.into_iter().map(McpPrompt::from).collect())
    }

    /// Fills in a prompt. Content that is not text is saved, and named in the message as in results of tools.
    ///
    /// # Errors
    /// [`McpError::Refused`] for an unknown prompt or a missing argument; otherwise like [`McpServer::resources`].
    pub fn prompt(&self, name: &str, arguments: &BTreeMap<String, String>) -> Result<Vec<Message>, McpError> {
        let values = arguments.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        let params = GetPromptRequestParams::new(name).with_arguments(values.collect());
        let filled = self.request(|peer| async move {
            match peer.get_prompt_once(params).await? {
                GetPromptResponse::Complete(result) => Ok(result.messages),
                _ => Err(ServiceError::UnexpectedResponse),
            }
        })?;
        let files = Files::of(&self.config.files, "");
        let messages =
            filled.into_iter().map(|message| files.message(message)).collect::<Result<Vec<_>, _>>();
        messages.map_err(|error| McpError::File { name: self.name().to_owned(), message: error.to_string() })
    }

    /// Closes the connection, ends the server if it is a program, and waits for both. Later requests fail.
    pub fn close(&self) {
        self.remote.worker.close();
    }

    /// Chosen tools that the server does not have, as problems of the settings.
    fn missing(&self) -> Vec<String> {
        let listed = self.remote.shared.tools();
        let known: Vec<&str> = listed.iter().map(|tool| tool.name.as_str()).collect();
        let chosen = self.config.tools.iter().flatten();
        let missing = chosen.filter(|name| !known.contains(&name.as_str()));
        missing.map(|name| format!("tools: found `{name}`, expected one of {}", known.join(", "))).collect()
    }

    fn is_chosen(&self, tool: &RemoteTool) -> bool {
        self.config.tools.as_ref().is_none_or(|chosen| chosen.contains(&tool.name))
    }

    /// Sends a request that only reads.
    fn request<T, F, W>(&self, request: F) -> Result<T, McpError>
    where
        T: Send + 'static,
        F: FnOnce(Peer<RoleClient>) -> W + Send + 'static,
        W: Future<Output = Result<T, ServiceError>> + Send + 'static,
    {
        self.remote.worker.run(|session| async move {
            let link = session.link().await?;
            session.within_limit(request(link.peer.clone())).await
        })
    }

    fn odd(&self, found: &str, expected: &str) -> McpError {
        McpError::Answer {
            name: self.name().to_owned(),
            found: found.to_owned(),
            expected: expected.to_owned(),
        }
    }
}

impl std::fmt::Debug for McpServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("McpServer").field("name", &self.name()).field("config", &self.config).finish()
    }
}
