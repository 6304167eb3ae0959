//! N-grams of words, by which texts of test sets are found in training data, and [`NgramIndex`], a set of them as a file.
//!
//! Texts are compared by their 13-grams (Brown et al. 2020, arXiv:2005.14165, appendix C): lower case, without
//! punctuation, Chinese, Japanese and Korean by character. An evaluation writes the index of its test sets, and a data
//! pipeline drops the documents that contain them.
//!
//! ```text
//! bytes 0..8    "NGRAMS01"
//! bytes 8..12   tokens per n-gram, little-endian
//! bytes 12..20  number of hashes, little-endian
//! then          the hashes in ascending order, 8 bytes each, little-endian
//! ```

use std::path::{Path, PathBuf};

use crate::bad_input::BadInput;
use crate::file::{self, FileError};

/// Number of tokens of an n-gram.
pub const GRAM: usize = 13;

/// The first bytes of a file.
const MAGIC: &[u8; 8] = b"NGRAMS01";
/// Number of bytes before the hashes.
const HEAD: usize = 20;

/// Cuts a text into normal tokens: words in lower case without punctuation; every character of Chinese, Japanese and
/// Korean is a token of its own.
///
/// ```
/// assert_eq!(internlm_kit::ngrams::tokens("It's 9 o'clock, 好的!"), ["its", "9", "oclock", "好", "的"]);
/// ```
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        if is_ideographic(character) {
            if !word.is_empty() {
                tokens.push(std::mem::take(&mut word));
            }
            tokens.push(character.to_string());
        } else if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        } else if character.is_whitespace() && !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}

/// Says whether a character is written without spaces around it.
fn is_ideographic(character: char) -> bool {
    matches!(character,
        '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Returns the hash of every n-gram, in order; none if there are fewer than [`GRAM`] tokens. The hash is FNV-1a of 64
/// bits over the tokens, each followed by a zero byte.
#[must_use]
pub fn grams(tokens: &[String]) -> Vec<u64> {
    tokens.windows(GRAM).map(hash).collect()
}

fn hash(tokens: &[String]) -> u64 {
    let bytes = tokens.iter().flat_map(|token| token.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Why a file is not used as an index of n-grams.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NgramIndexError {
    /// The bytes of the file are not an index.
    #[error("{}: byte {offset}: found {found}, expected {expected}", path.display())]
    Content {
        /// The file of the index.
        path: PathBuf,
        /// Byte at which the wrong content starts.
        offset: usize,
        /// What is at that byte.
        found: String,
        /// What an index has there.
        expected: String,
    },
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl BadInput for NgramIndexError {
    fn is_bad_input(&self) -> bool {
        match self {
            Self::Content { .. } => true,
            Self::File(error) => error.is_bad_input(),
        }
    }
}

/// The n-grams of many texts.
///
/// ```
/// use internlm_kit::ngrams::NgramIndex;
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
    /// [`FileError`] naming `path`.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((GRAM as u32).to_le_bytes());
        bytes.extend((self.hashes.len() as u64).to_le_bytes());
        bytes.extend(self.hashes.iter().flat_map(|hash| hash.to_le_bytes()));
        file::write(path, bytes)
    }

    /// Reads the file of an index and checks it.
    ///
    /// # Errors
    /// [`NgramIndexError::Content`] when the file is not an index of n-grams of [`GRAM`] tokens;
    /// [`NgramIndexError::File`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, NgramIndexError> {
        let path = path.as_ref();
        let bytes = file::read(path)?;
        let fail = |offset: usize, found: String, expected: String| NgramIndexError::Content {
            path: path.to_path_buf(),
            offset,
            found,
            expected,
        };
        let (Some(magic), Some(size), Some(count)) = (bytes.get(..8), bytes.get(8..12), bytes.get(12..HEAD))
        else {
            return Err(fail(bytes.len(), "the end of the file".to_owned(), "an n-gram index".to_owned()));
        };
        if magic != MAGIC {
            return Err(fail(0, "other bytes".to_owned(), "NGRAMS01".to_owned()));
        }
        let number =
            |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let (size, count) = (number(size), number(count));
        if size != GRAM as u64 {
            return Err(fail(8, format!("{size} tokens per n-gram"), GRAM.to_string()));
        }
        let hashes: Vec<u64> = bytes[HEAD..].chunks(8).map(number).collect();
        let whole = (bytes.len() - HEAD).is_multiple_of(8) && hashes.len() as u64 == count;
        if !whole || !hashes.is_sorted() {
            let found = format!("{} bytes", bytes.len() - HEAD);
            return Err(fail(HEAD, found, format!("{count} sorted hashes of 8")));
        }
        Ok(Self { hashes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_same_everywhere() {
        // FNV-1a of "a\0", written again in Python.
        assert_eq!(hash(&["a".to_owned()]), 0x089b_e207_b544_f1e4);
        let words = |count: usize| tokens(&"word ".repeat(count));
        assert_eq!((grams(&words(12)).len(), grams(&words(13)).len(), grams(&words(20)).len()), (0, 1, 8));
    }

    #[test]
    fn case_punctuation_and_spaces_change_nothing() {
        let text = "The quick, brown fox -- jumps over the lazy dog; and then it sleeps for hours.";
        let other = "the QUICK brown\nfox jumps over the lazy dog and  then it sleeps for hours";
        assert_eq!(grams(&tokens(text)), grams(&tokens(other)));
        assert_eq!(grams(&tokens(text)).len(), 3);
    }

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
            (bytes[..10].to_vec(), "byte 10: found the end of the file, expected an n-gram index"),
            (bytes[..bytes.len() - 1].to_vec(), "expected 28 sorted hashes of 8"),
            ([&b"X"[..], &bytes[1..]].concat(), "byte 0: found other bytes, expected NGRAMS01"),
            ([&bytes[..8], &[9], &bytes[9..]].concat(), "byte 8: found 9 tokens per n-gram, expected 13"),
            ([&bytes[..HEAD], &[0xff; 8], &bytes[HEAD + 8..]].concat(), "sorted"),
        ] {
            std::fs::write(&path, damaged).expect("writes");
            let error = NgramIndex::read(&path).expect_err(message);
            assert!(error.is_bad_input(), "{error}");
            let error = error.to_string();
            assert!(error.contains("tests.ngrams") && error.contains(message), "{error}");
        }
        let missing = NgramIndex::read(folder.path().join("nowhere")).expect_err("no file");
        assert!(missing.is_bad_input() && missing.to_string().contains("nowhere"), "{missing}");
    }
}
