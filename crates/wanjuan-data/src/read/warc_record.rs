//! [`WarcRecord`]: one record of an archive, borrowed from its reader.

use std::borrow::Cow;

use super::fields::values;
pub use super::record::RecordState;
use super::record::{ArcLine, Format};

/// One record; borrows from its reader.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarcRecord<'a> {
    /// Byte at which the record, or the gzip member that holds it, starts; `None` in zstd and lz4 files.
    pub offset: Option<u64>,
    /// Byte of the record in the decompressed member, stream or file.
    pub inner: u64,
    /// `WARC-Type`, as far as this crate knows it.
    pub kind: RecordKind,
    /// Version line and fields as stored, without the empty line; for ARC its one line.
    pub head: &'a [u8],
    /// The block: everything after the head, without the final line breaks.
    pub block: &'a [u8],
    /// Whether the block is as long as its head says.
    pub state: RecordState,
    /// `Content-Length`; `None` when it is missing or not a number.
    pub promised: Option<u64>,
    pub(super) format: Format,
}

/// What a record is, by its `WARC-Type`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RecordKind {
    /// `warcinfo`: about the file itself.
    Warcinfo,
    /// The first record of an ARC file, about the file itself.
    ArcHeader,
    /// An HTTP response with its headers.
    Response,
    /// A resource without protocol headers.
    Resource,
    /// An HTTP request with its headers.
    Request,
    /// Data about another record.
    Metadata,
    /// The same content as an earlier record.
    Revisit,
    /// Content converted to another format (WET).
    Conversion,
    /// A type that the standard does not name.
    Other,
}

impl RecordKind {
    pub(super) fn of(head: &[u8], format: Format) -> Self {
        if format == Format::Arc {
            return if head.starts_with(b"filedesc:") { Self::ArcHeader } else { Self::Response };
        }
        match values(head, "WARC-Type").next().unwrap_or_default().to_ascii_lowercase().as_str() {
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

impl<'a> WarcRecord<'a> {
    /// A header field by name, in any case; the first one when there are several. The fields of an ARC record have the
    /// names of their WARC counterparts.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        if self.format == Format::Warc {
            return values(self.head, name).next().map(|value| Cow::Owned(value.into_owned()));
        }
        let line = ArcLine::parse(self.head)?;
        let text = String::from_utf8_lossy;
        match name.to_ascii_lowercase().as_str() {
            "warc-target-uri" => Some(text(line.uri)),
            "warc-ip-address" => Some(text(line.ip)),
            "warc-date" => Some(Cow::Owned(iso_date(line.date))),
            "content-type" => Some(text(line.content_type)),
            _ => None,
        }
    }

    /// `WARC-Target-URI` without the angle brackets that wget writes.
    #[must_use]
    pub fn uri(&self) -> Option<Cow<'a, str>> {
        let uri = self.header("WARC-Target-URI")?;
        let bare = uri.strip_prefix('<').and_then(|uri| uri.strip_suffix('>'));
        Some(bare.map(|bare| Cow::Owned(bare.to_owned())).unwrap_or(uri))
    }

    /// The bytes between head and block: the line break of the head's last line and an empty line; in ARC files the
    /// line break alone.
    #[must_use]
    pub fn separator(&self) -> &'static [u8] {
        match self.format {
            Format::Warc => b"\r\n\r\n",
            Format::Arc => b"\n",
        }
    }

    /// The record's type as written; `arc_header` and `response` in ARC files.
    #[must_use]
    pub fn type_name(&self) -> Cow<'a, str> {
        match (self.format, self.kind) {
            (Format::Arc, RecordKind::ArcHeader) => Cow::Borrowed("arc_header"),
            (Format::Arc, _) => Cow::Borrowed("response"),
            _ => self.header("WARC-Type").unwrap_or(Cow::Borrowed("unknown")),
        }
    }
}

/// `20140216050221` as `2014-02-16T05:02:21Z`; missing digits count as the beginning of the period.
fn iso_date(digits: &[u8]) -> String {
    let mut full = *b"00000101000000";
    let length = digits.len().min(full.len());
    full[..length].copy_from_slice(&digits[..length]);
    let text = String::from_utf8_lossy(&full);
    let (year, month, day) = (&text[..4], &text[4..6], &text[6..8]);
    format!("{year}-{month}-{day}T{}:{}:{}Z", &text[8..10], &text[10..12], &text[12..14])
}
