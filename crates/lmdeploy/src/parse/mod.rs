//! From generated pieces to content and tool calls.

mod plugin;
mod python_json;

pub use plugin::{ReplyDelta, ReplyParser, ToolSyntax};
pub use python_json::python_json;
