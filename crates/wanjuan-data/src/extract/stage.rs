//! [`Extract`]: the pipeline stage that turns captured pages into text.

use super::charset::decode;
use super::config::ExtractConfig;
use super::main_text::extract_page;
use super::signature::{Declared, other_type};
use crate::{Document, Reason, Stage, Verdict};

/// Replaces the capture of a document by its main text and metadata.
///
/// Drops a document with the reason `no-capture`, `too-large`, `media-type` (neither HTML nor plain text by what the
/// server says), `not-a-page` (another file by its first bytes) or `empty` (no main text). Plain text and markdown are
/// decoded and kept as they are.
#[derive(Clone, Debug, Default)]
pub struct Extract {
    config: ExtractConfig,
}

impl Extract {
    /// Creates the stage; the same configuration applies to every document.
    #[must_use]
    pub fn new(config: ExtractConfig) -> Self {
        Self { config }
    }
}

impl Stage for Extract {
    fn name(&self) -> &'static str {
        "extract"
    }

    fn apply(&self, mut document: Document) -> Verdict {
        let Some(capture) = document.capture.take() else {
            return Verdict::drop(document, Reason::new("no-capture"));
        };
        let (size, limit) = (capture.bytes.len(), self.config.max_page_bytes);
        if size > limit {
            return Verdict::drop(document, Reason::above("too-large", size as f64, limit as f64));
        }
        let declared = match capture.media_type.as_str() {
            "text/html" | "application/xhtml+xml" | "" => Declared::Html,
            "text/plain" | "text/markdown" => Declared::Text,
            other => {
                let reason = Reason::new("media-type").with_detail(other);
                return Verdict::drop(document, reason);
            }
        };
        if let Some(found) = other_type(&capture.bytes, capture.charset.as_deref(), declared) {
            return Verdict::drop(document, Reason::new("not-a-page").with_detail(found));
        }
        match declared {
            Declared::Html => {
                let page = extract_page(&capture.bytes, capture.charset.as_deref(), &self.config);
                document.content = page.text;
                document.title = page.metadata.title;
                document.author = page.metadata.author;
                document.site = page.metadata.site;
                document.license = page.metadata.license;
                document.date = page.metadata.date.as_deref().and_then(iso_date).or(document.date);
            }
            Declared::Text => {
                let text = decode(&capture.bytes, capture.charset.as_deref());
                document.content = text.replace("\r\n", "\n").trim_matches('\n').to_owned();
            }
        }
        if document.content.trim().is_empty() {
            return Verdict::drop(document, Reason::new("empty"));
        }
        Verdict::Keep(document)
    }
}

/// `2024-05-01T12:30:00Z` for a date that begins with `2024-05-01`. Time zones are not converted.
fn iso_date(text: &str) -> Option<String> {
    let day = text.get(..10)?;
    let digits = |range: std::ops::Range<usize>| day.get(range)?.parse::<u32>().ok();
    let valid = day.as_bytes()[4] == b'-' && day.as_bytes()[7] == b'-';
    let (year, month, date) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
    if !valid || year < 1900 || !(1..=12).contains(&month) || !(1..=31).contains(&date) {
        return None;
    }
    let time = text.get(10..19).filter(|time| time.starts_with('T') && time.as_bytes()[3] == b':');
    Some(format!("{day}{}Z", time.unwrap_or("T00:00:00")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Capture;

    fn apply(media_type: &str, charset: Option<&str>, bytes: &[u8], config: ExtractConfig) -> Verdict {
        let mut document = Document::new("d", "1", "");
        let charset = charset.map(str::to_owned);
        document.capture =
            Some(Capture { media_type: media_type.to_owned(), charset, bytes: bytes.to_vec() });
        Extract::new(config).apply(document)
    }

    fn content(media_type: &str, bytes: &[u8]) -> Option<String> {
        match apply(media_type, None, bytes, ExtractConfig::default()) {
            Verdict::Keep(document) => Some(document.content),
            _ => None,
        }
    }

    #[test]
    fn media_types() {
        let page = b"<p>A &amp; b</p>";
        for kind in ["text/html", "application/xhtml+xml", ""] {
            assert_eq!(content(kind, page).as_deref(), Some("A & b"), "{kind}");
        }
        for kind in ["text/plain", "text/markdown"] {
            assert_eq!(
                content(kind, b"\r\n\na\r\nb &amp; <c>\n").as_deref(),
                Some("a\nb &amp; <c>"),
                "{kind}"
            );
        }
        for kind in ["image/png", "application/pdf", "text/css"] {
            assert_eq!(content(kind, page), None, "{kind}");
        }
    }

    #[test]
    fn the_first_bytes_overrule_the_media_type() {
        let reason =
            |media_type: &str, bytes: &[u8]| match apply(media_type, None, bytes, ExtractConfig::default()) {
                Verdict::Keep(_) => None,
                Verdict::Drop(_, reason) => Some(reason.to_string()),
            };
        let pdf = b"%PDF-1.7\n<p>text</p>";
        for kind in ["text/html", "", "text/plain"] {
            assert_eq!(reason(kind, pdf).as_deref(), Some("not-a-page (application/pdf)"), "{kind}");
        }
        let json = b"{\"title\": \"text\"}";
        assert_eq!(reason("text/html", json).as_deref(), Some("not-a-page (application/json)"));
        assert_eq!(reason("text/markdown", json), None);
    }

    #[test]
    fn pages_without_text_are_dropped() {
        for page in [&b""[..], b"<nav>a</nav>", b"<script>a</script>"] {
            assert_eq!(content("text/html", page), None);
        }
        assert_eq!(content("text/plain", b" \n "), None);
    }

    #[test]
    fn the_limit_is_inclusive() {
        let kept = |limit| {
            let config = ExtractConfig::default().with_max_page_bytes(limit);
            matches!(apply("text/plain", None, b"four", config), Verdict::Keep(_))
        };
        assert!(kept(4) && !kept(3));
    }

    #[test]
    fn a_document_without_capture_is_dropped() {
        assert!(!matches!(Extract::default().apply(Document::new("d", "1", "")), Verdict::Keep(_)));
        assert_eq!(Extract::default().name(), "extract");
    }

    #[test]
    fn the_charset_of_the_transport_is_used() {
        let verdict = apply("text/plain", Some("latin1"), b"Gr\xfcn", ExtractConfig::default());
        let Verdict::Keep(document) = verdict else { panic!("was dropped") };
        assert_eq!(document.content, "Grün");
    }

    #[test]
    fn dates_become_timestamps() {
        for (text, expected) in [
            ("2024-05-01", Some("2024-05-01T00:00:00Z")),
            ("2024-05-01T12:30:00+02:00", Some("2024-05-01T12:30:00Z")),
            ("2024-05-01 12:30", Some("2024-05-01T00:00:00Z")),
            ("2024-13-01", None),
            ("2024-00-01", None),
            ("2024-01-32", None),
            ("1899-01-01", None),
            ("2024/05/01", None),
            ("2024-5-1", None),
            ("é024-05-01", None),
            ("", None),
        ] {
            assert_eq!(iso_date(text).as_deref(), expected, "{text}");
        }
    }
}
