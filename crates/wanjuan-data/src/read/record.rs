//! Where records start and end in decompressed bytes: WARC (ISO 28500, 1.0 and 1.1) and ARC 1 and 2.
//!
//! A `Content-Length` is trusted when a record, or nothing, follows the block. Otherwise the record extends to the next
//! complete head, and reading resumes there.

use memchr::{memchr, memchr_iter, memmem};

use super::fields::{lines, split_field};

/// Maximum length of a head in bytes.
const HEAD_LIMIT: usize = 1 << 18;
/// How many bytes after a block show whether its length is right.
const LOOK_AHEAD: usize = 16;
/// What editors put before UTF-8 text. An archive that was saved by one is still an archive.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The two archive formats.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Warc,
    Arc,
}

impl Format {
    /// Whether a file of this format can begin with `bytes`.
    pub(super) fn opens(self, bytes: &[u8]) -> bool {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        match self {
            Self::Warc => is_version(bytes),
            Self::Arc => bytes.starts_with(b"filedesc://"),
        }
    }

    /// Whether `bytes`, perhaps cut, begin with a record.
    pub(super) fn starts(self, bytes: &[u8]) -> bool {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        match self {
            Self::Warc => is_version(bytes),
            Self::Arc => ArcLine::parse(lines(bytes).next().unwrap_or_default()).is_some(),
        }
    }
}

/// Whether a block is complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordState {
    /// As long as its head says.
    Whole,
    /// The file or member ended before the block did.
    Truncated,
    /// The length in the head is wrong: another record starts inside of the block, or something that is not a record
    /// follows it. The block extends to the next record.
    WrongLength,
}

impl RecordState {
    /// `ok`, `truncated` or `length`, as `warc ls` prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "ok",
            Self::Truncated => "truncated",
            Self::WrongLength => "length",
        }
    }
}

/// The place of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) start: usize,
    /// Where the block starts.
    pub(super) body: usize,
    /// Byte after the block.
    pub(super) end: usize,
    /// Where to read on.
    pub(super) next: usize,
    pub(super) state: RecordState,
    /// `Content-Length`, if the head has one.
    pub(super) promised: Option<u64>,
}

/// What was found at a position.
#[derive(Debug)]
pub(super) enum Found {
    Record(Place),
    /// `start..end` is not a record.
    Junk {
        start: usize,
        end: usize,
    },
    /// At least this many bytes are needed to decide.
    More(usize),
    /// Nothing but line breaks.
    End,
}

enum Head {
    Good { body: usize, length: Option<u64> },
    Incomplete,
    Bad,
}

/// What is at `from`; with `complete`, no more bytes will come.
pub(super) fn next_record(bytes: &[u8], from: usize, format: Format, complete: bool) -> Found {
    let from = if from == 0 && bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { from };
    let Some(start) = skip_line_breaks(bytes, from) else {
        return if complete { Found::End } else { Found::More(bytes.len() + 1) };
    };
    let (body, length) = match parse_head(&bytes[start..], format) {
        Head::Good { body, length } => (start + body, length),
        Head::Incomplete if !complete => return Found::More(bytes.len() + 1),
        _ => return junk(bytes, start, format, complete),
    };
    let place = |end, next, state| Found::Record(Place { start, body, end, next, state, promised: length });
    let promised = length.and_then(|length| usize::try_from(length).ok());
    let promised = promised.and_then(|length| body.checked_add(length));
    if let Some(end) = promised {
        if !complete && bytes.len().saturating_sub(LOOK_AHEAD) < end {
            return Found::More(end.saturating_add(LOOK_AHEAD));
        }
        if end <= bytes.len() && ends_well(&bytes[end..], format) {
            return place(end, end, RecordState::Whole);
        }
    }
    match find_record(bytes, body, format) {
        Some(next) => place(cut_line_breaks(bytes, body, next), next, RecordState::WrongLength),
        None if !complete => Found::More(bytes.len() + 1),
        None if promised.is_none_or(|end| end > bytes.len()) && length.is_some() => {
            place(bytes.len(), bytes.len(), RecordState::Truncated)
        }
        None => place(cut_line_breaks(bytes, body, bytes.len()), bytes.len(), RecordState::WrongLength),
    }
}

fn junk(bytes: &[u8], start: usize, format: Format, complete: bool) -> Found {
    match find_record(bytes, start + 1, format) {
        Some(end) => Found::Junk { start, end },
        None if complete => Found::Junk { start, end: bytes.len() },
        // The last bytes may be the beginning of a head.
        None if bytes.len() - start > 2 * HEAD_LIMIT => Found::Junk { start, end: bytes.len() - HEAD_LIMIT },
        None => Found::More(bytes.len() + 1),
    }
}

fn skip_line_breaks(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).map(|skipped| from + skipped)
}

/// `end` without the (at most two) line breaks that separate records.
fn cut_line_breaks(bytes: &[u8], start: usize, end: usize) -> usize {
    let mut block = &bytes[start..end];
    for _ in 0..2 {
        block = block.strip_suffix(b"\n").unwrap_or(block);
        block = block.strip_suffix(b"\r").unwrap_or(block);
    }
    start + block.len()
}

