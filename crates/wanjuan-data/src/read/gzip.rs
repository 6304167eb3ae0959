//! [`Members`]: the gzip members of a file with their byte offsets, one damaged member at a time.
//!
//! RFC 1952. A member that does not inflate or whose checksum is wrong loses only itself: reading goes on
//! at the next place that looks like a member header.

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// Magic number and the only compression method there is: deflate.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];
/// Flags of the header: CRC of the header, extra field, file name, comment.
const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;

/// One stretch of the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Member {
    /// A member that inflated and whose checksum is right.
    Whole {
        /// Byte at which it starts.
        start: u64,
        /// Its content.
        bytes: Vec<u8>,
    },
    /// Bytes that give nothing, or only the beginning of a member.
    Damaged {
        /// First byte.
        start: u64,
        /// Byte after the last.
        end: u64,
        /// `junk`, `corrupt` or `truncated`.
        why: &'static str,
        /// What was inflated before the file ended; nothing of a corrupt member.
        salvage: Vec<u8>,
    },
}

/// Iterator over the members of a gzip file in memory.
#[derive(Debug)]
pub struct Members<'a> {
    file: &'a [u8],
    position: usize,
    /// More than this from one member is an attack or a mistake.
    limit: usize,
}

/// Why a member ended.
enum End {
    Good(usize),
    Truncated,
    Corrupt,
}

impl<'a> Members<'a> {
    /// The members of `file`; a member of more than `limit` bytes counts as corrupt.
    #[must_use]
    pub fn new(file: &'a [u8], limit: usize) -> Self {
        Self { file, position: 0, limit }
    }

    /// Next place at or after `from` where a member can start.
    fn find_header(&self, from: usize) -> usize {
        let rest = self.file.get(from..).unwrap_or_default();
        let mut windows = rest.windows(10);
        let plausible = |window: &[u8]| window[..3] == MAGIC && window[3] & 0xe0 == 0;
        windows.position(plausible).map_or(self.file.len(), |at| from + at)
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let start = self.position;
        if start >= self.file.len() {
            return None;
        }
        let damaged = |end: usize, why, salvage| {
            Some(Member::Damaged { start: start as u64, end: end as u64, why, salvage })
        };
        let Some(header) = header_length(&self.file[start..]) else {
            self.position = self.find_header(start + 1);
            let why = if self.file[start..].starts_with(&MAGIC[..2]) { "truncated" } else { "junk" };
            return damaged(self.position, why, Vec::new());
        };
        let mut bytes = Vec::new();
        match inflate(&self.file[start + header..], &mut bytes, self.limit) {
            End::Good(length) => {
                self.position = start + header + length;
                Some(Member::Whole { start: start as u64, bytes })
            }
            End::Truncated => {
                // The stream may have swallowed following members: look for them.
                self.position = self.find_header(start + header);
                // Only when the file simply ends is what was inflated so far sure to be right.
                let salvage = if self.position == self.file.len() { bytes } else { Vec::new() };
                damaged(self.position, "truncated", salvage)
            }
            End::Corrupt => {
                self.position = self.find_header(start + header);
                damaged(self.position, "corrupt", Vec::new())
            }
        }
    }
}

/// Length of the member header at the start of `bytes`, `None` when there is none.
fn header_length(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < 18 || bytes[..3] != MAGIC || bytes[3] & 0xe0 != 0 {
        return None;
    }
    let flags = bytes[3];
    let mut at = 10;
    if flags & FEXTRA != 0 {
        at += 2 + usize::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    }
    for flag in [FNAME, FCOMMENT] {
        if flags & flag != 0 {
            at += bytes.get(at..)?.iter().position(|byte| *byte == 0)? + 1;
        }
    }
    if flags & FHCRC != 0 {
        at += 2;
    }
    (at < bytes.len()).then_some(at)
}

/// Inflates one deflate stream and checks the trailer; `Good` holds the length of both.
fn inflate(bytes: &[u8], out: &mut Vec<u8>, limit: usize) -> End {
    let mut state = Decompress::new(false);
    out.reserve(bytes.len().saturating_mul(4).clamp(1 << 12, 1 << 16));
    loop {
        let read = state.total_in() as usize;
        match state.decompress_vec(&bytes[read..], out, FlushDecompress::None) {
            Err(_) => return End::Corrupt,
            Ok(Status::StreamEnd) => break,
            Ok(_) if out.len() > limit => return End::Corrupt,
            Ok(_) if out.len() == out.capacity() => out.reserve(out.capacity()),
            Ok(_) if state.total_in() as usize >= bytes.len() => return End::Truncated,
            Ok(_) => out.reserve(1 << 12),
        }
    }
    let end = state.total_in() as usize;
    let Some(trailer) = bytes.get(end..end + 8) else { return End::Truncated };
    let mut crc = Crc::new();
    crc.update(out);
    let word = |raw: &[u8]| u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
    if word(&trailer[..4]) != crc.sum() || word(&trailer[4..]) != crc.amount() {
        return End::Corrupt;
    }
    End::Good(end + 8)
}
