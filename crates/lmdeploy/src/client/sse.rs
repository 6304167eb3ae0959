//! Server-sent events: bytes as they arrive -> the name, the id and the data of each event.

/// One event of a stream.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct ServerEvent {
    /// The field `event`; empty when the server gave the event no name.
    pub(super) name: String,
    /// The field `id` of this event; empty when it has none, whatever the ids of earlier events are.
    pub(super) id: String,
    /// The fields `data`, joined by newlines.
    pub(super) data: String,
}

/// Cuts a byte stream into events (WHATWG HTML, 9.2.6: "Interpreting an event stream"). Comments and `retry` are passed
/// over. An event that the stream ends in the middle of is not given.
#[derive(Clone, Debug, Default)]
pub(super) struct EventReader {
    line: Vec<u8>,
    name: String,
    id: String,
    data: Option<String>,
    /// Whether the last byte was a carriage return, which ends a line with or without a line feed after it.
    after_return: bool,
    /// Whether a line has ended, after which a byte order mark would be text.
    begun: bool,
}

impl EventReader {
    /// Takes the next bytes and gives the events that they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<ServerEvent> {
        let mut events = Vec::new();
        for &byte in bytes {
            let follows_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                byte => self.line.push(byte),
            }
        }
        events
    }

    /// Reads a whole line; an empty one ends the event.
    fn end_line(&mut self) -> Option<ServerEvent> {
        let bytes = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&bytes);
        let is_first = !std::mem::replace(&mut self.begun, true);
        let line = line.strip_prefix('\u{feff}').filter(|_| is_first).unwrap_or(&line);
        if line.is_empty() {
            let (name, id) = (std::mem::take(&mut self.name), std::mem::take(&mut self.id));
            return self.data.take().map(|data| ServerEvent { name, id, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("event", _) => value.clone_into(&mut self.name),
            ("id", _) => value.clone_into(&mut self.id),
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
    use proptest::prelude::*;

    use super::*;

    fn event(name: &str, data: &str) -> ServerEvent {
        ServerEvent { name: name.to_owned(), data: data.to_owned(), ..ServerEvent::default() }
    }

    #[test]
    fn comments_other_fields_and_unfinished_events_give_nothing() {
        let mut reader = EventReader::default();
        assert!(reader.push(b"data: {\"a\"").is_empty());
        assert_eq!(reader.push(b": 1}\n\n: ping\n\n"), [event("", "{\"a\": 1}")]);
        let events = reader.push(
            "data: \u{e4}\r\n\r\nevent: x\nretry: 1\ndata: one\ndata: two\n\ndata:[DONE]\n\ndata: x\n"
                .as_bytes(),
        );
        assert_eq!(events, [event("", "\u{e4}"), event("x", "one\ntwo"), event("", "[DONE]")]);
    }

    #[test]
    fn a_name_and_an_id_belong_to_their_own_event_only() {
        let mut reader = EventReader::default();
        let ids = reader.push(b"id: 3\nevent: x\ndata: a\n\ndata: b\n\nid: y\n\ndata: c\n\nid\ndata: d\n\n");
        assert_eq!(ids.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["3", "", "", ""]);
        let events = reader.push(b"event: ping\n\ndata: a\n\nevent: b\rdata\r\rdata:  c\n\n");
        assert_eq!(events, [event("", "a"), event("b", ""), event("", " c")]);
    }

    #[test]
    fn only_the_first_line_may_have_a_byte_order_mark() {
        let mut reader = EventReader::default();
        let events = reader.push("\u{feff}data: a\n\n\u{feff}data: b\n\ndata: c\n\n".as_bytes());
        assert_eq!(events, [event("", "a"), event("", "c")]);
    }

    proptest! {
        #[test]
        fn any_cut_of_any_stream_gives_the_events_that_were_written(
            texts in prop::collection::vec("[a\u{e4}: {}]{0,6}(\n[a\u{e4}: ]{0,4}){0,2}", 0..6),
            newline in prop::sample::select(vec!["\n", "\r\n", "\r"]),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        ) {
            let mut stream = String::new();
            for text in &texts {
                stream += &format!("event: \u{e4}{newline}");
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
            let expected: Vec<ServerEvent> = texts.iter().map(|text| event("\u{e4}", text)).collect();
            prop_assert_eq!(events, expected);
        }
    }
}
