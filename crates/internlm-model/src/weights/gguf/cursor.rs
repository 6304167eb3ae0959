//! Reading little-endian numbers and strings with a position for messages.

use std::path::Path;

use crate::{Error, Result};

/// A position in the bytes of one file.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(path: &'a Path, bytes: &'a [u8]) -> Self {
        Self { path, bytes, position: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// An error at the current position.
    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(Error::format(self.path, self.position as u64, message))
    }

    /// The next `length` bytes; `what` names them in the message.
    pub(super) fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.position..];
        match rest.get(..length) {
            Some(bytes) => {
                self.position += length;
                Ok(bytes)
            }
            None => self.fail(format!("truncated: {what} needs {length} bytes, {} are left", rest.len())),
        }
    }

    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let bytes = self.take(N, what)?;
        let mut array = [0; N];
        array.copy_from_slice(bytes);
        Ok(array)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A count of items that take at least `size` bytes each: more than the file can hold is an error, so
    /// that a damaged count does not become an allocation.
    pub(super) fn count(&mut self, size: usize, what: &str) -> Result<usize> {
        let count = self.u64(what)?;
        let room = (self.bytes.len() - self.position) / size.max(1);
        match usize::try_from(count) {
            Ok(count) if count <= room => Ok(count),
            _ => self.fail(format!("{what}: found {count}, expected at most {room} in the rest of the file")),
        }
    }

    /// A string: u64 length, bytes. Bytes that are not UTF-8 become U+FFFD.
    pub(super) fn string(&mut self, what: &str) -> Result<String> {
        let length = self.count(1, what)?;
        Ok(String::from_utf8_lossy(self.take(length, what)?).into_owned())
    }
}
