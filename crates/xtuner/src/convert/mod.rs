//! Other forms of tuned models: checkpoints as Hugging Face folders or adapters, merged and split folders, adapters
//! under other names.

mod adapter;
mod checkpoint;
mod merge;
mod options;
mod shards;

pub use adapter::rename_adapter;
pub use checkpoint::export_checkpoint;
#[cfg(feature = "cli")]
pub(crate) use checkpoint::load_checkpoint;
pub use merge::merge_adapters;
pub use options::FolderOptions;
pub use shards::split;
