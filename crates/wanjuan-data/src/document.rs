//! [`Document`]: one record on its way from a capture to tokens, in WanJuan-CC's schema.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One document. Written as a line of jsonl with the keys in this order; the block up to `char_num` is
/// WanJuan-CC's (arXiv 2402.19282), the rest is ours. Reading needs only `id` and `content` (WanJuan 1.0).
///
/// ```
/// let mut document = wanjuan_data::Document::new("rust-docs", "<urn:uuid:1>", "Two\nlines");
/// document.refresh_counts();
/// assert_eq!((document.line_num, document.char_num, document.id.len()), (Some(2), Some(9), 20));
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Document {
    /// 20 characters `[0-9A-Za-z]`, see [`document_id`].
    pub id: String,
    /// The text: UTF-8, lines ended by `\n`.
    pub content: String,
    /// Title as the page states it, without the name of the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Two letters (ISO 639-1) where the language has them, `und` when undetermined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// ISO 8601 with `Z`: when the page was published, else captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Number of tokens of `content`; WanJuan-CC's key, set by none of our stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_num: Option<u64>,
    /// Length of `content` in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cbytes_num: Option<u64>,
    /// Number of lines of `content`, split at `\n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_num: Option<u64>,
    /// Length of `content` in code points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub char_num: Option<u64>,
    /// URL of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Author as the page states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Name of the site as the page states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// License as the page states it, `CC BY-SA 4.0` for Creative Commons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Confidence of `language`, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang_score: Option<f64>,
    /// From where the capture can be read again.
    #[serde(default, skip_serializing_if = "Source::is_unknown")]
    pub source: Source,
    /// The page as captured; taken by the stage `extract`, never written.
    #[serde(skip)]
    pub capture: Option<Capture>,
}

/// Enough to read the capture again: archive and place.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Source {
    /// Name of the crawl; among duplicates the document with the greatest name is kept.
    pub dump: String,
    /// The archive, relative to the output folder or as given.
    pub file: String,
    /// Byte at which the record, or the gzip member that holds it, starts.
    pub offset: u64,
    /// Byte of the record inside the decompressed member.
    pub inner: u64,
    /// `WARC-Record-ID`; empty when the record has no id.
    pub record_id: String,
}

impl Source {
    fn is_unknown(&self) -> bool {
        self == &Self::default()
    }
}

/// A page as captured: bytes, and what the server said about them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Capture {
    /// Media type in lower case, without parameters; empty when unknown.
    pub media_type: String,
    /// `charset` parameter of the content type.
    pub charset: Option<String>,
    /// The payload, content encodings removed.
    pub bytes: Vec<u8>,
}

impl Document {
    /// A document with nothing but its text, from the record `record_id` of the crawl `dump`.
    #[must_use]
    pub fn new(dump: &str, record_id: &str, content: &str) -> Self {
        Self {
            id: document_id(dump, record_id),
            content: content.to_owned(),
            source: Source { dump: dump.to_owned(), record_id: record_id.to_owned(), ..Source::default() },
            ..Self::default()
        }
    }

    /// Size in bytes: of the capture before `extract`, of the text after it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.capture.as_ref().map_or(self.content.len(), |capture| capture.bytes.len()) as u64
    }

    /// Recomputes `cbytes_num`, `line_num` and `char_num` from `content`.
    pub fn refresh_counts(&mut self) {
        self.cbytes_num = Some(self.content.len() as u64);
        self.line_num = Some(self.content.split('\n').count() as u64);
        self.char_num = Some(self.content.chars().count() as u64);
    }

    /// The order in which duplicates are preferred: the greatest is kept.
    #[must_use]
    pub fn recency(&self) -> Recency {
        Recency {
            dump: self.source.dump.clone(),
            date: self.date.clone().unwrap_or_default(),
            id: self.id.clone(),
        }
    }
}

/// How recent a document is; compared field by field. The id makes the order total, so that the choice among
/// duplicates does not depend on the order of the corpus.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Recency {
    /// Name of the crawl.
    pub dump: String,
    /// ISO 8601, or empty.
    pub date: String,
    /// Id of the document.
    pub id: String,
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 20 base-62 digits of the first 119 bits of sha256(dump, NUL, record id): the same capture has the same
/// id in every run. The form is that of WanJuan-CC's ids.
#[must_use]
pub fn document_id(dump: &str, record_id: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(dump.as_bytes());
    hasher.update([0]);
    hasher.update(record_id.as_bytes());
    let digest = hasher.finalize();
    let head: [u8; 16] = digest[..16].try_into().expect("sha256 has 32 bytes");
    let mut rest = u128::from_be_bytes(head) >> 9;
    let mut id = [b'0'; 20];
    for digit in id.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    String::from_utf8_lossy(&id).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_depend_on_both_parts() {
        assert_eq!(document_id("a", "b"), document_id("a", "b"));
        assert_ne!(document_id("a", "b"), document_id("ab", ""));
        assert!(document_id("a", "b").bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn id_and_content_are_enough_to_read() {
        let document: Document = serde_json::from_str(r#"{"id":"x","content":"y"}"#).expect("parses");
        assert_eq!(document.content, "y");
        assert_eq!(serde_json::to_string(&document).expect("writes"), r#"{"id":"x","content":"y"}"#);
    }
}
