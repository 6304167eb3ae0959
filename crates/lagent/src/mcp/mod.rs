//! The Model Context Protocol: tools of other programs for our agents, and our tools for other programs.
//!
//! | direction | type | transports |
//! |---|---|---|
//! | client | [`McpServers`], [`McpServer`]: every tool of a server is an [`Action`](crate::action::Action) `NAME.tool` | a program's standard input and output, streamable HTTP |
//! | server | [`ToolServer`]: every tool of a [`Toolbox`](crate::action::Toolbox) | the same two |
//!
//! The version of the protocol is negotiated: 2026-07-28 and, with an older peer, everything back to 2024-11-05. Unknown
//! fields are ignored. A server that asks for input of a person (elicitation) is refused.
//!
//! The wire format is that of the crate `rmcp`; none of its types appears here.

mod approval;
mod client;
mod config;
mod error;
mod server;

pub use approval::McpApproval;
pub use client::{
    CallOptions, McpArgument, McpBody, McpContent, McpPrompt, McpResource, McpServer, McpServers, OnProgress,
    Progress,
};
pub use config::McpConfig;
pub use error::McpError;
pub use server::{HttpConfig, ToolServer};
