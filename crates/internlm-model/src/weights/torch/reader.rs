//! Reading a pickle's bytes with a position for messages.

/// What is wrong with a pickle, and where.
#[derive(Debug)]
pub(super) struct Fault {
    /// Bytes from the start of the pickle.
    pub(super) offset: usize,
    /// What was found and expected.
    pub(super) message: String,
}

/// A position in the bytes of one pickle.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Length of the whole pickle in bytes.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The next `length` bytes; `what` names them in the message.
    pub(super) fn take(&mut self, length: u64, what: &str) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.position..];
        match usize::try_from(length).ok().and_then(|length| rest.get(..length)) {
            Some(bytes) => {
                self.position += bytes.len();
                Ok(bytes)
            }
            None => {
                let message = format!("truncated: {what} needs {length} bytes, {} are left", rest.len());
                Err(Fault { offset: self.position, message })
            }
        }
    }

    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64, what)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self, what: &str) -> Result<u8, Fault> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, Fault> {
        self.array(what).map(u32::from_le_bytes)
    }

    /// Bytes behind a length of one byte.
    pub(super) fn prefixed1(&mut self, what: &str) -> Result<&'a [u8], Fault> {
        let length = self.byte(what)?;
        self.take(length.into(), what)
    }

    /// Bytes behind a length of four bytes. The signed lengths of the oldest opcodes are never negative in a
    /// file that is not damaged; such a length is then too long.
    pub(super) fn prefixed4(&mut self, what: &str) -> Result<&'a [u8], Fault> {
        let length = self.u32(what)?;
        self.take(length.into(), what)
    }

    /// Bytes behind a length of eight bytes.
    pub(super) fn prefixed8(&mut self, what: &str) -> Result<&'a [u8], Fault> {
        let length = self.array(what).map(u64::from_le_bytes)?;
        self.take(length, what)
    }

    /// UTF-8 up to the next line feed, which is skipped.
    pub(super) fn line(&mut self, what: &str) -> Result<&'a str, Fault> {
        let start = self.position;
        let rest = &self.bytes[start..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(Fault { offset: start, message: format!("truncated: {what} has no end of line") });
        };
        self.position += length + 1;
        self.text(&rest[..length], what)
    }

    /// `bytes`, just read, as text.
    pub(super) fn text(&self, bytes: &'a [u8], what: &str) -> Result<&'a str, Fault> {
        str::from_utf8(bytes).map_err(|error| {
            let offset = self.position.saturating_sub(bytes.len());
            Fault { offset, message: format!("{what}: found bytes that are not UTF-8: {error}") }
        })
    }
}
