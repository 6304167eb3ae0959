//! Records of archives become documents with a [`Capture`].

use crate::document::{Capture, Source, document_id};
use crate::read::{Payload, RecordKind, RecordState, WarcRecord, parse_response};
use crate::{Document, Reason, Result};

/// What documents say about where they come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    /// The archive, as documents name it.
    pub(super) archive: &'a str,
    /// Name of the crawl, part of every document id.
    pub(super) dump: &'a str,
}

/// Whether a record holds a page, and not something about the file or about another record.
pub(super) fn is_page(record: &WarcRecord) -> bool {
    matches!(record.kind, RecordKind::Response | RecordKind::Resource | RecordKind::Conversion)
}

/// The document of a record before its page is looked at.
pub(super) fn blank_document(record: &WarcRecord, origin: &Origin) -> Document {
    let Origin { archive, dump } = *origin;
    let record_id = record.header("WARC-Record-ID").unwrap_or_default().into_owned();
    let offset = record.offset.unwrap_or(0);
    // A record without an id is named by its place.
    let key =
        if record_id.is_empty() { format!("{archive}:{offset}:{}", record.inner) } else { record_id.clone() };
    let source =
        Source { dump: dump.to_owned(), file: archive.to_owned(), offset, inner: record.inner, record_id };
    Document {
        id: document_id(dump, &key),
        date: record.header("WARC-Date").map(Into::into),
        url: record.uri().map(Into::into),
        source,
        ..Document::default()
    }
}

/// The page of a record, or the reason why the record has no page.
pub(super) fn capture_of(record: &WarcRecord) -> Result<Capture, Box<Reason>> {
    let no = |reason| Err(Box::new(reason));
    if record.state == RecordState::Truncated {
        let promised = record.promised.unwrap_or(0) as f64;
        return no(Reason::below("truncated-record", record.block.len() as f64, promised));
    }
    let identified = record.header("WARC-Identified-Payload-Type").unwrap_or_default();
    if record.kind != RecordKind::Response {
        let content_type = record.header("Content-Type").unwrap_or_default();
        return Ok(capture(&content_type, &identified, record.block.to_vec()));
    }
    let Some(response) = parse_response(record.block) else { return no(Reason::new("not-http")) };
    if !(200..300).contains(&response.status) {
        let value = Some(f64::from(response.status));
        return no(Reason { value, ..Reason::new("http-status") });
    }
    match response.payload {
        Payload::Whole(bytes) => Ok(capture(&response.content_type, &identified, bytes.into_owned())),
        Payload::Cut(bytes) => Ok(capture(&response.content_type, &identified, bytes)),
        Payload::Undecodable(coding) => no(Reason::new("content-encoding").with_detail(coding)),
        // Decoding stopped one byte above the limit.
        Payload::TooLarge(limit) => no(Reason::above("payload-too-large", limit as f64 + 1.0, limit as f64)),
    }
}

/// A page with the type that the server gave it, or the one that the crawler found in the payload, where the server gave
/// none or called a picture or script a page.
fn capture(content_type: &str, identified: &str, bytes: Vec<u8>) -> Capture {
    let mut parts = content_type.split(';');
    let declared = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let identified = identified.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let unknown = matches!(declared.as_str(), "" | "application/octet-stream") && !identified.is_empty();
    let media_type = if unknown || is_never_a_page(&identified) { identified } else { declared };
    let charset = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
    });
    Capture { media_type, charset, bytes }
}

/// Whether a page never has this type. Types of text and XML are left to the server, because detectors confuse them.
fn is_never_a_page(media_type: &str) -> bool {
    let (kind, name) = media_type.split_once('/').unwrap_or_default();
    match kind {
        "image" => name != "svg+xml",
        "audio" | "video" | "font" => true,
        "text" => matches!(name, "css" | "javascript"),
        "application" => {
            matches!(name, "pdf" | "zip" | "gzip" | "json" | "javascript" | "x-javascript" | "msword")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{WarcItem, WarcReader};

    /// What becomes of the first record of a plain WARC file.
    fn capture_of_record(kind: &str, content_type: &str, block: &str) -> Result<Capture, Box<Reason>> {
        let length = block.len();
        let file = format!(
            "WARC/1.0\r\nWARC-Type: {kind}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{block}"
        );
        let mut reader = WarcReader::from_bytes("x.warc", file.into_bytes()).expect("is an archive");
        let Some(WarcItem::Record(record)) = reader.next_item() else { panic!("holds a record") };
        capture_of(&record)
    }

    fn response(head: &str) -> Result<Capture, Box<Reason>> {
        capture_of_record("response", "application/http", &format!("HTTP/1.1 {head}\r\n\r\n<p>"))
    }

    #[test]
    fn responses_and_resources_give_pages() {
        let page = response("200 OK\r\nContent-Type: Text/HTML; a=b; Charset=\"gbk\"").expect("is a page");
        assert_eq!((page.media_type.as_str(), page.charset.as_deref()), ("text/html", Some("gbk")));
        assert_eq!(page.bytes, b"<p>");
        let page = capture_of_record("resource", "text/plain", "text").expect("is a page");
        assert_eq!((page.media_type.as_str(), page.charset), ("text/plain", None));
        assert_eq!(response("203 OK").expect("is a page").media_type, "");
    }

    #[test]
    fn the_identified_type_is_used_where_the_server_is_wrong() {
        for (declared, identified, expected) in [
            ("text/html", "text/html", "text/html"),
            ("text/html", "application/xml", "text/html"),
            ("text/html; charset=utf-8", "image/PNG", "image/png"),
            ("application/octet-stream", "text/html; charset=gbk", "text/html"),
            ("", "text/plain", "text/plain"),
            ("", "", ""),
        ] {
            assert_eq!(capture(declared, identified, Vec::new()).media_type, expected, "{declared}");
        }
        let kind = "resource\r\nWARC-Identified-Payload-Type: application/pdf";
        let page = capture_of_record(kind, "text/html", "%PDF-").expect("has a payload");
        assert_eq!(page.media_type, "application/pdf");
    }

    #[test]
    fn what_is_not_a_page_has_a_reason() {
        let rule = |result: Result<Capture, Box<Reason>>| result.expect_err("is not a page").to_string();
        assert_eq!(rule(response("404 Not Found")), "http-status: found 404");
        assert_eq!(rule(response("301 Moved")), "http-status: found 301");
        assert_eq!(rule(capture_of_record("response", "application/http", "<p>")), "not-http");
        let broken = response("200 OK\r\nContent-Encoding: br\r\n\r\n\0\u{1}\u{2}\u{3}");
        assert_eq!(rule(broken), "content-encoding (br)");
    }

    #[test]
    fn records_without_an_id_are_named_by_their_place() {
        let file =
            b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: <a>\r\nContent-Length: 1\r\n\r\nx\r\n\r\n";
        let two = file.repeat(2);
        let mut reader = WarcReader::from_bytes("x.warc", two).expect("is an archive");
        let mut documents = Vec::new();
        while let Some(WarcItem::Record(record)) = reader.next_item() {
            assert!(is_page(&record));
            documents.push(blank_document(&record, &Origin { archive: "x.warc", dump: "d" }));
        }
        let ids = [document_id("d", "x.warc:0:0"), document_id("d", &format!("x.warc:{0}:{0}", file.len()))];
        assert_eq!(documents.iter().map(|document| document.id.clone()).collect::<Vec<_>>(), ids);
        assert_eq!(documents[1].source.offset, file.len() as u64);
        assert_eq!(documents[0].url.as_deref(), Some("a"));
    }
}
