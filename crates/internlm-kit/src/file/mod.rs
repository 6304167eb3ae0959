//! Files whose errors name them, and writes that are whole or not at all.
//!
//! | item | for |
//! |---|---|
//! | [`read`], [`read_to_string`], [`create_dir_all`], [`remove_dir_all`] | what `std::fs` does, with a [`FileError`] that names the path |
//! | [`AtPath::at`] | the same for any other `io::Result` |
//! | [`write()`], [`AtomicFile`] | a reader sees the old bytes or the new bytes, never half of either |
//! | [`replace_folder`] | the same for a folder of files |
//!
//! Every writer of the workspace goes through here. `-` is standard output, symbolic links are followed, and pipes
//! and devices are written to: only regular files are replaced.

mod atomic;
mod error;
mod folder;
mod plain;
mod temporary;

pub use atomic::{AtomicFile, sync_parent, write};
pub use error::{AtPath, ClosedPipe, FileError};
pub use folder::replace_folder;
pub use plain::{create_dir_all, read, read_to_string, remove_dir_all};
