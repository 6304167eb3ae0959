//! [`Output`]: what has been found in a reply, as deltas.

use super::delta::{Delta, Section};

/// Where in the text of a reply the next character is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Nothing but white space comes before it.
    Start,
    /// At the beginning of a line, or behind a call.
    Line,
    /// Behind other characters of its line.
    Middle,
}

/// What is between the last mark and the next character.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Edge {
    /// White space, which is content if text follows.
    Space,
    /// White space, which belongs to the mark.
    Trim,
    /// Text.
    Text,
}

/// What has been found in a reply.
#[derive(Debug)]
pub(super) struct Output {
    deltas: Vec<Delta>,
    section: Section,
    edge: Edge,
    place: Place,
    /// White space of which it is not known whether it is content.
    space: String,
    /// Whether the reply has had a mark.
    is_marked: bool,
    /// Number of calls that have begun.
    started: usize,
    /// Number of calls that are whole.
    complete: usize,
    /// Whether the last call is not.
    is_open: bool,
}

impl Output {
    /// The output of a reply that begins in `section`.
    pub(super) fn new(section: Section) -> Self {
        let mut output = Self {
            deltas: Vec::new(),
            section,
            edge: Edge::Space,
            place: Place::Start,
            space: String::new(),
            is_marked: false,
            started: 0,
            complete: 0,
            is_open: false,
        };
        if section == Section::Reasoning {
            output.turn(section);
        }
        output
    }

    pub(super) fn section(&self) -> Section {
        self.section
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn started(&self) -> usize {
        self.started
    }

    pub(super) fn complete(&self) -> usize {
        self.complete
    }

    /// Whether the last call has begun and is not whole.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// The deltas since the last time.
    pub(super) fn take(&mut self) -> Vec<Delta> {
        std::mem::take(&mut self.deltas)
    }

    /// One character of the section.
    pub(super) fn text(&mut self, character: char) {
        if character.is_whitespace() {
            if character == '\n' && self.place == Place::Middle {
                self.place = Place::Line;
            }
            if self.edge == Edge::Text && self.section == Section::Content {
                self.emit(character.encode_utf8(&mut [0; 4]));
            } else {
                self.space.push(character);
            }
            return;
        }
        let space = std::mem::take(&mut self.space);
        if self.edge != Edge::Trim {
            self.emit(&space);
        }
        self.emit(character.encode_utf8(&mut [0; 4]));
        (self.edge, self.place) = (Edge::Text, Place::Middle);
    }

    /// Text that turned out not to be part of a call.
    pub(super) fn verbatim(&mut self, text: &str) {
        text.chars().for_each(|character| self.text(character));
    }

    /// A mark of reasoning: `section` begins.
    pub(super) fn turn(&mut self, section: Section) {
        self.space.clear();
        (self.section, self.edge, self.place, self.is_marked) = (section, Edge::Trim, Place::Start, true);
    }

    /// A call begins. It stays the one that arguments belong to until the next one.
    pub(super) fn start_call(&mut self, name: &str, id: Option<String>) {
        self.space.clear();
        (self.edge, self.place, self.is_marked) = (Edge::Space, Place::Line, true);
        self.deltas.push(Delta::CallStart { index: self.started, name: name.to_owned(), id });
        self.started += 1;
        self.is_open = true;
    }

    /// The next characters of the arguments.
    pub(super) fn arguments(&mut self, more: &str) {
        let index = self.started.saturating_sub(1);
        match self.deltas.last_mut() {
            _ if more.is_empty() => {}
            Some(Delta::CallArguments { text, .. }) => text.push_str(more),
            _ => self.deltas.push(Delta::CallArguments { index, text: more.to_owned() }),
        }
    }

    /// The call is whole.
    pub(super) fn end_call(&mut self) {
        self.complete += 1;
        self.is_open = false;
    }

    /// The end: a reply without marks is content to its last space.
    pub(super) fn finish(&mut self) {
        let space = std::mem::take(&mut self.space);
        if !self.is_marked {
            self.emit(&space);
        }
    }

    fn emit(&mut self, more: &str) {
        match (self.deltas.last_mut(), self.section) {
            _ if more.is_empty() => {}
            (Some(Delta::Content(text)), Section::Content)
            | (Some(Delta::Reasoning(text)), Section::Reasoning) => text.push_str(more),
            (_, Section::Content) => self.deltas.push(Delta::Content(more.to_owned())),
            (_, Section::Reasoning) => self.deltas.push(Delta::Reasoning(more.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `\0` is `</think>`, `\u{1}` a whole call.
    fn found(section: Section, text: &str) -> Vec<Delta> {
        let mut output = Output::new(section);
        for character in text.chars() {
            match character {
                '\0' => output.turn(Section::Content),
                '\u{1}' => output.start_call("f", None),
                other => output.text(other),
            }
        }
        output.finish();
        output.take()
    }

    fn content(text: &str) -> Delta {
        Delta::Content(text.to_owned())
    }

    #[test]
    fn white_space_alone_between_marks_is_not_content() {
        let call = |index| Delta::CallStart { index, name: "f".to_owned(), id: None };
        assert_eq!(found(Section::Content, " \n"), [content(" \n")], "a reply without marks");
        assert_eq!(found(Section::Content, " a \n"), [content(" a \n")]);
        assert_eq!(found(Section::Content, "\n\u{1}\n\u{1}\n"), [call(0), call(1)]);
        assert_eq!(found(Section::Content, "a \u{1} b "), [content("a "), call(0), content(" b ")]);
    }

    #[test]
    fn reasoning_is_trimmed_and_so_is_the_space_behind_it() {
        let expected = [Delta::Reasoning("a\n b".to_owned()), content("c\n d")];
        assert_eq!(found(Section::Reasoning, "\n a\n b \n\0\n\nc\n d"), expected);
    }
}
