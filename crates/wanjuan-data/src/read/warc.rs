//! [`WarcReader`]: the records of a WARC file (ISO 28500, versions 1.0 and 1.1), plain or gzip.
//!
//! Damage costs only the record or member it hits, and is reported with its byte range.

use std::path::{Path, PathBuf};

use super::gzip::{Member, Members};
use crate::mmap::MappedFile;
use crate::{Error, Result};

/// A record or member of more than this is given up: 256 MiB.
const MEMBER_LIMIT: usize = 1 << 28;

/// What comes out of an archive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WarcItem {
    /// A record, perhaps shortened (see [`RecordState`]).
    Record(WarcRecord),
    /// Bytes that gave no record.
    Damage(Damage),
}

/// A byte range that was lost.
#[derive(Clone, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Damage {
    /// First byte in the file.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
    /// `junk`, `corrupt` or `truncated`.
    pub why: String,
}

/// One record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WarcRecord {
    /// Byte at which the record, or the gzip member that holds it, starts.
    pub offset: u64,
    /// Byte of the record in the decompressed member; 0 in plain files.
    pub inner: u64,
    /// `WARC-Type`.
    pub kind: RecordKind,
    /// Header fields in file order, names as written.
    pub headers: Vec<(String, String)>,
    /// The block.
    pub block: Vec<u8>,
    /// Whether the block is what `Content-Length` promised.
    pub state: RecordState,
}

/// `WARC-Type`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RecordKind {
    /// About the file itself.
    Warcinfo,
    /// An HTTP response with its headers.
    Response,
    /// A resource without protocol headers.
    Resource,
    /// An HTTP request.
    Request,
    /// About another record.
    Metadata,
    /// The same content as an earlier record.
    Revisit,
    /// Content converted to another format (WET).
    Conversion,
    /// Anything else.
    Other,
}

impl RecordKind {
    fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "warcinfo" => Self::Warcinfo,
            "response" => Self::Response,
            "resource" => Self::Resource,
            "request" => Self::Request,
            "metadata" => Self::Metadata,
            "revisit" => Self::Revisit,
            "conversion" => Self::Conversion,
            _ => Self::Other,
        }
    }
}

/// Whether a block is complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordState {
    /// As long as `Content-Length` says.
    Whole,
    /// The file or member ended before.
    Truncated,
}

impl WarcRecord {
    /// A header field by name, any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// `WARC-Target-URI` without the angle brackets that wget writes.
    #[must_use]
    pub fn uri(&self) -> Option<&str> {
        let uri = self.header("WARC-Target-URI")?;
        Some(uri.strip_prefix('<').and_then(|uri| uri.strip_suffix('>')).unwrap_or(uri))
    }
}

/// An open archive.
#[derive(Debug)]
pub struct WarcReader {
    path: PathBuf,
    bytes: MappedFile,
}

impl WarcReader {
    /// Opens `path`.
    ///
    /// # Errors
    /// A file that cannot be read, or that starts neither with `WARC/` nor with a gzip header.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = MappedFile::open(path).map_err(Error::io(path, "read"))?;
        let known = bytes.is_empty() || bytes.starts_with(b"WARC/") || bytes.starts_with(b"\x1f\x8b");
        if !known {
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(8)]).into_owned();
            return Err(Error::Format {
                path: path.to_path_buf(),
                offset: 0,
                found: format!("{start:?}"),
                expected: "`WARC/` or a gzip header".to_owned(),
            });
        }
        Ok(Self { path: path.to_path_buf(), bytes })
    }

    /// The archive.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records and damages in file order.
    pub fn items(&self) -> impl Iterator<Item = WarcItem> + '_ {
        let gzip = self.bytes.starts_with(b"\x1f\x8b");
        let members = gzip.then(|| Members::new(&self.bytes, MEMBER_LIMIT)).into_iter().flatten();
        let plain = (!gzip).then(|| parse_records(&self.bytes, None, false)).into_iter().flatten();
        members.flat_map(items_of_member).chain(plain)
    }
}

fn items_of_member(member: Member) -> Vec<WarcItem> {
    match member {
        Member::Whole { start, bytes } => parse_records(&bytes, Some(start), false),
        Member::Damaged { start, end, why, salvage } => {
            let mut items = parse_records(&salvage, Some(start), true);
            items.push(WarcItem::Damage(Damage { start, end, why: why.to_owned() }));
            items
        }
    }
}

/// Records one after another in `bytes`. `member` is the file offset of the gzip member, `None` when
/// `bytes` is the file. Of a damaged member only complete records are taken.
fn parse_records(bytes: &[u8], member: Option<u64>, complete_only: bool) -> Vec<WarcItem> {
    let mut items = Vec::new();
    let mut at = 0;
    while let Some(start) = skip_line_breaks(bytes, at) {
        match parse_record(bytes, start, member) {
            Some((record, end)) => {
                at = end;
                if record.state == RecordState::Whole || !complete_only {
                    items.push(WarcItem::Record(record));
                }
            }
            None => {
                let next = find_version(bytes, start + 1);
                if !complete_only {
                    let place = |at: usize| member.unwrap_or(at as u64);
                    let why = "junk".to_owned();
                    items.push(WarcItem::Damage(Damage { start: place(start), end: place(next), why }));
                }
                at = next;
            }
        }
    }
    items
}

fn skip_line_breaks(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).map(|skipped| from + skipped)
}

fn find_version(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.windows(5).position(|window| window == b"WARC/").map_or(bytes.len(), |at| from + at)
}

/// One record at `start` and the byte after its block; `None` when there is no record.
fn parse_record(bytes: &[u8], start: usize, member: Option<u64>) -> Option<(WarcRecord, usize)> {
    let rest = &bytes[start..];
    if !rest.starts_with(b"WARC/") {
        return None;
    }
    let (head, body) = split_head(rest)?;
    let headers = parse_headers(head);
    let find = |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v);
    let length: usize = find("Content-Length")?.trim().parse().ok()?;
    let kind = RecordKind::parse(find("WARC-Type").map_or("", String::as_str));
    let end = body.saturating_add(length).min(rest.len());
    let state = if end - body == length { RecordState::Whole } else { RecordState::Truncated };
    let block = rest[body..end].to_vec();
    let (offset, inner) = member.map_or((start as u64, 0), |member| (member, start as u64));
    Some((WarcRecord { offset, inner, kind, headers, block, state }, start + end))
}

/// Splits at the first empty line: the head, and the byte at which the body starts.
pub(super) fn split_head(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let mut line = 0;
    loop {
        let end = line + bytes.get(line..)?.iter().position(|byte| *byte == b'\n')?;
        let content = bytes[line..end].strip_suffix(b"\r").unwrap_or(&bytes[line..end]);
        if content.is_empty() && line > 0 {
            return Some((&bytes[..line], end + 1));
        }
        line = end + 1;
    }
}

/// Header fields after the first line; a line that starts with white space continues the one before.
pub(super) fn parse_headers(head: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(head);
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in text.lines().skip(1) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    headers
}
