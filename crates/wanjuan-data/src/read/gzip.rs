//! [`Gzip`]: the members of a gzip file (RFC 1952), one damaged member at a time.
//!
//! A member is inflated as a whole and trusted when its checksum is right. Only a member of more than
//! [`WHOLE_LIMIT`] bytes is handed out piece by piece, because it may be a whole archive.

use flate2::{Crc, Decompress, FlushDecompress, Status};
use memchr::{memchr, memmem};

use super::record::Format;
use super::step::{Damage, PADDING, Step};

/// Magic number, then the only compression method in use: deflate.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];
/// Flags of the header: CRC of the header, extra field, file name, comment.
const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;
/// Maximum length of file names and comments in headers, in bytes.
const TEXT_LIMIT: usize = 4096;
/// Size from which a member is handed out before its checksum is known: 32 MiB.
const WHOLE_LIMIT: usize = 1 << 25;

/// Inflates members one after the other.
#[derive(Debug)]
pub(super) struct Gzip {
    state: Decompress,
    /// Where the current member, or else the next one, starts.
    pub(super) position: usize,
    /// The member that is being handed out in pieces.
    open: Option<Open>,
    format: Format,
}

#[derive(Debug)]
struct Open {
    /// Where its deflate stream starts.
    stream: usize,
    crc: Crc,
}

/// How inflating ended.
enum End {
    /// The member is whole; length of stream and trailer.
    Whole(usize),
    Full,
    Truncated,
    Corrupt,
}

impl Gzip {
    pub(super) fn new(format: Format) -> Self {
        Self { state: Decompress::new(false), position: 0, open: None, format }
    }

    /// Appends the next member, or at least `want` bytes of a large one.
    pub(super) fn step(&mut self, file: &[u8], out: &mut Vec<u8>, want: usize) -> Step {
        let start = self.position;
        if start >= file.len() {
            return Step::End;
        }
        let first = self.open.is_none();
        let mut open = match self.open.take() {
            Some(open) => open,
            None => match header_length(&file[start..]) {
                Some(header) => {
                    self.state.reset(false);
                    Open { stream: start + header, crc: Crc::new() }
                }
                None => return self.no_member(file, start),
            },
        };
        let before = out.len();
        let limit = before + if first { want.max(WHOLE_LIMIT) } else { want };
        match self.inflate(&file[open.stream..], out, limit, &mut open.crc) {
            End::Whole(length) => {
                self.position = open.stream + length;
                Step::Whole
            }
            End::Full => {
                self.open = Some(open);
                Step::More
            }
            End::Truncated => {
                // The stream may have swallowed following members: look for them.
                self.position = self.find(file, open.stream, file.len());
                // What was inflated so far can be trusted only when the file simply ends.
                if self.position < file.len() {
                    out.truncate(before);
                }
                Step::Damaged(Damage::new(start, self.position, "truncated"))
            }
            End::Corrupt => {
                self.position = self.find(file, open.stream, file.len());
                out.truncate(before);
                Step::Damaged(Damage::new(start, self.position, "corrupt"))
            }
        }
    }

    fn no_member(&mut self, file: &[u8], start: usize) -> Step {
        self.position = self.find(file, start + 1, file.len());
        let skipped = &file[start..self.position];
        let why = match skipped {
            cut if self.position == file.len() && cut.starts_with(&MAGIC) => "truncated",
            zeros if zeros.iter().all(|byte| *byte == 0) => PADDING,
            _ => "junk",
        };
        Step::Damaged(Damage::new(start, self.position, why))
    }

    /// Inflates until the stream ends or `out` holds `limit` bytes, and checks the trailer.
    fn inflate(&mut self, stream: &[u8], out: &mut Vec<u8>, limit: usize, crc: &mut Crc) -> End {
        let mut unchecked = out.len();
        if out.capacity() - out.len() < 1 << 12 {
            out.reserve(1 << 16);
        }
        loop {
            let read = self.state.total_in() as usize;
            // `Finish` spares the copy of the window as long as the output fits.
            match self.state.decompress_vec(&stream[read..], out, FlushDecompress::Finish) {
                Err(_) => return End::Corrupt,
                Ok(Status::StreamEnd) => break,
                Ok(_) if out.len() == out.capacity() && out.len() < limit => out.reserve(out.capacity()),
                Ok(_) if out.len() >= limit => {
                    crc.update(&out[unchecked..]);
                    return End::Full;
                }
                Ok(_) => return End::Truncated,
            }
            // Checksums the output while it is still in the cache.
            crc.update(&out[unchecked..]);
            unchecked = out.len();
        }
        crc.update(&out[unchecked..]);
        let end = self.state.total_in() as usize;
        let Some(trailer) = stream.get(end..end + 8) else { return End::Truncated };
        let word = |raw: &[u8]| u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
        if word(&trailer[..4]) != crc.sum() || word(&trailer[4..]) != crc.amount() {
            return End::Corrupt;
        }
        End::Whole(end + 8)
    }

    /// First place in `from..to` where a member starts that holds a record; `to` without one.
    pub(super) fn find(&mut self, file: &[u8], from: usize, to: usize) -> usize {
        let finder = memmem::Finder::new(&MAGIC);
        let mut at = from;
        while let Some(found) = file.get(at..).and_then(|rest| finder.find(rest)).map(|skip| at + skip) {
            if found >= to {
                return to;
            }
            if holds_record(&mut self.state, &file[found..], self.format) {
                return found;
            }
            at = found + 1;
        }
        to
    }
}

/// Whether a file consists of members without any content, with or without zeros around them.
pub(super) fn is_empty(file: &[u8]) -> bool {
    let mut gzip = Gzip::new(Format::Warc);
    let mut content = Vec::new();
    if header_length(file).is_none() {
        return false;
    }
    loop {
        match gzip.step(file, &mut content, 1) {
            Step::Whole if content.is_empty() => {}
            Step::Damaged(damage) if damage.is_padding() => {}
            Step::End => return true,
            _ => return false,
        }
    }
}

/// Whether a member with a record starts here: the magic number alone also occurs inside of deflate streams.
fn holds_record(state: &mut Decompress, bytes: &[u8], format: Format) -> bool {
    let mut head = [0; 1024];
    let length = prefix(state, bytes, &mut head);
    format.starts(&head[..length])
}

/// The first bytes inside the member that starts at `bytes`; their number is 0 if no member starts there.
pub(super) fn prefix(state: &mut Decompress, bytes: &[u8], out: &mut [u8]) -> usize {
    let Some(header) = header_length(bytes) else { return 0 };
    state.reset(false);
    let input = &bytes[header..bytes.len().min(header + (1 << 16))];
    match state.decompress(input, out, FlushDecompress::None) {
        Ok(_) => state.total_out() as usize,
        Err(_) => 0,
    }
}

/// Length of the member header at the start of `bytes`, `None` without one.
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
            let text = bytes.get(at..)?;
            at += memchr(0, &text[..text.len().min(TEXT_LIMIT)])? + 1;
        }
    }
    if flags & FHCRC != 0 {
        at += 2;
    }
    (at < bytes.len()).then_some(at)
}
