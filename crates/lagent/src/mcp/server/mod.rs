//! The server: the tools of a toolbox for clients on standard input and output, and over HTTP.

mod content;
mod http;
mod keys;
mod stdio;
mod tool_server;

pub use http::HttpConfig;
pub use tool_server::ToolServer;
