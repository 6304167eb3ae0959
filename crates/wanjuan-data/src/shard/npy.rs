//! The `.npy` 1.0 array of a `.bin.meta` file: header, then little-endian `i32` pairs.
//!
//! Layout: `\x93NUMPY`, version bytes 1 and 0, header length as `u16` little-endian, the header (a Python
//! dictionary padded with spaces, ended by a newline, so that data starts at a multiple of 64), then data.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
const DESCR: &str = "'descr': '<i4', 'fortran_order': False, 'shape': (";

/// One row of the array: where a document is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Row {
    /// Byte of the document's line in the `.bin`.
    pub(super) offset: u32,
    /// Number of its tokens.
    pub(super) tokens: u32,
}

/// `X.bin.meta` for `X.bin`.
pub(super) fn meta_path(bin: &Path) -> PathBuf {
    let mut path = bin.as_os_str().to_owned();
    path.push(".meta");
    path.into()
}

/// The bytes of the array holding `rows`.
pub(super) fn encode(rows: &[Row]) -> Vec<u8> {
    let mut header = format!("{{{DESCR}{}, 2), }}", rows.len());
    let unpadded = MAGIC.len() + 2 + header.len() + 1;
    header.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    header.push('\n');
    let mut bytes = Vec::with_capacity(MAGIC.len() + 2 + header.len() + rows.len() * 8);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    for Row { offset, tokens } in rows {
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&tokens.to_le_bytes());
    }
    bytes
}

/// Reads the rows back; `path` is for messages.
pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Vec<Row>> {
    let fail = |offset: usize, found: String, expected: &str| Error::Format {
        path: path.to_path_buf(),
        offset: offset as u64,
        found,
        expected: expected.to_owned(),
    };
    if !bytes.starts_with(MAGIC) {
        let start = &bytes[..bytes.len().min(MAGIC.len())];
        return Err(fail(0, format!("{:?}", String::from_utf8_lossy(start)), "a NumPy 1.0 array"));
    }
    let length = bytes.get(8..10).map_or(0, |raw| usize::from(u16::from_le_bytes([raw[0], raw[1]])));
    let header = bytes
        .get(10..10 + length)
        .ok_or_else(|| fail(8, format!("{} bytes", bytes.len()), "a whole NumPy header"))?;
    let header = String::from_utf8_lossy(header);
    let documents = documents(&header)
        .ok_or_else(|| fail(10, header.trim_end().to_owned(), "an `<i4` array of shape (documents, 2)"))?;
    let data = &bytes[10 + length..];
    if data.len() != documents * 8 {
        let expected = format!("{} bytes for {documents} documents", documents * 8);
        return Err(fail(10 + length, format!("{} bytes of data", data.len()), &expected));
    }
    let word = |raw: &[u8]| u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
    let row = |raw: &[u8]| Row { offset: word(&raw[..4]), tokens: word(&raw[4..]) };
    Ok(data.chunks_exact(8).map(row).collect())
}

/// The number of documents in a header of the one kind we accept.
fn documents(header: &str) -> Option<usize> {
    let rest = header.trim_end().strip_prefix('{')?.strip_prefix(DESCR)?;
    rest.strip_suffix(", 2), }")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: [Row; 2] = [Row { offset: 0, tokens: 4 }, Row { offset: 25, tokens: 3 }];

    #[test]
    fn meta_of_two_documents_is_numpys() {
        let bytes = encode(&TWO);
        assert_eq!((bytes.len(), bytes[127]), (144, b'\n'));
        assert_eq!(
            internlm_kit::hash::sha256(&bytes),
            "cfde18cf0411621854b92dad3ca0d847e6a6038e4a8567e8a99d4e8c83e667ee"
        );
        assert_eq!(decode(Path::new("x.bin.meta"), &bytes).expect("decodes"), TWO);
    }

    #[test]
    fn other_shapes_and_cut_data_are_named() {
        let path = Path::new("x.bin.meta");
        let cut = decode(path, &encode(&TWO[..1])[..130]).expect_err("cut").to_string();
        assert!(cut.contains("x.bin.meta: byte 128: found 2 bytes of data, expected 8 bytes"), "{cut}");
        let shape = String::from_utf8_lossy(&encode(&[])).replace("(0, 2)", "(0,  )");
        let shape = [MAGIC, &shape.as_bytes()[MAGIC.len() + 1..]].concat();
        assert!(decode(path, &shape).is_err());
    }
}
