//! Messages <-> ids: InternLM2's chat format with plugins, interpreter and files; loss masks; reply parsing.

mod message;
mod reply;
mod template;

pub use message::{Channel, Message, Role, ToolCall, tools_message};
pub use reply::{Reply, parse_reply, parse_reply_text};
pub use template::{ChatTemplate, Loss, Prompt};
