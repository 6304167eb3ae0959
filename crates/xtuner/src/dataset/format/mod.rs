//! Formats of training sets: who reads what, found out from the keys or named.
//!
//! A row of any format becomes a [`Document`](super::Document): a conversation, text, text with marks of its own, or
//! ids. Conversations go through OpenAI's form, so calls and results of every set become the same ids as those of a
//! server.

mod columns;
mod compat;
mod custom;
mod detect;
mod literal;
mod moss;
mod msagent;
mod name;
mod pairs;
#[cfg(feature = "parquet")]
mod parquet;
mod python;
mod read;
mod row;
mod sharegpt;
mod source;
mod task;
mod text;
mod tokens;
mod transcript;
mod value;
mod write;

pub use self::compat::Compat;
pub use self::detect::detect;
pub use self::name::Format;
pub use self::pairs::write_preference;
pub use self::read::{ReadOptions, read, read_with};
pub(crate) use self::sharegpt::as_openai;
pub(crate) use self::source::read_rows;
pub(crate) use self::value::{Problem, parse_value, typed};
pub use self::write::{WRITTEN, write_row};
