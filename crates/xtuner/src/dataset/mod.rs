//! Data: from OpenAI messages to packed rows with labels on the assistant's part, mixed with pre-training text.

mod conversation;
mod encode;
mod mixed;
mod openai;
mod pack;
mod pretrain_text;
mod rows;
mod unread_keys;

pub use conversation::{Conversation, Turn};
pub use encode::{EncodeStats, Encoded, Sample, encode};
pub use mixed::MixedRows;
pub use openai::{parse_openai, read_openai};
pub use pack::pack_soft;
pub use pretrain_text::PretrainTextConfig;
pub use rows::SftRows;
pub(crate) use unread_keys::UnreadKeys;
