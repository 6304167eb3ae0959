//! Header fields of WARC records and HTTP messages, read as tolerantly as browsers do.
//!
//! Lines end in LF or CRLF; a line that starts with white space continues the one before; a line without a
//! colon is skipped; white space before the colon is cut off.

use std::borrow::Cow;

use memchr::memchr;

/// The lines of a head without their line breaks.
pub(super) fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = head;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

/// Name and value of a line, trimmed; `None` without a colon.
pub(super) fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', line)?;
    Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()))
}

/// Values of the field `name` (any case) in a head whose first line is not a field, in file order.
pub(super) fn values<'a>(head: &'a [u8], name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    let mut lines = lines(head).skip(1).peekable();
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?;
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                continue;
            }
            let Some((_, value)) =
                split_field(line).filter(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()))
            else {
                continue;
            };
            let mut value = String::from_utf8_lossy(value);
            while let Some(more) = lines.next_if(|line| line.starts_with(b" ") || line.starts_with(b"\t")) {
                let value = value.to_mut();
                value.push(' ');
                value.push_str(String::from_utf8_lossy(more.trim_ascii()).as_ref());
            }
            return Some(value);
        }
    })
}

/// Splits at the first empty line: the head, and the byte at which the body starts.
pub(super) fn split_head(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let mut line = 0;
    loop {
        let end = line + memchr(b'\n', bytes.get(line..)?)?;
        let content = bytes[line..end].strip_suffix(b"\r").unwrap_or(&bytes[line..end]);
        if content.is_empty() && line > 0 {
            return Some((&bytes[..line], end + 1));
        }
        line = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_end_at_the_first_empty_line() {
        assert_eq!(
            split_head(b"HTTP/1.1 200\r\na: b\r\n\r\nbody"),
            Some((&b"HTTP/1.1 200\r\na: b\r\n"[..], 22))
        );
        assert_eq!(split_head(b"x\n\nbody").map(|(_, body)| body), Some(3));
        assert_eq!(split_head(b"x\r\ny"), None);
        // An empty first line is not the end of the head.
        assert_eq!(split_head(b"\r\nx\r\n\r\n").map(|(_, body)| body), Some(7));
    }

    #[test]
    fn values_are_found_in_any_case_with_their_continuations() {
        let head = b"WARC/1.0\r\nA : one\r\n  more\r\n\tyet\r\nno colon\r\nB:\r\na:two";
        assert_eq!(values(head, "a").collect::<Vec<_>>(), ["one more yet", "two"]);
        assert_eq!(values(head, "b").collect::<Vec<_>>(), [""]);
        assert_eq!(values(head, "warc/1.0").count(), 0, "the first line is not a field");
        assert_eq!(values(b"X\r\na: \xff", "A").collect::<Vec<_>>(), ["\u{fffd}"]);
    }
}
