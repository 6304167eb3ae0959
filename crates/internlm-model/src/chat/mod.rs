//! Messages <-> ids: InternLM2's chat format with plugins, interpreter and files; loss masks; reply parsing; OpenAI's
//! messages.
//!
//! This is the only home of the format. The server, the fine-tuner, the agents and the evaluator all read messages with
//! [`openai`], calls with [`PluginCall`] and write prompts with [`ChatTemplate`], so what is trained and what is
//! served are the same ids by construction.
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

mod answers;
mod conversation;
mod jinja;
pub mod marks;
mod message;
pub mod openai;
mod pieces;
mod plugin;
mod prompt;
mod python_json;
mod python_text;
mod reply;
mod segments;
mod template;
mod tools;

pub use answers::Answered;
pub use jinja::JinjaTemplate;
pub use message::{Channel, Message, Role, ToolCall};
pub use pieces::Piece;
#[doc(hidden)]
pub use plugin::kind as json_kind;
pub use plugin::{CallProblem, PluginCall};
pub use prompt::{Loss, Prompt};
use python_json::python_json;
pub use reply::{Reply, parse_reply, parse_reply_text};
pub use segments::order_of_turns;
pub use template::ChatTemplate;
pub(crate) use template::{Kind, kind};
pub use tools::{FunctionDefinition, offer_tools, offered_tools, tools_message};
