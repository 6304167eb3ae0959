//! [`Shared`]: what the thread of a server and its callers both see.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use rmcp::model::ProtocolVersion;
use rmcp::service::{Peer, RoleClient, ServiceError};

use super::progress::ProgressTable;
use super::remote_tool::RemoteTool;
use crate::mcp::McpError;

/// The lists of a server, which may change at any time, and its running calls.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) progress: ProgressTable,
    known: RwLock<Known>,
    /// Held while the tools are listed, so that an older list never replaces a newer one.
    listing: tokio::sync::Mutex<()>,
    /// See [`Shared::limit`].
    limit: Duration,
}

/// What is known about a server.
#[derive(Clone, Debug, Default)]
struct Known {
    tools: Vec<RemoteTool>,
    /// Number of times that the list of tools was read and was different.
    changes: u64,
    version: String,
    instructions: Option<String>,
}

impl Shared {
    pub(super) fn new(name: &str, limit: Duration) -> Self {
        Self { name: name.to_owned(), limit, ..Self::default() }
    }

    /// Limit of requests that only read.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    pub(super) fn tools(&self) -> Vec<RemoteTool> {
        self.read(|known| known.tools.clone())
    }

    pub(super) fn changes(&self) -> u64 {
        self.read(|known| known.changes)
    }

    pub(super) fn version(&self) -> String {
        self.read(|known| known.version.clone())
    }

    pub(super) fn instructions(&self) -> Option<String> {
        self.read(|known| known.instructions.clone())
    }

    /// Notes what was agreed when the connection began.
    pub(super) fn set_agreement(&self, version: &ProtocolVersion, instructions: Option<String>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        (known.version, known.instructions) = (version.to_string(), instructions);
    }

    /// Reads the list of tools. A server that has none does not need to answer.
    pub(super) async fn list_tools(&self, peer: &Peer<RoleClient>) -> Result<(), McpError> {
        let _alone = self.listing.lock().await;
        let has_tools = peer.peer_info().is_some_and(|info| info.capabilities.tools.is_some());
        let listed = if has_tools {
            let listed = tokio::time::timeout(self.limit, peer.list_all_tools()).await;
            listed.map_err(|_| self.timeout(self.limit))?.map_err(|error| self.failed(error))?
        } else {
            Vec::new()
        };
        let mut tools: Vec<RemoteTool> = Vec::with_capacity(listed.len());
        for tool in listed {
            if tools.iter().any(|known| known.name == tool.name) {
                tracing::warn!(server = self.name, tool = %tool.name, "listed twice, the first one counts");
            } else {
                tools.push(RemoteTool::new(&self.name, tool));
            }
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.tools != tools {
            known.changes += 1;
            known.tools = tools;
        }
        Ok(())
    }

    /// The error of a request that was sent or could not be.
    pub(super) fn failed(&self, error: ServiceError) -> McpError {
        let name = self.name.clone();
        match error {
            ServiceError::McpError(error) => {
                McpError::Refused { name, message: error.message.into_owned(), code: error.code.0 }
            }
            ServiceError::UnexpectedResponse => McpError::Answer {
                name,
                found: "an answer of another kind".to_owned(),
                expected: "one that fits the request".to_owned(),
            },
            ServiceError::Cancelled { .. } => McpError::Cancelled { name },
            other => McpError::Ended { name, message: other.to_string(), stderr: String::new() },
        }
    }

    pub(super) fn timeout(&self, limit: Duration) -> McpError {
        let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        McpError::Timeout { name: self.name.clone(), milliseconds }
    }

    fn read<T>(&self, of: impl FnOnce(&Known) -> T) -> T {
        of(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}
