//! [`NgramIndex`]: a set of n-grams as a file.
//!
//! ```text
//! bytes 0..8    "NGRAMS01"
//! bytes 8..12   tokens per n-gram, little-endian
//! bytes 12..20  number of hashes, little-endian
//! then          the hashes in ascending order, 8 bytes each, little-endian
//! ```

use std::path::Path;

use internlm_kit::file;

use super::{GRAM, grams, tokens};
use crate::{Error, Result};

/// The first bytes of a file.
const MAGIC: &[u8; 8] = b"NGRAMS01";
/// Number of bytes before the hashes.
const HEAD: usize = 20;

/// The n-grams of many texts.
///
/// ```
/// use opencompass::contamination::NgramIndex;
/// let sentence = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
/// let index = NgramIndex::of([sentence]);
/// assert_eq!((index.len(), index.share(sentence), index.share("something else")), (2, 1.0, 0.0));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NgramIndex {
    /// In ascending order, each once.
    hashes: Vec<u64>,
}

impl NgramIndex {
    /// Collects the n-grams of texts.
    pub fn of<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let all = texts.into_iter().flat_map(|text| grams(&tokens(text.as_ref())));
        Self::of_hashes(all.collect())
    }

    /// Collects hashes of n-grams.
    #[must_use]
    pub fn of_hashes(mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        Self { hashes }
    }

    /// Returns the number of different n-grams.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Says whether there are no n-grams.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Says whether an n-gram is in the index.
    #[must_use]
    pub fn contains(&self, hash: u64) -> bool {
        self.hashes.binary_search(&hash).is_ok()
    }

    /// Returns the share of a text's n-grams that are in the index, from 0 to 1; 0 for a text without n-grams.
    #[must_use]
    pub fn share(&self, text: &str) -> f64 {
        let grams = grams(&tokens(text));
        let found = grams.iter().filter(|gram| self.contains(**gram)).count();
        if grams.is_empty() { 0.0 } else { found as f64 / grams.len() as f64 }
    }

    /// Writes the index to a file as a whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((GRAM as u32).to_le_bytes());
        bytes.extend((self.hashes.len() as u64).to_le_bytes());
        bytes.extend(self.hashes.iter().flat_map(|hash| hash.to_le_bytes()));
        Ok(file::write(path, bytes)?)
    }

    /// Reads the file of an index and checks it.
    ///
    /// # Errors
    /// [`Error::Content`] when the file is not an index of n-grams of [`GRAM`] tokens; [`Error::File`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = file::read(path)?;
        let fail = |message: String| Error::Content { path: path.to_path_buf(), message };
        let (Some(magic), Some(size), Some(count)) = (bytes.get(..8), bytes.get(8..12), bytes.get(12..HEAD))
        else {
            return Err(fail(format!("found {} bytes, expected an n-gram index", bytes.len())));
        };
        if magic != MAGIC {
            return Err(fail("expected NGRAMS01 at byte 0".to_owned()));
        }
        let number =
            |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let (size, count) = (number(size), number(count));
        if size != GRAM as u64 {
            return Err(fail(format!("byte 8: found {size} tokens per n-gram, expected {GRAM}")));
        }
        let hashes: Vec<u64> = bytes[HEAD..].chunks(8).map(number).collect();
        let whole = (bytes.len() - HEAD).is_multiple_of(8) && hashes.len() as u64 == count;
        if !whole || !hashes.is_sorted() {
            let found = bytes.len() - HEAD;
            return Err(fail(format!(
                "byte {HEAD}: found {found} bytes, expected {count} sorted hashes of 8"
            )));
        }
        Ok(Self { hashes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_comes_back_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("tests.ngrams");
        let words: Vec<String> = (0..40).map(|word| format!("w{word}")).collect();
        let index = NgramIndex::of([words.join(" "), words[..20].join(" ")]);
        assert_eq!(index.len(), 28);
        index.write(&path).expect("writes");
        assert_eq!(NgramIndex::read(&path).expect("reads"), index);
        let bytes = std::fs::read(&path).expect("reads");
        for (damaged, message) in [
            (bytes[..10].to_vec(), "found 10 bytes, expected an n-gram index"),
            (bytes[..bytes.len() - 1].to_vec(), "expected 28 sorted hashes"),
            ([&b"X"[..], &bytes[1..]].concat(), "expected NGRAMS01 at byte 0"),
            ([&bytes[..8], &[9], &bytes[9..]].concat(), "found 9 tokens per n-gram, expected 13"),
            ([&bytes[..HEAD], &[0xff; 8], &bytes[HEAD + 8..]].concat(), "sorted"),
        ] {
            std::fs::write(&path, damaged).expect("writes");
            let error = NgramIndex::read(&path).expect_err(message).to_string();
            assert!(error.contains("tests.ngrams") && error.contains(message), "{error}");
        }
    }
}
