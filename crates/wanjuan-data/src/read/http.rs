//! HTTP responses inside archives: status line, fields, chunked bodies, content codings.
//!
//! Responses are read as browsers read them. `Content-Encoding` and `Transfer-Encoding` are trusted only when the body
//! agrees with them; otherwise the body is taken as stored.

use std::borrow::Cow;

use memchr::memchr;

use super::coding::{Decoded, PAYLOAD_LIMIT, decode};
use super::fields::{lines, split_head, values};

/// Maximum length of white space that is tolerated before the status line.
const SLOP: usize = 16;
/// Maximum number of content codings on one body.
const MAX_CODINGS: usize = 4;

/// Status, content type and payload of a response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpResponse<'a> {
    /// Status code; 200 when the status line has none, as browsers take it.
    pub status: u16,
    /// `Content-Type` as sent; the last one when there are several.
    pub content_type: Cow<'a, str>,
    /// The body as stored.
    pub body: &'a [u8],
    /// The body without transfer and content codings.
    pub payload: Payload<'a>,
}

/// A body after decoding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Payload<'a> {
    /// All bytes that were sent; the body as stored when the header is wrong about its coding.
    Whole(Cow<'a, [u8]>),
    /// The beginning: the coded bytes are cut or damaged.
    Cut(Vec<u8>),
    /// Nothing can be decoded, and the body does not look like text. Holds the name of the coding.
    Undecodable(String),
    /// The decoded body would exceed this limit in bytes.
    TooLarge(usize),
}

impl Payload<'_> {
    /// The bytes, unless the body cannot be decoded or is too large.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Cut(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Parses the block of a `response` record; `None` when it is not an HTTP response.
#[must_use]
pub fn parse_response(block: &[u8]) -> Option<HttpResponse<'_>> {
    let slop = block.iter().take(SLOP).position(|byte| !byte.is_ascii_whitespace())?;
    let block = &block[slop..];
    let protocol = block.get(..4)?;
    if !protocol.eq_ignore_ascii_case(b"HTTP") && protocol != b"ICY " {
        return None;
    }
    let (head, body) = split_head(block).unwrap_or((block, block.len()));
    let body = &block[body..];
    let content_type = values(head, "Content-Type").last().unwrap_or_default().into_owned();
    let mut payload = Cow::Borrowed(body);
    if values(head, "Transfer-Encoding").any(|value| value.to_ascii_lowercase().contains("chunked")) {
        payload = join_chunks(body).map_or(payload, Cow::Owned);
    }
    let codings: Vec<String> = values(head, "Content-Encoding").map(Cow::into_owned).collect();
    let payload = remove_codings(&codings.join(","), payload);
    Some(HttpResponse { status: status(head), content_type: Cow::Owned(content_type), body, payload })
}

/// The number after the first space; the reason phrase may be missing or follow without a space.
fn status(head: &[u8]) -> u16 {
    let line = lines(head).next().unwrap_or_default();
    let rest = memchr(b' ', line).map_or(&line[..0], |space| line[space..].trim_ascii_start());
    let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok().and_then(|code| code.parse().ok()).unwrap_or(200)
}

fn remove_codings<'a>(codings: &str, body: Cow<'a, [u8]>) -> Payload<'a> {
    let mut bytes = body;
    for coding in codings.rsplit(',').take(MAX_CODINGS) {
        bytes = match decode(coding, &bytes, PAYLOAD_LIMIT) {
            Decoded::Whole(decoded) => Cow::Owned(decoded),
            Decoded::NotEncoded => bytes,
            Decoded::TooLarge => return Payload::TooLarge(PAYLOAD_LIMIT),
            // The header is wrong: what was stored is already text.
            Decoded::Cut(_) if is_plausible(&bytes) => return Payload::Whole(bytes),
            Decoded::Cut(part) if part.is_empty() => {
                return Payload::Undecodable(coding.trim().to_ascii_lowercase());
            }
            Decoded::Cut(part) => return Payload::Cut(part),
        };
    }
    Payload::Whole(bytes)
}

/// Whether bytes look like text: few control characters at the beginning, or a byte order mark of UTF-16.
fn is_plausible(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return true;
    }
    let head = &bytes[..bytes.len().min(1024)];
    let control = |byte: &&u8| **byte < 0x20 && !b"\t\n\x0c\r\x1b".contains(byte);
    head.iter().filter(control).count() * 50 <= head.len()
}

