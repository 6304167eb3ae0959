//! [`Remote`]: a server as its callers see it: blocking requests and their results.

use std::path::PathBuf;
use std::sync::Arc;

use rmcp::model::CallToolRequestParams;
use serde_json::Value;

use super::options::CallOptions;
use super::result::Files;
use super::session::Session;
use super::shared::Shared;
use super::worker::Worker;
use crate::action::{ActionReturn, ActionState};
use crate::mcp::{McpConfig, McpError};

/// One server for any number of callers.
pub(super) struct Remote {
    pub(super) shared: Arc<Shared>,
    pub(super) worker: Worker,
    files: PathBuf,
}

impl Remote {
    /// Connects to a server and reads its tools.
    pub(super) fn connect(name: &str, config: &McpConfig) -> Result<Self, McpError> {
        let shared = Arc::new(Shared::new(name, config.start_timeout()));
        let worker = Worker::start(Session::new(Arc::clone(&shared), config.clone()))?;
        worker.run(|session| async move { session.link().await.map(drop) })?;
        Ok(Self { shared, worker, files: config.files.clone() })
    }

    /// Calls a tool. A result that the server marks as an error is a result.
    pub(super) fn call(
        &self,
        tool: &str,
        arguments: &Value,
        options: &CallOptions,
    ) -> Result<ActionReturn, McpError> {
        let kind = format!("{}.{tool}", self.shared.name);
        let mut params = CallToolRequestParams::new(tool.to_owned());
        match arguments {
            Value::Object(arguments) => params = params.with_arguments(arguments.clone()),
            Value::Null => {}
            other => {
                let message = format!("invalid json format: {other}");
                return Ok(ActionReturn::error(kind, other.clone(), ActionState::ArgsError, message));
            }
        }
        let asked = options.clone();
        let result = self.worker.run(move |session| async move { session.call(params, &asked).await })?;
        Files::of(&self.files, &options.session)
            .action_return((kind, arguments.clone()), result)
            .map_err(|error| McpError::File { name: self.shared.name.clone(), message: error.to_string() })
    }
}
