//! Read-only memory maps: the only place of this crate where bytes come from the system unchecked.
#![allow(unsafe_code)]

use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;

use crate::{Error, Result};

/// A whole file, mapped.
#[derive(Debug)]
pub(crate) struct MappedFile {
    map: Option<memmap2::Mmap>,
}

impl MappedFile {
    /// Maps `path`; an empty file gives an empty slice.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::read(path, source))?;
        let metadata = file.metadata().map_err(|source| Error::read(path, source))?;
        if metadata.is_dir() {
            let source = std::io::Error::from(std::io::ErrorKind::IsADirectory);
            return Err(Error::read(path, source));
        }
        if metadata.len() == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: the map is read-only and private to this type. The one hazard is another process that
        // truncates the file meanwhile (a SIGBUS); our own writers replace files by rename, never in place.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|source| Error::read(path, source))?;
        Ok(Self { map: Some(map) })
    }

    /// Gives the pages of `range` back to the system; reading them again fetches them from the file.
    pub(crate) fn release(&self, range: Range<usize>) {
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