/// Joins the chunks of a body; `None` when it is not chunked or a size does not fit. A last chunk that is cut
/// and a missing end are tolerated.
pub(crate) fn join_chunks(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut joined = Vec::with_capacity(bytes.len());
    loop {
        let Some(end) = memchr(b'\n', &bytes[..bytes.len().min(256)]) else {
            let cut = !joined.is_empty() && bytes.len() < 16;
            return cut.then_some(joined);
        };
        let line = std::str::from_utf8(&bytes[..end]).ok()?;
        let size = line.split(';').next()?.trim();
        if size.starts_with('+') {
            return None;
        }
        let size = usize::from_str_radix(size, 16).ok()?;
        bytes = &bytes[end + 1..];
        if size == 0 {
            return Some(joined);
        }
        let Some(chunk) = bytes.get(..size) else {
            // The capture was cut inside of this chunk, unless the size is absurd.
            let cut = line.ends_with('\r') && size <= PAYLOAD_LIMIT;
            joined.extend_from_slice(bytes);
            return cut.then_some(joined);
        };
        joined.extend_from_slice(chunk);
        bytes = &bytes[size..];
        if bytes.is_empty() {
            return Some(joined);
        }
        bytes = bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n"))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(block: &[u8]) -> String {
        let response = parse_response(block).expect("is a response");
        String::from_utf8(response.payload.bytes().expect("has bytes").to_vec()).expect("is text")
    }

    #[test]
    fn chunks_are_joined() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = |chunks: &str| payload(format!("{head}{chunks}").as_bytes());
        assert_eq!(body("4\r\nWiki\r\n5;x=1\r\npedia\r\n0\r\n\r\n"), "Wikipedia");
        assert_eq!(body("4\nWiki\n00005  \npedia\n0\n\n"), "Wikipedia", "line feeds, zeros, spaces");
        assert_eq!(body("4\r\nWiki\r\n5\r\npedia\r\n"), "Wikipedia", "no end");
        assert_eq!(body("4\r\nWiki\r\n50\r\npedia"), "Wikipedia", "cut in a chunk");
        assert_eq!(body("4\r\nWiki"), "Wiki", "cut after a chunk");
    }

    proptest::proptest! {
        #[test]
        fn chunks_of_any_sizes_are_joined(chunks in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 1..40), 0..8)) {
            let mut coded = Vec::new();
            for chunk in &chunks {
                coded.extend(format!("{:X}\r\n", chunk.len()).bytes());
                coded.extend(chunk);
                coded.extend(b"\r\n");
            }
            coded.extend(b"0\r\n\r\n");
            proptest::prop_assert_eq!(join_chunks(&coded), Some(chunks.concat()));
        }
    }

    #[test]
    fn wrong_chunk_sizes_leave_the_body_as_it_is() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for body in
            ["<html>", "3\r\nWiki\r\n0\r\n\r\n", "ffffffffffff\r\nWiki", "-4\r\nWiki", "+4\r\nWiki", ""]
        {
            assert_eq!(payload(format!("{head}{body}").as_bytes()), body);
        }
    }

    #[test]
    fn heads_are_read_as_browsers_read_them() {
        let read = |block: &str| {
            let response = parse_response(block.as_bytes()).expect("is a response");
            (response.status, response.content_type.into_owned(), payload(block.as_bytes()))
        };
        let text = |status, kind: &str| (status, kind.to_owned(), "body".to_owned());
        assert_eq!(
            read("HTTP/1.0 404 Gone\ncontent-type: text/html; charset=x\n\nbody"),
            text(404, "text/html; charset=x")
        );
        assert_eq!(read("HTTP/1.1 200\r\nContent-Type:text/html\r\n\r\nbody"), text(200, "text/html"));
        assert_eq!(read("HTTP/1.1 200OK\r\nContent-Type : a/b\r\n\r\nbody"), text(200, "a/b"));
        assert_eq!(read("\r\nhttp/1.1\r\nno colon\r\nContent-Type: a/b\r\n\r\nbody"), text(200, "a/b"));
        assert_eq!(read("ICY 200 OK\r\nContent-Type:\r\n  a/b;\r\n\tx=1\r\n\r\nbody").1, " a/b; x=1");
        assert_eq!(
            read("HTTP/2 301 \r\ncontent-type: a/a\r\ncontent-type: a/b\r\n\r\nbody"),
            text(301, "a/b")
        );
        assert_eq!(parse_response(b"<html>"), None);
        assert_eq!(parse_response(b"  "), None);
        assert_eq!(parse_response(b"HTTP").map(|response| response.status), Some(200));
    }

    #[test]
    fn lies_about_the_coding_are_seen() {
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: ";
        for coding in ["gzip", "deflate", "br", "zstd", "utf-8", "gzip, identity"] {
            assert_eq!(payload(format!("{head}{coding}\r\n\r\n<p>Plain.</p>").as_bytes()), "<p>Plain.</p>");
        }
        let broken = [head.as_bytes(), b"br\r\n\r\n\x00\x01\x02\x03\x04\x05\x06\x07"].concat();
        let response = parse_response(&broken).expect("is a response");
        assert_eq!(response.payload, Payload::Undecodable("br".to_owned()));
    }
}
