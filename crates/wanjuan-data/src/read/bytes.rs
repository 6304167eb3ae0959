//! [`FileBytes`]: a whole file as a slice, mapped or in memory, shared with the decoders that read it.

use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use internlm_kit::file::{FileError, MappedFile};

/// Bytes of a file; derefs to `[u8]`.
#[derive(Clone, Debug)]
pub(super) struct FileBytes(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    Mapped(MappedFile),
    Owned(Vec<u8>),
}

impl FileBytes {
    /// Maps `path`.
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        Ok(Self(Arc::new(Kind::Mapped(MappedFile::open(path)?))))
    }

    /// Takes bytes that are already in memory.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Kind::Owned(bytes)))
    }

    /// A reader that starts at `position` and shares the bytes.
    pub(super) fn reader(&self, position: usize) -> FileReader {
        FileReader { file: self.clone(), position }
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &*self.0 {
            Kind::Mapped(map) => map,
            Kind::Owned(bytes) => bytes,
        }
    }
}

/// Reads a file that it shares.
#[derive(Debug)]
pub(super) struct FileReader {
    file: FileBytes,
    /// Byte that is read next.
    pub(super) position: usize,
}

impl Read for FileReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.get(self.position..).unwrap_or_default().read(out)?;
        self.position += read;
        Ok(read)
    }
}
