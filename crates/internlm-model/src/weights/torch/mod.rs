//! PyTorch checkpoints (`.pt`, zip form): tensors and plain configs, read without running anything.
//!
//! ```text
//! zip, every entry stored uncompressed:
//! <stem>/data.pkl     pickle of the object; tensors are (storage, offset, size, stride)
//! <stem>/byteorder    "little"
//! <stem>/data/<key>   the raw bytes of one storage
//! <stem>/version      "3\n"
//! ```
//!
//! [`TorchFile`] maps the file and unpickles `data.pkl` with a machine that knows a fixed list of globals; the
//! tensors stay in the map. [`write_state_dict`] and [`write_value`] write files that
//! `torch.load(path, weights_only=True)` reads, the same bytes for the same input.
//!
//! Follows `torch/serialization.py`, `torch/_weights_only_unpickler.py`, `torch/_utils.py` and
//! `caffe2/serialize/inline_container.cc`.

mod archive;
mod budget;
mod calls;
mod file;
mod globals;
mod machine;
mod object;
mod opcode;
mod pickler;
mod tensor;
mod tree;
mod value;
mod writer;

#[cfg(test)]
mod tests;

pub use file::TorchFile;
pub use tensor::TensorRef;
pub use value::Value;
pub use writer::{write_state_dict, write_value};
