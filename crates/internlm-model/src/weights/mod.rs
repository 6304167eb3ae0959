//! Weight files, read once for the whole workspace: safetensors, PyTorch, GGUF, by name, memory-mapped.
//!
//! [`open`] gives any model folder, InternEvo checkpoint or GGUF file under InternLM2 tensor names, whatever names,
//! packing and permutation the files use; [`write_folder`] writes a Hugging Face folder atomically; [`convert`] turns
//! one form into another.

mod convert;
mod decode;
mod encoding;
mod folder;
pub mod gguf;
pub mod int4;
pub mod internevo;
mod inventory;
pub(crate) mod kind;
mod model;
pub mod names;
pub mod qkv;
mod quantization;
mod safetensors;
mod source;
mod stored_model;
pub mod torch;
mod writer;

pub use internlm_kit::file::MappedFile;

pub use convert::{ConvertConfig, Target, convert};
pub use encoding::Encoding;
pub use folder::WeightFolder;
pub use inventory::name_problems;
pub(crate) use model::is_gguf;
pub use model::{open, open_stored};
pub use quantization::Quantization;
pub use safetensors::SafetensorsFile;
pub use source::{TensorInfo, TensorSource};
pub use stored_model::StoredModel;
pub use writer::{
    Named, Stored, WriteConfig, write_file, write_folder, write_stored_file, write_stored_folder,
};
