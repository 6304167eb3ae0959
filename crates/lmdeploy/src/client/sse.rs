//! Server-sent events: bytes as they arrive -> the text of each event's `data`.

/// Cuts a byte stream into events (WHATWG "Server-sent events", the `data` field only).
#[derive(Clone, Debug, Default)]
pub(crate) struct EventReader {
    line: Vec<u8>,
    data: Option<String>,
}

impl EventReader {
    /// Takes the next bytes and gives the events they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_other_fields_and_unfinished_events_give_nothing() {
        let mut reader = EventReader::default();
        assert!(reader.push(b"data: {\"a\"").is_empty());
        assert_eq!(reader.push(b": 1}\n\n: ping\n\n"), ["{\"a\": 1}"]);
        let events = reader.push(
            "data: \u{e4}\r\n\r\nevent: x\ndata: one\ndata: two\n\ndata:[DONE]\n\ndata: x\n".as_bytes(),
        );
        assert_eq!(events, ["\u{e4}", "one\ntwo", "[DONE]"]);
    }

    proptest! {
        #[test]
        fn any_cut_of_any_stream_gives_the_events_that_were_written(
            texts in prop::collection::vec("[a\u{e4}: {}]{0,6}(\n[a\u{e4}: ]{0,4}){0,2}", 0..6),
            crlf in any::<bool>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        ) {
            let newline = if crlf { "\r\n" } else { "\n" };
            let mut stream = String::new();
            for text in &texts {
                for line in text.split('\n') {
                    stream += &format!("data: {line}{newline}");
                }
                stream += &format!("{newline}: ping{newline}{newline}");
            }
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.push(stream.len());
            cuts.sort_unstable();
            let (mut reader, mut events, mut start) = (EventReader::default(), Vec::new(), 0);
            for cut in cuts {
                events.extend(reader.push(&stream.as_bytes()[start..cut]));
                start = cut;
            }
            prop_assert_eq!(events, texts);
        }
    }
}
