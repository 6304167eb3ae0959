//! Weight files, read once for the whole workspace: safetensors and GGUF, by name, memory-mapped.
//!
//! [`open`] gives any model folder or GGUF file under InternLM2 tensor names, whatever names, packing and
//! permutation the files use; [`write_folder`] writes a Hugging Face folder atomically.

mod decode;
mod folder;
pub mod gguf;
mod mmap;
mod model;
pub mod names;
pub mod qkv;
mod safetensors;
mod source;
pub mod torch;
mod writer;

pub use folder::SafetensorsFolder;
pub(crate) use model::is_gguf;
pub use model::open;
pub use safetensors::SafetensorsFile;
pub use source::{Encoding, TensorInfo, TensorSource};
pub use writer::{Named, WriteConfig, write_file, write_folder};