/// Whether the bytes after a block show that its length is right.
fn ends_well(rest: &[u8], format: Format) -> bool {
    let mark: &[u8] = if format == Format::Warc { b"\r\n\r\n" } else { b"\n" };
    if rest.is_empty() || rest.starts_with(mark) || rest.starts_with(b"\n\n") {
        return true;
    }
    match skip_line_breaks(rest, 0) {
        None => true,
        Some(next) => format == Format::Warc && is_version(&rest[next..]),
    }
}

/// First place at or after `from` where a line begins a record.
pub(super) fn find_record(bytes: &[u8], from: usize, format: Format) -> Option<usize> {
    let good = |at: &usize| {
        (*at == 0 || bytes[at - 1] == b'\n') && matches!(parse_head(&bytes[*at..], format), Head::Good { .. })
    };
    let rest = bytes.get(from..)?;
    match format {
        Format::Warc => memmem::find_iter(rest, b"WARC/").map(|at| from + at).find(good),
        Format::Arc => {
            let first = Some(from).filter(|at| *at == 0 || bytes[at - 1] == b'\n');
            let lines = memchr_iter(b'\n', rest).map(|at| from + at + 1);
            first.into_iter().chain(lines).filter(|at| *at < bytes.len()).find(good)
        }
    }
}

fn is_version(line: &[u8]) -> bool {
    line.starts_with(b"WARC/") && line.get(5).is_some_and(u8::is_ascii_digit)
}

fn parse_head(bytes: &[u8], format: Format) -> Head {
    match format {
        Format::Warc => parse_warc_head(bytes),
        Format::Arc => {
            let line = &bytes[..bytes.len().min(HEAD_LIMIT)];
            let Some(end) = memchr(b'\n', line) else {
                return if bytes.len() < HEAD_LIMIT { Head::Incomplete } else { Head::Bad };
            };
            match ArcLine::parse(line[..end].strip_suffix(b"\r").unwrap_or(&line[..end])) {
                Some(arc) => Head::Good { body: end + 1, length: Some(arc.length) },
                None => Head::Bad,
            }
        }
    }
}

/// A version line, fields, an empty line. A second version line before that makes it bad, so that looking for
/// heads takes linear time.
fn parse_warc_head(bytes: &[u8]) -> Head {
    const START: &[u8] = b"WARC/1.0\r\n";
    if !is_version(bytes) {
        let cut = bytes.len() < 6 && START.starts_with(bytes);
        return if cut { Head::Incomplete } else { Head::Bad };
    }
    let mut length = None;
    let mut known = false;
    let mut at = 0;
    while let Some(end) = memchr(b'\n', &bytes[at..]).map(|skip| at + skip) {
        let line = &bytes[at..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return if known { Head::Good { body: end + 1, length } } else { Head::Bad };
        }
        if at > 0 {
            match line[0] | 0x20 {
                b'w' if is_version(line) => return Head::Bad,
                b'w' => known |= line.len() > 5 && line[..5].eq_ignore_ascii_case(b"warc-"),
                b'c' => {
                    if let Some((_, value)) =
                        split_field(line).filter(|(name, _)| name.eq_ignore_ascii_case(b"content-length"))
                    {
                        known = true;
                        length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    }
                }
                _ => {}
            }
        }
        at = end + 1;
        if at > HEAD_LIMIT {
            return Head::Bad;
        }
    }
    if bytes.len() > HEAD_LIMIT { Head::Bad } else { Head::Incomplete }
}

/// The line before an ARC record: `URL IP DATE TYPE ... LENGTH`; version 2 has further fields before the
/// length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct ArcLine<'a> {
    /// Address; unescaped spaces occur.
    pub(super) uri: &'a [u8],
    /// Address of the server.
    pub(super) ip: &'a [u8],
    /// 14 digits, sometimes fewer.
    pub(super) date: &'a [u8],
    /// Media type.
    pub(super) content_type: &'a [u8],
    pub(super) length: u64,
}

impl<'a> ArcLine<'a> {
    /// Parses `line`; `None` when it is not the line of a record.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let line = &line[..line.len().min(HEAD_LIMIT)];
        let last = memchr::memrchr(b' ', line)?;
        let length = std::str::from_utf8(&line[last + 1..]).ok()?.parse().ok()?;
        // Searches the date from the right: there are at most seven fields between it and the length.
        let mut end = last;
        for _ in 0..8 {
            let start = memchr::memrchr(b' ', &line[..end])? + 1;
            let field = &line[start..end];
            let digits = (8..=17).contains(&field.len()) && field.iter().all(u8::is_ascii_digit);
            let before = &line[..start - 1];
            let space = memchr::memrchr(b' ', before);
            if let Some(space) = space.filter(|space| digits && is_address(&before[space + 1..])) {
                let (uri, ip) = (&before[..space], &before[space + 1..]);
                let content_type = line.get(end + 1..last).unwrap_or_default();
                let content_type = content_type.split(|byte| *byte == b' ').next().unwrap_or_default();
                return memchr(b':', uri).map(|_| Self { uri, ip, date: field, content_type, length });
            }
            end = start - 1;
        }
        None
    }
}

fn is_address(field: &[u8]) -> bool {
    field == b"-"
        || (field.len() >= 2 && field.iter().all(|byte| byte.is_ascii_hexdigit() || b".:".contains(byte)))
}
