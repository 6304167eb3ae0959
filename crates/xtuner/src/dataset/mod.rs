//! Conversations: from OpenAI messages to packed rows with labels on the assistant's part.

mod conversation;
mod encode;
mod openai;
mod pack;
mod rows;

pub use conversation::{Conversation, Turn};
pub use encode::{EncodeStats, Encoded, Sample, encode};
pub use openai::{parse_openai, read_openai};
pub use pack::pack_soft;
pub use rows::SftRows;
