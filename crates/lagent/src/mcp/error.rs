//! The error type of the MCP client and server.

use internlm_kit::exit::BadInput;

/// The reason why an MCP server could not be used, or ours could not serve.
///
/// A tool that fails is not an error: that is a result, which the model reads.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum McpError {
    /// Values of the server's table in the agent file are wrong.
    #[error("mcp.{name}: {}", problems.join("; "))]
    Config {
        /// Name of the server.
        name: String,
        /// What was found and what was expected, for each problem.
        problems: Vec<String>,
    },
    /// The server could not be started or reached, or is not an MCP server.
    #[error("mcp.{name}: cannot start: {message}{}", said(stderr))]
    Start {
        /// Name of the server.
        name: String,
        /// What failed, in words.
        message: String,
        /// The last lines of the program's standard error; empty if it has written none.
        stderr: String,
    },
    /// The server speaks only other versions of the protocol.
    #[error("mcp.{name}: found version {found} of the protocol, expected one of {expected}")]
    Version {
        /// Name of the server.
        name: String,
        /// The version that the server insists on.
        found: String,
        /// The versions that are known here.
        expected: String,
    },
    /// The server refused a request: the tool, resource or prompt does not exist, or an argument is wrong.
    #[error("mcp.{name}: the server refused the request: {message} (code {code})")]
    Refused {
        /// Name of the server.
        name: String,
        /// What the server said.
        message: String,
        /// The error code of JSON-RPC.
        code: i32,
    },
    /// The connection ended while a request was open. The server may have acted, so the request is not repeated.
    #[error("mcp.{name}: the server ended before it answered: {message}{}", said(stderr))]
    Ended {
        /// Name of the server.
        name: String,
        /// What the connection says.
        message: String,
        /// The last lines of the program's standard error; empty if it has written none.
        stderr: String,
    },
    /// The server did not answer in time and was told to stop working on the request.
    #[error("mcp.{name}: the server did not answer within {milliseconds} ms")]
    Timeout {
        /// Name of the server.
        name: String,
        /// The limit that was reached.
        milliseconds: u64,
    },
    /// Somebody stopped the call, and the server was told so.
    #[error("mcp.{name}: the call was cancelled")]
    Cancelled {
        /// Name of the server.
        name: String,
    },
    /// The server's answer does not fit the request.
    #[error("mcp.{name}: found {found}, expected {expected}")]
    Answer {
        /// Name of the server.
        name: String,
        /// What the server sent.
        found: String,
        /// What the protocol demands, or what is supported here.
        expected: String,
    },
    /// A file that a server returned could not be written.
    #[error("mcp.{name}: {message}")]
    File {
        /// Name of the server.
        name: String,
        /// The path and what failed.
        message: String,
    },
    /// Our own server could not listen or serve.
    #[error("mcp server: {message}")]
    Serve {
        /// What failed, in words.
        message: String,
    },
}

/// What a program has written before it ended.
fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("; it wrote: {stderr}") }
}

impl BadInput for McpError {
    /// A server that is not there counts as bad input: the input names it, and nothing was done yet.
    fn is_bad_input(&self) -> bool {
        matches!(self, Self::Config { .. } | Self::Start { .. } | Self::Version { .. } | Self::Serve { .. })
    }
}
