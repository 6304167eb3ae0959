//! GGUF v2 and v3: metadata, tensors, memory-mapped.
//!
//! ```text
//! "GGUF"  u32 version  u64 tensors  u64 pairs
//! pairs:    string key, u32 type, value
//! tensors:  string name, u32 dims, u64 dim[] (fastest first), u32 type, u64 offset
//! data:     from the next multiple of `general.alignment` (32)
//! ```
//!
//! Follows llama.cpp's `gguf.cpp`. A model may be split into several files, each with a header of its own.

mod config;
mod file;
mod header;
mod keys;
mod metadata;
mod part;
mod split;
mod tensor_type;

pub(in crate::weights) use config::FACTORS;
pub use file::GgufFile;
pub use metadata::{Array, Metadata, Value};
