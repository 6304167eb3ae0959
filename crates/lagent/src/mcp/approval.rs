//! [`McpApproval`]: which tools of an MCP server a person should approve.

use serde::{Deserialize, Serialize};

/// Which tools of an MCP server need a person's approval. What a server says about its tools is not verified: with a
/// server that is not trusted, `always` is the choice.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum McpApproval {
    /// No tool needs approval because of its server.
    Never,
    /// Tools that their server marks as destructive need approval.
    #[default]
    Marked,
    /// Every tool of the server needs approval.
    Always,
}
