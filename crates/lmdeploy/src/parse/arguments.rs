//! [`ArgumentWriter`]: arguments that a model writes one by one, each between marks, as one JSON object.

use super::functions::Kinds;
use super::json::{quoted, write_escaped};
use super::output::Output;

/// Whether the line ends at both ends of a value belong to the format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lines {
    /// One at each end does.
    Around,
    /// All of them are part of the value.
    Within,
}

/// The value that is being read.
#[derive(Debug)]
enum Reading {
    /// Text, which is passed on as it comes.
    Text {
        is_first: bool,
        /// Whether a line end is held back, because it may be the last one.
        has_line_end: bool,
    },
    /// A value whose type is known once it is whole.
    Whole(Kinds, String),
}

/// Writes arguments as one JSON object.
#[derive(Debug)]
pub(super) struct ArgumentWriter {
    lines: Lines,
    is_empty: bool,
    reading: Reading,
}

impl ArgumentWriter {
    /// A writer for one call.
    pub(super) fn new(lines: Lines) -> Self {
        Self { lines, is_empty: true, reading: Reading::Whole(Kinds::ANY, String::new()) }
    }

    /// Begins the value of `key`.
    pub(super) fn key(&mut self, key: &str, kinds: Kinds, output: &mut Output) {
        let comma = if std::mem::take(&mut self.is_empty) { "" } else { "," };
        output.arguments(&format!("{comma}{}:", quoted(key)));
        self.reading = if kinds.is_text() {
            output.arguments("\"");
            Reading::Text { is_first: true, has_line_end: false }
        } else {
            Reading::Whole(kinds, String::new())
        };
    }

    /// The next character of the value.
    pub(super) fn push(&mut self, character: char, output: &mut Output) {
        let is_line_end = self.lines == Lines::Around && character == '\n';
        let mut written = String::new();
        match &mut self.reading {
            Reading::Whole(_, text) => text.push(character),
            Reading::Text { is_first, has_line_end } => {
                let is_first = std::mem::take(is_first);
                if std::mem::take(has_line_end) {
                    write_escaped('\n', &mut written);
                }
                if !is_line_end {
                    write_escaped(character, &mut written);
                }
                *has_line_end = is_line_end && !is_first;
            }
        }
        output.arguments(&written);
    }

    /// The value is whole.
    pub(super) fn end_value(&mut self, output: &mut Output) {
        match &self.reading {
            Reading::Text { .. } => output.arguments("\""),
            Reading::Whole(kinds, text) => {
                let mut text = text.as_str();
                if self.lines == Lines::Around {
                    text = text.strip_prefix('\n').unwrap_or(text);
                    text = text.strip_suffix('\n').unwrap_or(text);
                }
                output.arguments(&kinds.json(text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::delta::{Delta, Section};
    use super::*;

    #[test]
    fn values_lose_one_line_end_at_each_side() {
        for (lines, value, expected) in [
            (Lines::Around, "\na\n\nb\n", r#""a\n\nb""#),
            (Lines::Around, "\n\na\n\n", r#""\na\n""#),
            (Lines::Around, "a", r#""a""#),
            (Lines::Around, "\n", r#""""#),
            (Lines::Within, "\na\n", r#""\na\n""#),
        ] {
            for kinds in [Kinds::TEXT, Kinds::ANY] {
                let mut output = Output::new(Section::Content);
                let mut writer = ArgumentWriter::new(lines);
                writer.key("k", kinds, &mut output);
                value.chars().for_each(|character| writer.push(character, &mut output));
                writer.end_value(&mut output);
                let text = format!("\"k\":{expected}");
                assert_eq!(output.take(), [Delta::CallArguments { index: 0, text }], "{value:?}");
            }
        }
    }
}
