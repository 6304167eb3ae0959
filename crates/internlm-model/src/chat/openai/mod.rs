//! OpenAI's chat messages and tools, and their way to the chat format and back.
//!
//! | from | to | with |
//! |---|---|---|
//! | [`ChatMessage`]s, [`ToolDefinition`]s | [`Message`](super::Message)s | [`read_messages`], [`read_tools`] |
//! | a reply's [`ToolCall`] | [`ToolCall`](super::ToolCall) | [`read_reply_call`] |
//! | [`Message`](super::Message)s | [`ChatMessage`]s | [`write_messages`] |
//!
//! Servers, training sets and agents read and write with the same functions, so that one conversation is one sequence
//! of tokens wherever it comes from. OpenAI's form has function calls only. A call of the code interpreter, and a call
//! that the model got wrong, is written as a call of a function whose name is the channel's mark (`<|interpreter|>`)
//! and whose `arguments` are the text between the marks as it is.

mod called;
mod message;
mod problem;
mod read;
mod tool;
mod write;

pub use message::{ChatMessage, Content, ContentPart, MessageRole};
pub use problem::FieldProblem;
pub use read::{read_messages, read_reply_call, read_tools};
pub use tool::{FunctionCall, ToolCall, ToolDefinition};
pub use write::write_messages;
