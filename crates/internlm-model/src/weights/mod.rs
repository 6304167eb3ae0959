//! Weight files, read once for the whole workspace: safetensors and GGUF, by name, memory-mapped.
//!
//! [`open`] gives any model folder or GGUF file under InternLM2 tensor names, whatever names, packing and
//! permutation the files use; [`write_folder`] writes a Hugging Face folder atomically.

mod model;
pub mod names;
mod source;
mod writer;

pub use model::open;
pub use source::{Encoding, TensorInfo, TensorSource};
pub use writer::{WriteConfig, write_file, write_folder};
