//! Writing a zip of stored entries front to back, data aligned as torch does it.
//!
//! Written by hand because the sink cannot seek and the bytes must not depend on the clock: sizes and checksum are
//! known before an entry is written, dates are zero. Follows PKWARE's APPNOTE 6.3 (4.3.7, 4.3.12 to 4.3.16,
//! 4.5.3) and `caffe2/serialize/inline_container.cc` for the padding.

use std::io::{self, Write};

/// Data of an entry starts at a multiple of this, in bytes.
pub(super) const ALIGNMENT: u64 = 64;
/// A 32-bit field of this value says "see the zip64 field".
const SEE_ZIP64: u32 = u32::MAX;
/// Version of the format that knows zip64, tenths.
const VERSION_ZIP64: u16 = 45;
/// Version of the format without zip64, tenths.
const VERSION: u16 = 20;
/// Flag: names are UTF-8.
const UTF8: u16 = 1 << 11;
/// Extra field with sizes of 64 bits.
const ZIP64_FIELD: u16 = 1;
/// Extra field that only pads, torch's name for it.
const PADDING_FIELD: u16 = u16::from_le_bytes(*b"FB");

/// A zip file being written.
#[derive(Debug)]
pub(super) struct Archive<W> {
    sink: W,
    position: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    checksum: u32,
    length: u64,
    header: u64,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(sink: W) -> Self {
        Self { sink, position: 0, entries: Vec::new() }
    }

    /// Writes one entry.
    pub(super) fn entry(&mut self, name: &str, data: &[u8]) -> io::Result<()> {
        let entry = Entry {
            name: name.to_owned(),
            checksum: crc32fast::hash(data),
            length: data.len() as u64,
            header: self.position,
        };
        let header = entry.local_header()?;
        self.write(&header)?;
        self.write(data)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes the directory; gives the sink back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let start = self.position;
        let entries = std::mem::take(&mut self.entries);
        for entry in &entries {
            self.write(&entry.directory_record()?)?;
        }
        let end = end_records(entries.len() as u64, start, self.position);
        self.write(&end)?;
        Ok(self.sink)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.sink.write_all(bytes)
    }
}

impl Entry {
    /// The header before the data, padded so that the data is aligned.
    fn local_header(&self) -> io::Result<Vec<u8>> {
        let mut extra = Vec::new();
        if self.is_large() {
            field(&mut extra, ZIP64_FIELD, &[self.length, self.length]);
        }
        let mut out = Vec::new();
        out.extend(b"PK\x03\x04");
        self.common(&mut out);
        out.extend(name_length(&self.name)?.to_le_bytes());
        // The length of the extra fields (two bytes), the name, the field so far, and the head of the padding.
        let unpadded = self.header + (out.len() + 2 + self.name.len() + extra.len() + 4) as u64;
        let padding = unpadded.next_multiple_of(ALIGNMENT) - unpadded;
        extra.extend(PADDING_FIELD.to_le_bytes());
        extra.extend((padding as u16).to_le_bytes());
        extra.extend((0..padding).map(|_| b'Z'));
        out.extend((extra.len() as u16).to_le_bytes());
        out.extend(self.name.as_bytes());
        out.extend(extra);
        Ok(out)
    }

    /// The record in the directory at the end of the file.
    fn directory_record(&self) -> io::Result<Vec<u8>> {
        let mut extra = Vec::new();
        let mut wide = Vec::new();
        if self.is_large() {
            wide.extend([self.length, self.length]);
        }
        if narrow(self.header) == SEE_ZIP64 {
            wide.push(self.header);
        }
        if !wide.is_empty() {
            field(&mut extra, ZIP64_FIELD, &wide);
        }
        let mut out = Vec::new();
        out.extend(b"PK\x01\x02");
        out.extend(VERSION_ZIP64.to_le_bytes());
        self.common(&mut out);
        out.extend(name_length(&self.name)?.to_le_bytes());
        out.extend((extra.len() as u16).to_le_bytes());
        // Length of the comment, disk, internal (2, 2, 2 bytes) and external (4 bytes) attributes.
        out.extend([0; 10]);
        out.extend(narrow(self.header).to_le_bytes());
        out.extend(self.name.as_bytes());
        out.extend(extra);
        Ok(out)
    }

    /// The fields that both headers share: version needed, flags, method, time, date, checksum, two sizes.
    fn common(&self, out: &mut Vec<u8>) {
        let zip64 = self.is_large() || narrow(self.header) == SEE_ZIP64;
        out.extend(if zip64 { VERSION_ZIP64 } else { VERSION }.to_le_bytes());
        out.extend(UTF8.to_le_bytes());
        out.extend([0; 6]);
        out.extend(self.checksum.to_le_bytes());
        out.extend(narrow(self.length).to_le_bytes());
        out.extend(narrow(self.length).to_le_bytes());
    }

    /// Whether the sizes need 64 bits.
    fn is_large(&self) -> bool {
        narrow(self.length) == SEE_ZIP64
    }
}

/// The records that close the file: those of zip64 only where they are needed.
fn end_records(count: u64, start: u64, end: u64) -> Vec<u8> {
    let length = end - start;
    let mut out = Vec::new();
    let short_count = u16::try_from(count).unwrap_or(u16::MAX);
    if short_count == u16::MAX || narrow(length) == SEE_ZIP64 || narrow(start) == SEE_ZIP64 {
        out.extend(b"PK\x06\x06");
        // Bytes of this record after this field.
        out.extend(44_u64.to_le_bytes());
        out.extend(VERSION_ZIP64.to_le_bytes());
        out.extend(VERSION_ZIP64.to_le_bytes());
        // This disk, the disk of the directory.
        out.extend([0; 8]);
        for wide in [count, count, length, start] {
            out.extend(wide.to_le_bytes());
        }
        out.extend(b"PK\x06\x07");
        out.extend([0; 4]);
        out.extend(end.to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    out.extend(b"PK\x05\x06");
    out.extend([0; 4]);
    out.extend(short_count.to_le_bytes());
    out.extend(short_count.to_le_bytes());
    out.extend(narrow(length).to_le_bytes());
    out.extend(narrow(start).to_le_bytes());
    out.extend([0; 2]);
    out
}

/// An extra field of 64-bit numbers.
fn field(out: &mut Vec<u8>, kind: u16, numbers: &[u64]) {
    out.extend(kind.to_le_bytes());
    out.extend((size_of_val(numbers) as u16).to_le_bytes());
    out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

/// The 32-bit field for a number, which may defer to zip64.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(SEE_ZIP64)
}

fn name_length(name: &str) -> io::Result<u16> {
    u16::try_from(name.len()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}
