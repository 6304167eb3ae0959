//! [`Cursor`]: reading little-endian numbers, text and lengths out of bytes, with a position for messages.
//!
//! GGUF headers, pickles and protocol buffers are read with it. What goes wrong is a [`Fault`], which does not know
//! the file; the reader of the file adds its path.

use std::path::Path;

use crate::Error;

/// What is wrong with some bytes, and where.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Bytes from the start of the file, or of whatever the cursor was told it reads.
    pub(crate) offset: u64,
    /// What was found and expected.
    pub(crate) message: String,
}

impl Fault {
    /// The error for a fault in the file at `path`.
    pub(crate) fn in_file(self, path: &Path) -> Error {
        Error::format(path, self.offset, self.message)
    }
}

/// A position in bytes.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Offset of the first byte in the file.
    start: u64,
}

impl<'a> Cursor<'a> {
    /// Reads `bytes` from their beginning, which is also the beginning of the file.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self::inside(bytes, 0)
    }

    /// Reads `bytes`, which begin at `start` of the file.
    pub(crate) fn inside(bytes: &'a [u8], start: u64) -> Self {
        Self { bytes, position: 0, start }
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Where the next byte is in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.start + self.position as u64
    }

    /// Number of all bytes, read or not.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Number of bytes that are left.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// A fault at the current position.
    pub(crate) fn fail<T>(&self, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault { offset: self.offset(), message: message.into() })
    }

    /// The next `length` bytes; `what` names them in the message.
    pub(crate) fn take(&mut self, length: u64, what: &str) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.position..];
        match usize::try_from(length).ok().and_then(|length| rest.get(..length)) {
            Some(bytes) => {
                self.position += bytes.len();
                Ok(bytes)
            }
            None => self.fail(format!("truncated: {what} needs {length} bytes, {} are left", rest.len())),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64, what)?);
        Ok(array)
    }

    pub(crate) fn byte(&mut self, what: &str) -> Result<u8, Fault> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32, Fault> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, what: &str) -> Result<u64, Fault> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// UTF-8 up to the next line feed, which is skipped.
    pub(crate) fn line(&mut self, what: &str) -> Result<&'a str, Fault> {
        let rest = &self.bytes[self.position..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return self.fail(format!("truncated: {what} has no end of line"));
        };
        self.position += length;
        let line = self.text(&rest[..length], what)?;
        self.position += 1;
        Ok(line)
    }

    /// `bytes`, just read, as text.
    pub(crate) fn text(&self, bytes: &'a [u8], what: &str) -> Result<&'a str, Fault> {
        str::from_utf8(bytes).map_err(|error| {
            let offset = self.offset().saturating_sub(bytes.len() as u64);
            Fault { offset, message: format!("{what}: found bytes that are not UTF-8: {error}") }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_where_in_the_file_and_what_was_missing() {
        let mut cursor = Cursor::inside(&[1, 0, 0, 0, b'a', b'\n', 7], 100);
        assert_eq!(cursor.u32("a number").expect("four bytes"), 1);
        assert_eq!(cursor.line("a name").expect("a line"), "a");
        assert_eq!((cursor.position(), cursor.offset(), cursor.left(), cursor.length()), (6, 106, 1, 7));
        let fault = cursor.u64("a count").expect_err("one byte is left");
        assert_eq!(
            (fault.offset, fault.message.as_str()),
            (106, "truncated: a count needs 8 bytes, 1 are left")
        );
        // A fault consumes nothing.
        assert_eq!(cursor.byte("the last byte").expect("one byte"), 7);
        let fault = cursor.line("a name").expect_err("nothing is left");
        assert_eq!(
            fault.in_file(Path::new("x")).to_string(),
            "x: at byte 107: truncated: a name has no end of line"
        );
    }

    #[test]
    fn text_that_is_not_utf8_is_reported_at_its_first_byte() {
        let mut cursor = Cursor::new(b"ab\xff\n");
        let fault = cursor.line("a name").expect_err("not UTF-8");
        assert!(fault.message.starts_with("a name: found bytes that are not UTF-8"), "{fault:?}");
        assert_eq!(fault.offset, 0);
    }
}
