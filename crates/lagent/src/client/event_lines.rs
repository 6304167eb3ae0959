//! [`EventLines`]: server-sent events out of the bytes of a stream, with their ids.

/// One event: its number, when it has one, and its data.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct NumberedEvent {
    /// The field `id`, when it is a number.
    pub(super) id: Option<u64>,
    /// The fields `data`, joined by line ends.
    pub(super) data: String,
}

/// Cuts bytes into events (WHATWG HTML, 9.2.6). Comments and other fields are passed over.
#[derive(Clone, Debug, Default)]
pub(super) struct EventLines {
    line: Vec<u8>,
    id: Option<u64>,
    data: Option<String>,
}

impl EventLines {
    /// Takes the next bytes and returns the events that they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<NumberedEvent> {
        let mut events = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                events.extend(self.end_line());
            } else {
                self.line.push(byte);
            }
        }
        events
    }

    /// Reads a whole line; an empty one ends the event.
    fn end_line(&mut self) -> Option<NumberedEvent> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        if text.is_empty() {
            let id = self.id.take();
            return self.data.take().map(|data| NumberedEvent { id, data });
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("id", _) => self.id = value.parse().ok(),
            ("data", Some(data)) => {
                data.push('\n');
                data.push_str(value);
            }
            ("data", None) => self.data = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_wherever_the_bytes_are_cut() {
        let first = ": ping\n\nid: 3\nevent: x\ndata: a\ndata: \u{e4}\n\n";
        let text = format!("{first}data:b\r\n\r\nid: x\ndata\n\ndata: cut");
        let event = |id, data: &str| NumberedEvent { id, data: data.to_owned() };
        let expected = [event(Some(3), "a\n\u{e4}"), event(None, "b"), event(None, "")];
        for size in [1, 2, 7, 1000] {
            let mut lines = EventLines::default();
            let events: Vec<_> = text.as_bytes().chunks(size).flat_map(|bytes| lines.push(bytes)).collect();
            assert_eq!(events, expected, "{size}");
        }
    }
}
