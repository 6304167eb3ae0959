//! Server-sent events: bytes as they arrive -> the text of each event's `data`.

/// Cuts a byte stream into events (WHATWG "Server-sent events", the `data` field only).
///
/// ```
/// let mut reader = lmdeploy::client::EventReader::default();
/// assert!(reader.push(b"data: {\"a\"").is_empty());
/// assert_eq!(reader.push(b": 1}\n\n: ping\n\n"), ["{\"a\": 1}"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventReader {
    line: Vec<u8>,
    data: Option<String>,
}

impl EventReader {
    /// Takes the next bytes and gives the events they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            if line.is_empty() {
                events.extend(self.data.take());
            } else if let Some(rest) = line.strip_prefix(b"data:") {
                self.append(rest.strip_prefix(b" ").unwrap_or(rest));
            }
        }
        events
    }

    /// Several `data` lines of one event are joined by newlines.
    fn append(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(&text);
            }
            None => self.data = Some(text.into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_split_gives_the_same_events() {
        let stream = "data: ä\r\n\r\n: ping\n\nevent: x\ndata: one\ndata: two\n\ndata:[DONE]\n\n".as_bytes();
        for cut in 0..=stream.len() {
            let mut reader = EventReader::default();
            let mut events = reader.push(&stream[..cut]);
            events.extend(reader.push(&stream[cut..]));
            assert_eq!(events, ["ä", "one\ntwo", "[DONE]"], "cut at {cut}");
        }
    }
}
