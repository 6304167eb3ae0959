//! [`Lz4`]: the frames of an lz4 file.

use std::io::{ErrorKind, Read};

use lz4_flex::frame::FrameDecoder;
use memchr::memmem;

use super::bytes::{FileBytes, FileReader};
use super::step::{Damage, Step};
use super::zstd::skippable_length;

/// Magic number of a frame.
const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();

/// Decodes frames one after the other; all of them are one stream.
pub(super) struct Lz4 {
    file: FileBytes,
    /// Where the next frame starts.
    pub(super) position: usize,
    /// The frame that is being decoded.
    frame: Option<FrameDecoder<FileReader>>,
}

impl std::fmt::Debug for Lz4 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lz4").field("position", &self.position).finish_non_exhaustive()
    }
}

/// Whether a file starts as an lz4 file does.
pub(super) fn is_lz4(file: &[u8]) -> bool {
    file.starts_with(&MAGIC)
}

impl Lz4 {
    pub(super) fn new(file: FileBytes) -> Self {
        Self { file, position: 0, frame: None }
    }

    /// Appends about `want` bytes, or what is left of a frame.
    pub(super) fn step(&mut self, out: &mut Vec<u8>, want: usize) -> Step {
        if self.frame.is_none() {
            while let Some(length) = skippable_length(&self.file[self.position.min(self.file.len())..]) {
                self.position += length;
            }
            if self.position >= self.file.len() {
                return Step::End;
            }
            if !self.file[self.position..].starts_with(&MAGIC) {
                return self.damaged("junk");
            }
        }
        let (file, position) = (&self.file, self.position);
        let mut frame = self.frame.take().unwrap_or_else(|| FrameDecoder::new(file.reader(position)));
        let before = out.len();
        while out.len() - before < want {
            let at = out.len();
            out.resize(at + (1 << 16), 0);
            let read = frame.read(&mut out[at..]);
            out.truncate(at + read.as_ref().map_or(0, |read| *read));
            match read {
                Ok(0) => {
                    self.position = frame.get_ref().position;
                    return Step::More;
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return self.damaged("truncated"),
                Err(_) => {
                    out.truncate(before);
                    return self.damaged("corrupt");
                }
            }
        }
        self.frame = Some(frame);
        Step::More
    }

    /// Gives up the frame at `self.position` and moves to the next one.
    fn damaged(&mut self, why: &str) -> Step {
        let start = self.position;
        let from = (start + 1).min(self.file.len());
        self.position = memmem::find(&self.file[from..], &MAGIC).map_or(self.file.len(), |skip| from + skip);
        Step::Damaged(Damage::new(start, self.position, why))
    }
}
