//! HTTP responses inside WARC records: headers, chunked bodies, content encodings.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::warc::{parse_headers, split_head};

/// Status, content type and payload of a response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpPayload {
    /// Status code; 0 when the status line has none.
    pub status: u16,
    /// `Content-Type` as sent.
    pub content_type: String,
    /// Body without transfer and content encodings.
    pub body: Vec<u8>,
}

/// Parses `block`. Wrong chunk sizes and undecodable content encodings fall back to the raw body.
#[must_use]
pub fn parse_response(block: &[u8]) -> Option<HttpPayload> {
    if !block.starts_with(b"HTTP/") {
        return None;
    }
    let (head, body) = split_head(block).map_or((block, block.len()), |(head, body)| (head, body));
    let first = String::from_utf8_lossy(head.split(|byte| *byte == b'\n').next().unwrap_or_default());
    let status = first.split_whitespace().nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let headers = parse_headers(head);
    let find = |name: &str| {
        headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    };
    let mut bytes = block[body..].to_vec();
    if find("Transfer-Encoding").to_ascii_lowercase().contains("chunked") {
        bytes = dechunk(&bytes).unwrap_or(bytes);
    }
    for encoding in find("Content-Encoding").split(',').rev() {
        bytes = decode(encoding.trim(), &bytes).unwrap_or(bytes);
    }
    Some(HttpPayload { status, content_type: find("Content-Type").to_owned(), body: bytes })
}

/// Joins the chunks of a body; `None` when the sizes do not fit.
fn dechunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut joined = Vec::with_capacity(bytes.len());
    loop {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&bytes[..end]).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        bytes = &bytes[end + 1..];
        if size == 0 {
            return Some(joined);
        }
        joined.extend_from_slice(bytes.get(..size)?);
        bytes = &bytes[size..];
        bytes = bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n"))?;
    }
}

/// Removes one content encoding; `None` when it is unknown or the bytes are not in it.
fn decode(encoding: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match encoding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => MultiGzDecoder::new(bytes).read_to_end(&mut out).ok()?,
        "deflate" => match ZlibDecoder::new(bytes).read_to_end(&mut out) {
            Ok(size) => size,
            Err(_) => {
                out.clear();
                // Some servers send raw deflate under this name.
                DeflateDecoder::new(bytes).read_to_end(&mut out).ok()?
            }
        },
        _ => return None,
    };
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(block: &str) -> String {
        let payload = parse_response(block.as_bytes()).expect("is a response");
        String::from_utf8(payload.body).expect("is text")
    }

    #[test]
    fn chunks_are_joined() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(payload(&format!("{head}4\r\nWiki\r\n5;x=1\r\npedia\r\n0\r\n\r\n")), "Wikipedia");
    }

    #[test]
    fn wrong_chunk_sizes_leave_the_body_as_it_is() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(payload(&format!("{head}<html>")), "<html>");
    }

    #[test]
    fn status_and_type_are_read() {
        let response = parse_response(b"HTTP/1.0 404 Gone\ncontent-type: text/html; charset=x\n\nbody");
        let response = response.expect("is a response");
        assert_eq!((response.status, response.content_type.as_str()), (404, "text/html; charset=x"));
        assert_eq!(response.body, b"body");
    }
}
