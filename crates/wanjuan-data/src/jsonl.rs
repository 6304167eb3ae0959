//! Documents, and whatever else there is one of per line, as lines of JSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use internlm_kit::file::{AtPath, FileError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Document, Error, Result};

/// The documents of a jsonl file; needs `id` and `content`.
///
/// # Errors
/// A missing file; a line that is not a document, with its byte offset.
pub fn read_documents<P: AsRef<Path>>(path: P) -> Result<impl Iterator<Item = Result<Document>> + use<P>> {
    read_lines(path.as_ref())
}

/// The values of a jsonl file, one line in memory at a time; empty lines are skipped.
fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<impl Iterator<Item = Result<T>> + use<T>> {
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path).at(path, "read")?);
    let path = path.to_path_buf();
    let mut line = Vec::new();
    let mut offset = 0;
    Ok(std::iter::from_fn(move || {
        loop {
            line.clear();
            let start = offset;
            match reader.read_until(b'\n', &mut line) {
                Err(error) => return Some(Err(FileError::new(&path, "read", error).into())),
                Ok(0) => return None,
                Ok(read) => offset += read as u64,
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            return Some(serde_json::from_slice(&line).map_err(|error| Error::Format {
                path: path.clone(),
                offset: start,
                found: error.to_string(),
                expected: "one JSON object per line".to_owned(),
            }));
        }
    }))
}

/// Appends `value` as one line.
pub(crate) fn write_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    out.write_all(&internlm_kit::journal::line(value)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(texts in prop::collection::vec("\\PC*|[\n\r\u{2028}\"\\\\]*", 0..8)) {
            let folder = tempfile::tempdir().expect("temporary folder");
            let path = folder.path().join("x.jsonl");
            let documents: Vec<Document> = texts.iter().map(|text| Document::new("d", text, text)).collect();
            let mut bytes = Vec::new();
            for document in &documents {
                write_line(&mut bytes, document).expect("writes to memory");
            }
            std::fs::write(&path, bytes).expect("writes");
            let read: Vec<Document> = read_documents(&path).expect("opens").collect::<Result<_>>().expect("reads");
            prop_assert_eq!(read, documents);
        }
    }

    #[test]
    fn a_bad_line_is_named_by_its_offset_and_those_before_it_are_read() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.jsonl");
        std::fs::write(&path, "{\"id\":\"a\",\"content\":\"\"}\n\n{\"id\":\"b\"}\n").expect("writes");
        let mut lines = read_documents(&path).expect("opens");
        assert_eq!(lines.next().expect("a line").expect("is a document").id, "a");
        let error = lines.next().expect("a line").expect_err("has no content").to_string();
        assert!(error.contains("x.jsonl: byte 25: found missing field `content`"), "{error}");
    }
}
