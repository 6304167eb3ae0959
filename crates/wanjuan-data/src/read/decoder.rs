//! [`Decoder`]: one interface to the compressions of an archive.

use super::bytes::FileBytes;
use super::gzip::{Gzip, is_empty, prefix};
use super::lz4::{Lz4, is_lz4};
use super::record::{Format, find_record};
use super::step::Step;
use super::zstd::{Zstd, is_zstd};

/// How far to look for a record in an archive whose first bytes are damaged: 1 MiB.
const DETECTION_LIMIT: usize = 1 << 20;

/// Gives the decompressed bytes of a file in pieces.
#[derive(Debug)]
pub(super) enum Decoder {
    /// Not compressed; the file itself is the only unit.
    Plain,
    Gzip(Gzip),
    Zstd(Box<Zstd>),
    Lz4(Box<Lz4>),
}

impl Decoder {
    /// The decoder and the format of a file; `None` when it is not an archive.
    pub(super) fn detect(file: &FileBytes) -> Option<(Self, Format)> {
        if is_zstd(file) {
            return Some((Self::Zstd(Box::new(Zstd::new())), Format::Warc));
        }
        if is_lz4(file) {
            return Some((Self::Lz4(Box::new(Lz4::new(file.clone()))), Format::Warc));
        }
        let formats = [Format::Warc, Format::Arc];
        let head = &file[..file.len().min(DETECTION_LIMIT)];
        if let Some(format) = formats.into_iter().find(|format| format.opens(head)) {
            return Some((Self::Plain, format));
        }
        let mut first = [0; 1024];
        let length = prefix(&mut flate2::Decompress::new(false), head, &mut first);
        if let Some(format) = formats.into_iter().find(|format| format.opens(&first[..length])) {
            return Some((Self::Gzip(Gzip::new(format)), format));
        }
        if length == 0 && is_empty(file) {
            return Some((Self::Gzip(Gzip::new(Format::Warc)), Format::Warc));
        }
        for format in formats {
            if Gzip::new(format).find(head, 0, head.len()) < head.len() {
                return Some((Self::Gzip(Gzip::new(format)), format));
            }
        }
        let plain = formats.into_iter().find(|format| find_record(head, 0, *format).is_some())?;
        Some((Self::Plain, plain))
    }

    /// Appends the next piece to `out`: about `want` bytes, or a whole gzip member.
    pub(super) fn step(&mut self, file: &[u8], out: &mut Vec<u8>, want: usize) -> Step {
        match self {
            Self::Plain => Step::End,
            Self::Gzip(gzip) => gzip.step(file, out, want),
            Self::Zstd(zstd) => zstd.step(file, out, want),
            Self::Lz4(lz4) => lz4.step(out, want),
        }
    }

    /// Where the next unit or frame starts.
    pub(super) fn position(&self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Gzip(gzip) => gzip.position,
            Self::Zstd(zstd) => zstd.position,
            Self::Lz4(lz4) => lz4.position,
        }
    }
}
