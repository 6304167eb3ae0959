//! [`MappedFile`]: a read-only memory map, whose bytes come from the system unchecked.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;

use super::{AtPath, FileError};

/// A whole file, mapped read-only; derefs to its bytes.
///
/// The file must not be shortened while it is mapped: reading past the new end kills the process. The writers of this
/// workspace replace files by rename, which leaves a mapped file as it was.
///
/// ```
/// use internlm_kit::file::MappedFile;
///
/// let file = MappedFile::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))?;
/// assert!(file.starts_with(b"[package]"));
/// # Ok::<(), internlm_kit::file::FileError>(())
/// ```
#[derive(Debug)]
pub struct MappedFile {
    /// `None` for an empty file, which cannot be mapped.
    map: Option<memmap2::Mmap>,
}

impl MappedFile {
    /// Maps `path`; an empty file gives an empty slice.
    ///
    /// # Errors
    /// The file is missing, is a folder, or cannot be mapped.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        Self::map(path).at(path, "read")
    }

    fn map(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if metadata.len() == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: the map is read-only and private to this type. The one hazard is another process that
        // truncates the file meanwhile (a SIGBUS); our own writers replace files by rename, never in place.
        let map = unsafe { memmap2::Mmap::map(&file) }?;
        Ok(Self { map: Some(map) })
    }

    /// Gives the pages of a byte range back to the system; reading them again fetches them from the file.
    pub fn release(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Some(map) = &self.map {
            // SAFETY: the map is shared and read-only, so dropped pages come back with the bytes of the file.
            // A refusal of the system changes nothing but the memory in use.
            let _ = unsafe {
                map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len())
            };
        }
        #[cfg(not(unix))]
        let _ = range;
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or(&[])
    }
}
