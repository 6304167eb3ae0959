//! Messages <-> ids: InternLM2's chat format with plugins, interpreter and files; loss masks; reply parsing.
//!
//! ```text
//! <s><|im_start|>system name=<|plugin|>
//! [{"name": "Calculator", ..}]<|im_end|>
//! <|im_start|>user
//! What is 12*34?<|im_end|>
//! <|im_start|>assistant
//! <|action_start|><|plugin|>
//! {"name": "Calculator", "parameters": {"expression": "12*34"}}<|action_end|><|im_end|>
//! <|im_start|>environment name=<|plugin|>
//! 408<|im_end|>
//! ```
//!
//! Follows InternLM's `chat/chat_format_v2_5.md` and lmdeploy's `InternLM2Chat7B` template.

mod jinja;
mod message;
mod python_json;
mod reply;
mod segments;
mod strftime;
mod template;

pub use jinja::JinjaTemplate;
pub use message::{Channel, Message, Role, ToolCall, tools_message};
pub use python_json::python_json;
pub use reply::{Reply, parse_reply, parse_reply_text};
pub use template::{ChatTemplate, Loss, Prompt};
