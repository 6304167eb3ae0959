//! The client: servers that are programs or addresses, and their tools as actions.
//!
//! Every server has a thread with a runtime of its own, since actions are blocking calls that may come from anywhere.
//! A program that has ended is started again for the next request.

mod ask;
mod call;
mod child;
mod handler;
mod http;
mod link;
mod listing;
mod options;
mod progress;
mod remote;
mod remote_tool;
mod result;
mod server;
mod servers;
mod session;
mod shared;
mod stderr_tail;
mod tool;
mod worker;

pub use listing::{McpArgument, McpBody, McpContent, McpPrompt, McpResource};
pub use options::CallOptions;
pub use progress::{OnProgress, Progress};
pub use server::McpServer;
pub use servers::McpServers;
