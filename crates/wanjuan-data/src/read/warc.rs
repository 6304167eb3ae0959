//! [`WarcReader`]: the records of a WARC or ARC file, plain, gzip, zstd or lz4.
//!
//! Records borrow from the file or from one buffer that is used again, so that reading takes
//! little more time than inflating. Damage loses only the record or member it hits, and is reported with its byte range. A file can be
//! read range by range: each range gives the records whose member (or, in plain files, which themselves) start in it.

use std::path::{Path, PathBuf};

use super::bytes::FileBytes;
use super::decoder::Decoder;
use super::record::{Format, Found, Place, find_record, next_record};
use super::step::{Damage, Step};
use super::warc_record::{RecordKind, WarcRecord};
use crate::{Error, Result};

/// Maximum size of a record that is decompressed in pieces: 256 MiB; longer ones are cut.
const RECORD_LIMIT: usize = 1 << 28;
/// Minimum number of bytes that are decompressed at once.
const PIECE: usize = 1 << 20;

/// One item of an archive.
#[derive(Clone, Debug, PartialEq)]
pub enum WarcItem<'a> {
    /// A record, perhaps shortened (see [`RecordState`](super::RecordState)).
    Record(WarcRecord<'a>),
    /// Bytes that gave no record, or only the beginning of one.
    Damage(Damage),
}

/// Where an [`ArchiveRange`] starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub enum RangeStart {
    /// Exactly at this byte.
    At(u64),
    /// At the first member or record that starts at this byte or later.
    Search(u64),
}

/// A byte range of an archive: the records that start in it, of which the last may end after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub struct ArchiveRange {
    /// First byte, or where to look for it.
    pub start: RangeStart,
    /// Byte after the range.
    pub end: u64,
}

/// An open archive, read item by item.
#[derive(Debug)]
pub struct WarcReader {
    path: PathBuf,
    file: FileBytes,
    format: Format,
    decoder: Decoder,
    /// Decompressed bytes of the current unit, from byte `base` of the unit or stream on. Unused when plain.
    buffer: Vec<u8>,
    base: u64,
    /// Position in `buffer` or, when plain, in the file.
    at: usize,
    /// Where the current unit starts in the file.
    unit: usize,
    phase: Phase,
    /// Damage that is reported after the records that were saved from it.
    pending: Option<Damage>,
    /// Whether some bytes of the unit were not part of a record.
    junk: bool,
    /// What starts here or later is not in the range.
    end: usize,
    start: Option<u64>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Between units.
    Outside,
    /// More bytes of the unit may come.
    Open,
    /// All bytes of the unit are in the buffer.
    Complete,
}

enum Advance {
    Record(Place),
    Damage(Damage),
}

