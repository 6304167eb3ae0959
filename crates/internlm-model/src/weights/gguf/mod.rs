//! GGUF v2 and v3: metadata, tensors, memory-mapped.
//!
//! ```text
//! "GGUF"  u32 version  u64 tensors  u64 pairs
//! pairs:    string key, u32 type, value
//! tensors:  string name, u32 dims, u64 dim[] (fastest first), u32 type, u64 offset
//! data:     from the next multiple of `general.alignment` (32)
//! ```
//!
//! Follows llama.cpp's `gguf.cpp`.

mod config;
mod file;
mod metadata;

pub use file::GgufFile;
pub use metadata::{Array, Metadata, Value};
