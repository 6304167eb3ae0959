//! [`McpTool`]: a tool of an MCP server as an action.

use std::sync::Arc;

use serde_json::Value;

use super::options::CallOptions;
use super::remote::Remote;
use super::remote_tool::{Mark, RemoteTool};
use crate::action::{Action, ActionReturn, ActionState, CallContext, ToolSpec};
use crate::mcp::{McpApproval, McpError};

/// One tool of a server.
pub(super) struct McpTool {
    remote: Arc<Remote>,
    tool: RemoteTool,
    approval: McpApproval,
}

impl McpTool {
    pub(super) fn new(remote: Arc<Remote>, tool: RemoteTool, approval: McpApproval) -> Self {
        Self { remote, tool, approval }
    }
}

impl Action for McpTool {
    fn spec(&self) -> ToolSpec {
        self.tool.spec.clone()
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        self.remote.call(&self.tool.name, arguments, &CallOptions::of(context)).unwrap_or_else(|error| {
            let state = match error {
                McpError::Refused { .. } => ActionState::ArgsError,
                McpError::Start { .. } | McpError::Ended { .. } => ActionState::HttpError,
                _ => ActionState::ApiError,
            };
            ActionReturn::error(self.tool.spec.name.as_str(), arguments.clone(), state, error.to_string())
        })
    }

    fn needs_approval(&self) -> bool {
        match self.approval {
            McpApproval::Never => false,
            McpApproval::Marked => self.tool.mark == Mark::Destructive,
            McpApproval::Always => true,
        }
    }
}
