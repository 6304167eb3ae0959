//! Files whose errors name them, and writes that are whole or not at all.
//!
//! | item | for |
//! |---|---|
//! | [`read`], [`read_to_string`], [`create_dir_all`], [`remove_dir_all`] | what `std::fs` does, with a [`FileError`] that names the path |
//! | [`AtPath::at`] | the same for any other `io::Result` |
//! | [`write()`], [`AtomicFile`] | a reader sees the old bytes or the new bytes, never half of either |
//! | [`replace_folder`] | the same for a folder of files |
//! | [`files_below`] | every file below a folder, sorted |
//! | [`MappedFile`] | the bytes of a file without reading them first |
//!
//! Every writer of the workspace goes through here. `-` is standard output, symbolic links are followed, and pipes,
//! devices and open descriptors (`/dev/fd/3`) are written to: only regular files are replaced.

mod atomic;
mod below;
mod durable;
mod error;
mod folder;
mod lock;
mod mmap;
mod plain;
mod target;
mod temporary;

pub use atomic::{AtomicFile, write};
pub use below::files_below;
pub(crate) use durable::create_folders;
pub use durable::sync_parent;
pub use error::{AtPath, ClosedPipe, FileError};
pub use folder::replace_folder;
pub(crate) use lock::{Lock, Locked, try_lock};
pub use mmap::MappedFile;
pub use plain::{create_dir_all, read, read_to_string, remove_dir_all};
