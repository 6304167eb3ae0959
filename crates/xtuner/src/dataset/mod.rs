//! Data: training sets of many formats to packed rows with weights on the assistant's part, mixed with text.

mod conversation;
mod encode;
pub mod format;
mod marked;
mod mixed;
mod openai;
mod pack;
mod plain_paths;
mod pretrain_text;
mod rows;
mod rows_config;
mod sample;
mod sampler;
mod unread_keys;

pub use conversation::{Conversation, Document, Turn};
pub use encode::{EncodeStats, Encoded, encode};
pub use marked::{Learned, MarkedPart};
pub use mixed::MixedRows;
pub(crate) use openai::{FOREIGN_WEIGHTS, chat_message};
pub use openai::{parse_openai, read_openai};
pub use pack::{PackingConfig, Piece, pack_hard, pack_soft};
pub(crate) use plain_paths::plain_paths;
pub use pretrain_text::PretrainTextConfig;
pub use rows::SftRows;
pub use rows_config::{Reduction, RowsConfig, SampleSet};
pub use sample::Sample;
pub(crate) use sample::check_weights;
pub(crate) use unread_keys::UnreadKeys;
