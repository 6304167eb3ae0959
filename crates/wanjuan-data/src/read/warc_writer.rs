//! [`WarcWriter`]: WARC 1.1 records, one gzip member each, the same bytes for the same records.

use std::io::Write;

use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

use internlm_kit::hash::sha256;

/// The header fields that a record gets besides id, digest and length.
#[derive(Clone, Copy, Debug)]
pub struct WarcHeaders<'a> {
    /// `WARC-Type` of the record: `resource`, `warcinfo`, ...
    pub kind: &'a str,
    /// `WARC-Target-URI`; `None` writes no such field.
    pub uri: Option<&'a str>,
    /// `WARC-Date`, ISO 8601 with `Z`.
    pub date: &'a str,
    /// `Content-Type` of the block.
    pub content_type: &'a str,
}

/// Writes WARC 1.1 records to `W`.
#[derive(Debug)]
pub struct WarcWriter<W> {
    out: W,
    level: Compression,
}

impl<W: Write> WarcWriter<W> {
    /// A writer of gzip members (deflate level 6, no file name, no time stamp).
    pub fn new(out: W) -> Self {
        Self { out, level: Compression::new(6) }
    }

    /// Appends one record and returns its `WARC-Record-ID`, a function of address, date and block.
    ///
    /// # Errors
    /// Any I/O error of the underlying writer.
    pub fn write(&mut self, headers: &WarcHeaders, block: &[u8]) -> std::io::Result<String> {
        let id = record_id(headers, block);
        let mut head = format!("WARC/1.1\r\nWARC-Type: {}\r\nWARC-Record-ID: {id}\r\n", headers.kind);
        if let Some(uri) = headers.uri {
            head.push_str(&format!("WARC-Target-URI: {uri}\r\n"));
        }
        let (date, kind, length) = (headers.date, headers.content_type, block.len());
        head.push_str(&format!("WARC-Date: {date}\r\nWARC-Block-Digest: sha256:{}\r\n", sha256(block)));
        head.push_str(&format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"));
        // Operating system 255 = unknown: the same bytes on every machine.
        let mut member = GzBuilder::new().mtime(0).operating_system(255).write(&mut self.out, self.level);
        member.write_all(head.as_bytes())?;
        member.write_all(block)?;
        member.write_all(b"\r\n\r\n")?;
        member.finish()?;
        Ok(id)
    }

    /// Returns the underlying writer, which still has to be flushed or committed.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// A name-based UUID (version 8, RFC 9562) of kind, address, date and block.
fn record_id(headers: &WarcHeaders, block: &[u8]) -> String {
    let mut hasher = Sha256::new();
    for part in [headers.kind, headers.uri.unwrap_or_default(), headers.date] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.update(block);
    let digest = hasher.finalize();
    let mut uuid: [u8; 16] = digest[..16].try_into().expect("sha256 has 32 bytes");
    uuid[6] = (uuid[6] & 0x0f) | 0x80;
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
    let hex: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("<urn:uuid:{a}-{b}-{c}-{d}-{e}>")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::read::{Digest, RecordState, WarcItem, WarcReader};

    proptest! {
        /// Any block comes back, also one that looks like a record, and its digest is right.
        #[test]
        fn what_is_written_is_read_back(
            blocks in prop::collection::vec(prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                Just(b"WARC/1.1\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n".to_vec()),
            ], 1..6)
        ) {
            let mut writer = WarcWriter::new(Vec::new());
            let headers = WarcHeaders { kind: "resource", uri: Some("https://a.b/"), date: "2024-05-01T00:00:00Z", content_type: "text/html" };
            let ids: Vec<String> = blocks.iter().map(|block| writer.write(&headers, block).expect("writes to memory")).collect();
            let mut reader = WarcReader::from_bytes("x.warc.gz", writer.into_inner()).expect("is an archive");
            for (block, id) in blocks.iter().zip(&ids) {
                let Some(WarcItem::Record(record)) = reader.next_item() else { panic!("a record is missing") };
                prop_assert_eq!((record.block, record.state, record.inner), (block.as_slice(), RecordState::Whole, 0));
                let named = record.header("warc-record-id").map(String::from);
                prop_assert_eq!(named.as_ref(), Some(id));
                let digest = Digest::parse(&record.header("WARC-Block-Digest").expect("has a digest")).expect("is a digest");
                prop_assert_eq!(&digest.of_same_kind(block), &digest);
            }
            prop_assert!(reader.next_item().is_none());
        }
    }

    #[test]
    fn ids_depend_on_address_date_and_block_alone() {
        let id = |uri, date, block: &[u8]| {
            record_id(
                &WarcHeaders { kind: "resource", uri: Some(uri), date, content_type: "text/html" },
                block,
            )
        };
        let first = id("a", "b", b"c");
        assert_eq!(first, id("a", "b", b"c"));
        assert!(first.starts_with("<urn:uuid:") && first.as_bytes()[24] == b'8', "version 8: {first}");
        for other in [id("x", "b", b"c"), id("a", "x", b"c"), id("a", "b", b"x"), id("ab", "", b"c")] {
            assert_ne!(first, other);
        }
    }
}