impl WarcReader {
    /// Opens an archive; its compression and format are recognized by its content, not its name.
    ///
    /// # Errors
    /// A file that cannot be read, or that is neither WARC nor ARC, plain or in gzip, zstd or lz4.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::new(path, FileBytes::open(path)?)
    }

    /// Reads `bytes`; `path` is for messages.
    ///
    /// # Errors
    /// As [`WarcReader::open`].
    pub fn from_bytes(path: impl AsRef<Path>, bytes: Vec<u8>) -> Result<Self> {
        Self::new(path.as_ref(), FileBytes::new(bytes))
    }

    fn new(path: &Path, file: FileBytes) -> Result<Self> {
        let detected = Decoder::detect(&file);
        let (decoder, format) = match detected {
            Some(found) => found,
            None if file.is_empty() => (Decoder::Plain, Format::Warc),
            None => {
                let start = String::from_utf8_lossy(&file[..file.len().min(8)]).into_owned();
                return Err(Error::Format {
                    path: path.to_path_buf(),
                    offset: 0,
                    found: format!("{start:?}"),
                    expected: "`WARC/` or `filedesc://`, plain or in gzip, zstd or lz4".to_owned(),
                });
            }
        };
        let phase = if matches!(decoder, Decoder::Plain) { Phase::Complete } else { Phase::Outside };
        Ok(Self {
            path: path.to_path_buf(),
            format,
            decoder,
            buffer: Vec::new(),
            base: 0,
            at: 0,
            unit: 0,
            phase,
            pending: None,
            junk: false,
            end: file.len(),
            start: Some(0),
            file,
        })
    }

    /// The path given to [`WarcReader::open`].
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the archive can be read range by range: gzip and plain files.
    #[must_use]
    pub fn is_splittable(&self) -> bool {
        matches!(self.decoder, Decoder::Plain | Decoder::Gzip(_))
    }

    /// Keeps to one byte range of the archive; has to be called before anything is read. For an archive that cannot
    /// be split, the range that holds byte 0 gives everything and the others give nothing.
    pub fn restrict(&mut self, range: ArchiveRange) {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(self.file.len());
        let end = place(range.end);
        let start = match range.start {
            RangeStart::At(at) => Some(place(at)),
            RangeStart::Search(0) => Some(0),
            RangeStart::Search(from) => match &mut self.decoder {
                Decoder::Plain => find_record(&self.file, place(from), self.format).filter(|at| *at < end),
                Decoder::Gzip(gzip) => Some(gzip.find(&self.file, place(from), end)).filter(|at| *at < end),
                _ => None,
            },
        };
        self.start = start.map(|start| start as u64);
        self.end = end;
        let first = start.unwrap_or(end);
        match &mut self.decoder {
            Decoder::Plain => self.at = first,
            Decoder::Gzip(gzip) => gzip.position = first,
            _ => self.end = if start == Some(0) { self.file.len() } else { 0 },
        }
    }

    /// Goes to the member or record at `offset`; has to be called before anything is read. Has no effect where
    /// records have no offset.
    pub fn seek(&mut self, offset: u64) {
        if self.is_splittable() {
            self.restrict(ArchiveRange { start: RangeStart::At(offset), end: u64::MAX });
        }
    }

    /// The byte at which the range really begins, at a member or record; `None` when none starts in it.
    #[must_use]
    pub fn start(&self) -> Option<u64> {
        self.start
    }

    /// Where the next unread member or record starts; after the last item, where the following range has to begin.
    #[must_use]
    pub fn position(&self) -> u64 {
        match &self.decoder {
            Decoder::Plain => self.at as u64,
            decoder => decoder.position() as u64,
        }
    }

    /// The next record or damage, in file order; `None` at the end.
    pub fn next_item(&mut self) -> Option<WarcItem<'_>> {
        Some(match self.advance()? {
            Advance::Damage(damage) => WarcItem::Damage(damage),
            Advance::Record(place) => WarcItem::Record(self.record(place)),
        })
    }

    fn record(&self, place: Place) -> WarcRecord<'_> {
        let bytes = self.bytes();
        let head = bytes[place.start..place.body].trim_ascii_end();
        let offset = match self.decoder {
            Decoder::Plain => Some(place.start as u64),
            Decoder::Gzip(_) => Some(self.unit as u64),
            _ => None,
        };
        WarcRecord {
            offset,
            inner: self.base + place.start as u64,
            kind: RecordKind::of(head, self.format),
            head,
            block: &bytes[place.body..place.end],
            state: place.state,
            promised: place.promised,
            format: self.format,
        }
    }

    fn bytes(&self) -> &[u8] {
        if matches!(self.decoder, Decoder::Plain) { &self.file } else { &self.buffer }
    }

    fn advance(&mut self) -> Option<Advance> {
        self.start?;
        loop {
            if self.phase == Phase::Outside && !self.open_unit() {
                return None;
            }
            let complete = self.phase == Phase::Complete || self.buffer.len() >= RECORD_LIMIT;
            match next_record(self.bytes(), self.at, self.format, complete) {
                Found::Record(place) => {
                    if self.is_beyond(place.start) {
                        return None;
                    }
                    self.at = place.next;
                    return Some(Advance::Record(place));
                }
                Found::Junk { start, end } => {
                    if self.is_beyond(start) {
                        return None;
                    }
                    self.at = end;
                    if matches!(self.decoder, Decoder::Plain) {
                        let cut = end == self.file.len() && self.format.starts(&self.file[start..]);
                        let why = if cut { "truncated" } else { "junk" };
                        return Some(Advance::Damage(Damage::new(start, end, why)));
                    }
                    self.junk = true;
                }
                Found::More(needed) => self.fill(needed),
                Found::End if self.phase == Phase::Open => self.fill(self.buffer.len() + 1),
                Found::End => {
                    if matches!(self.decoder, Decoder::Plain) {
                        self.at = self.file.len();
                        return None;
                    }
                    if let Some(damage) = self.close_unit() {
                        return Some(Advance::Damage(damage));
                    }
                }
            }
        }
    }

    /// Whether a record of a plain file belongs to a later range; stops there.
    fn is_beyond(&mut self, start: usize) -> bool {
        let beyond = matches!(self.decoder, Decoder::Plain) && start >= self.end;
        if beyond {
            self.at = start;
        }
        beyond
    }

    /// Starts the next unit; `false` at the end of the range.
    fn open_unit(&mut self) -> bool {
        self.unit = self.decoder.position();
        if self.unit >= self.end {
            return false;
        }
        if matches!(self.decoder, Decoder::Gzip(_)) {
            self.base = 0;
        }
        self.buffer.clear();
        self.at = 0;
        self.junk = false;
        self.phase = Phase::Open;
        self.fill(0);
        true
    }

    /// Decompresses until `needed` bytes are in the buffer or the unit ends; drops bytes that were handed out.
    fn fill(&mut self, needed: usize) {
        let needed = needed.saturating_sub(self.at).min(RECORD_LIMIT);
        self.buffer.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        loop {
            // Doubling keeps the total work linear although the same bytes are looked at again.
            let length = self.buffer.len();
            let want =
                needed.saturating_sub(length).max(length).min(RECORD_LIMIT.saturating_sub(length)).max(PIECE);
            match self.decoder.step(&self.file, &mut self.buffer, want) {
                Step::More if self.buffer.len() < needed => continue,
                Step::More => {}
                Step::Whole | Step::End => self.phase = Phase::Complete,
                Step::Damaged(damage) => {
                    self.pending = Some(damage);
                    self.phase = Phase::Complete;
                }
            }
            return;
        }
    }

    /// Ends a unit of a compressed file and returns the damage to report.
    fn close_unit(&mut self) -> Option<Damage> {
        self.base += self.buffer.len() as u64;
        self.buffer.clear();
        self.at = 0;
        self.phase = Phase::Outside;
        let junk = std::mem::take(&mut self.junk);
        let junk = junk.then(|| Damage::new(self.unit, self.decoder.position(), "junk"));
        self.pending.take().or(junk)
    }
}
