//! [`Extract`]: the pipeline stage that turns captured pages into text.

use super::charset::decode;
use super::config::ExtractConfig;
use super::main_text::extract_html;
use crate::{Document, Reason, Stage, Verdict};

/// Replaces the capture of a document by its main text and metadata.
///
/// Drops a document with the reason `no-capture`, `too-large`, `media-type` (neither HTML nor plain text) or `empty`
/// (no main text). Plain text and markdown are decoded and kept as they are.
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
        match capture.media_type.as_str() {
            "text/html" | "application/xhtml+xml" | "" => {
                let page = extract_html(&capture.bytes, capture.charset.as_deref(), &self.config);
                document.content = page.text;
                document.title = page.metadata.title;
                document.author = page.metadata.author;
                document.site = page.metadata.site;
                document.license = page.metadata.license;
                document.date = page.metadata.date.as_deref().and_then(iso_date).or(document.date);
            }
            "text/plain" | "text/markdown" => {
                let text = decode(&capture.bytes, capture.charset.as_deref());
                document.content = text.replace("\r\n", "\n").trim_matches('\n').to_owned();
            }
            other => {
                let reason = Reason::new("media-type").with_detail(other);
                return Verdict::drop(document, reason);
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
