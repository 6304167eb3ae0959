//! From generated pieces to content and tool calls.

mod plugin;

pub use plugin::{ReplyDelta, ReplyParser, ToolSyntax};
