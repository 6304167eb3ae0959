//! Serving on standard input and output, for the one client that has started this process.

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;

use super::ToolServer;
use crate::mcp::McpError;

impl ToolServer {
    /// Serves until the client closes standard input. Nothing else may write to standard output meanwhile.
    ///
    /// # Errors
    /// [`McpError::Serve`] when what arrives is not MCP.
    pub async fn serve_stdio(self) -> Result<(), McpError> {
        let failed = |message: String| McpError::Serve { message };
        let running = match self.serve(stdio_pipes()).await {
            Ok(running) => running,
            // A client that leaves before it has said anything.
            Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => return Err(failed(error.to_string())),
        };
        running.waiting().await.map(drop).map_err(|error| failed(error.to_string()))
    }
}
