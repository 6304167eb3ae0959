//! Text, white space and the prefixes of lines.

use super::open::{Container, Gap, Marker};
use super::renderer::Renderer;

/// Maximum number of nested prefixes, because each adds bytes to every line. Deeper containers have no prefix.
const MAX_CONTAINERS: usize = 12;

impl Renderer<'_> {
    /// Opens a container.
    pub(super) fn push_container(&mut self, marker: Marker) {
        if self.containers.len() == MAX_CONTAINERS {
            self.deep_containers += 1;
            return;
        }
        self.containers.push(Container { marker, pending: true });
    }

    /// Closes the innermost container and returns whether it contained text.
    pub(super) fn pop_container(&mut self) -> bool {
        self.suspend_marks();
        if self.deep_containers > 0 {
            self.deep_containers -= 1;
            return true;
        }
        self.containers.pop().is_some_and(|container| !container.pending)
    }

    /// Asks for at least `gap` before the next text.
    pub(super) fn separate(&mut self, gap: Gap) {
        if gap >= Gap::Line {
            self.suspend_marks();
        }
        match self.containers.last() {
            Some(container) if container.pending => {}
            // A heading of several lines is one line in markdown.
            Some(Container { marker: Marker::Heading(_), .. }) if self.markdown && gap <= Gap::Line => {
                self.gap = self.gap.max(gap.min(Gap::Space));
            }
            _ => self.gap = self.gap.max(gap),
        }
    }

    /// Handles `br`. Two in a row end the paragraph.
    pub(super) fn line_break(&mut self) {
        let gap = if self.gap >= Gap::Line { Gap::Paragraph } else { Gap::Line };
        self.separate(gap);
    }

    /// Writes a text node, white space as in the source.
    pub(super) fn text(&mut self, text: &str) {
        if self.code.is_some() {
            self.code_text(text);
        } else if self.keeping_lines > 0 {
            for (number, line) in text.split('\n').enumerate() {
                if number > 0 {
                    self.line_break();
                }
                self.flow_text(line);
            }
        } else {
            self.flow_text(text);
        }
    }

    /// Writes text whose white space collapses. It is copied in runs, not word by word.
    fn flow_text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        loop {
            let LeadingSpace { length, space } = leading_space(&bytes[at..]);
            at += length;
            if space != Space::None && self.gap <= Gap::Space {
                self.soft_break |= space == Space::Line;
                self.gap = Gap::Space;
            }
            if at == bytes.len() {
                return;
            }
            let length = run_length(&bytes[at..]);
            self.run(&text[at..at + length]);
            at += length;
        }
    }

    /// Writes text without white space at its ends and without two spaces in a row.
    fn run(&mut self, run: &str) {
        let mut run = run;
        // Chinese paragraphs are indented by two ideographic spaces.
        if self.gap >= Gap::Line || self.out.is_empty() {
            run = run.trim_start_matches('\u{3000}');
        }
        let Some(first) = run.chars().next() else { return };
        self.open_text(first);
        self.push_escaped(run);
    }

    /// Appends text and escapes `|` where it would end a cell.
    pub(super) fn push_escaped(&mut self, text: &str) {
        if self.markdown && self.row.is_some() && text.contains('|') {
            self.out.push_str(&text.replace('|', "\\|"));
        } else {
            self.out.push_str(text);
        }
    }

    /// Appends a sign right after the text so far, if there is any on this line.
    pub(super) fn glue(&mut self, sign: &str) {
        if self.gap <= Gap::Space && !self.out.is_empty() {
            self.gap = Gap::Nothing;
            self.out.push_str(sign);
        }
    }

    /// Writes what is due before a text that begins with `first`: gap, prefixes and inline marks.
    pub(super) fn open_text(&mut self, first: char) {
        if self.row.is_some() {
            self.open_cell_text(first);
        } else if self.gap >= Gap::Line || self.out.is_empty() {
            if self.rule_due && !self.out.is_empty() {
                self.out.push_str("\n\n---");
            }
            self.rule_due = false;
            self.begin_line(self.gap, self.containers.len());
        } else if self.gap == Gap::Space {
            self.push_space(first);
        }
        self.gap = Gap::Nothing;
        self.soft_break = false;
        if self.unwritten > 0 {
            self.open_marks();
        }
    }

    /// Writes a space, unless it was a line break of the source between two characters of a script that is written
    /// without spaces (CSS Text 4, segment breaks).
    pub(super) fn push_space(&mut self, first: char) {
        let joined = self.soft_break && {
            let text = self.out.trim_end_matches(['*', '~', '`']);
            let last = text.chars().next_back().unwrap_or(' ');
            (is_unspaced(last) && is_unspaced(first))
                || is_wide_punctuation(last)
                || is_wide_punctuation(first)
        };
        if !joined {
            self.out.push(' ');
        }
    }

    /// Starts a new line with the prefixes of the outer `depth` containers.
    pub(super) fn begin_line(&mut self, gap: Gap, depth: usize) {
        if !self.out.is_empty() {
            if gap == Gap::Paragraph {
                self.out.push('\n');
                let start = self.out.len();
                self.write_next_prefix(depth);
                let length = self.out[start..].trim_end().len();
                self.out.truncate(start + length);
            }
            self.out.push('\n');
        }
        for container in &mut self.containers[..depth] {
            if self.markdown && container.pending {
                container.marker.write_first(&mut self.out);
            } else if self.markdown {
                container.marker.write_next(&mut self.out);
            }
            container.pending = false;
        }
    }

    /// Writes the prefixes of a further line, for those of the outer `depth` containers that have text.
    pub(super) fn write_next_prefix(&mut self, depth: usize) {
        if !self.markdown {
            return;
        }
        for container in self.containers[..depth].iter().filter(|container| !container.pending) {
            container.marker.write_next(&mut self.out);
        }
    }
}

/// White space and soft hyphens before a text.
struct LeadingSpace {
    /// In bytes.
    length: usize,
    space: Space,
}

/// Kinds of white space before a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Space {
    None,
    Some,
    /// It contains a line break.
    Line,
}

/// The white space that `bytes` begins with. A no-break space is white space for tokenizers; a soft hyphen is
/// nothing at all.
fn leading_space(bytes: &[u8]) -> LeadingSpace {
    let (mut at, mut space) = (0, Space::None);
    while at < bytes.len() {
        match bytes[at] {
            b'\n' => space = Space::Line,
            b' ' | b'\t' | b'\r' | b'\x0c' if space == Space::None => space = Space::Some,
            b' ' | b'\t' | b'\r' | b'\x0c' => {}
            0xc2 if matches!(bytes.get(at + 1), Some(0xa0 | 0xad)) => {
                if bytes[at + 1] == 0xa0 && space == Space::None {
                    space = Space::Some;
                }
                at += 1;
            }
            _ => break,
        }
        at += 1;
    }
    LeadingSpace { length: at, space }
}

/// Length of the text before the next white space other than a single space between two words.
fn run_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' => {
                let next = &bytes[at + 1..];
                if next.is_empty() || leading_space(&next[..next.len().min(2)]).length > 0 {
                    return at;
                }
                at += 2;
            }
            b'\n' | b'\t' | b'\r' | b'\x0c' => return at,
            0xc2 if matches!(bytes.get(at + 1), Some(0xa0 | 0xad)) => return at,
            _ => at += 1,
        }
    }
    at
}

/// Characters of scripts written without spaces between words: Han, kana and Bopomofo, but not Hangul.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{312f}' | '\u{31a0}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff01}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
}

/// Punctuation as wide as a Han character, which includes its own space.
fn is_wide_punctuation(c: char) -> bool {
    matches!(c, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}'
        | '\u{ff01}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0c}' | '\u{ff0e}' | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_before_a_text() {
        for (text, length, space) in [
            ("", 0, Space::None),
            ("a", 0, Space::None),
            (" a", 1, Space::Some),
            ("\t \r\x0ca", 4, Space::Some),
            (" \n a", 3, Space::Line),
            ("\n", 1, Space::Line),
            ("\u{a0}a", 2, Space::Some),
            ("\u{ad}a", 2, Space::None),
            ("\u{ad} \u{ad}a", 5, Space::Some),
            ("\u{a0}\n", 3, Space::Line),
            ("é", 0, Space::None),
            ("\u{3000}", 0, Space::None),
        ] {
            let found = leading_space(text.as_bytes());
            assert_eq!((found.length, found.space), (length, space), "{text:?}");
        }
    }

    #[test]
    fn runs_end_before_white_space_that_changes() {
        for (text, run) in [
            ("a", "a"),
            ("a b c", "a b c"),
            ("a  b", "a"),
            ("a b ", "a b"),
            ("a\nb", "a"),
            ("a \n", "a"),
            ("a\u{a0}b", "a"),
            ("a\u{ad}b", "a"),
            ("a \u{ad}b", "a"),
            ("é ü", "é ü"),
        ] {
            assert_eq!(&text[..run_length(text.as_bytes())], run, "{text:?}");
        }
    }

    proptest! {
        /// Spaces and runs alternate to the end of any text and never split a character.
        #[test]
        fn texts_are_cut_into_spaces_and_runs(text in "[a é\n\t\u{a0}\u{ad}汉]{0,40}") {
            let (mut at, mut words) = (0, String::new());
            while at < text.len() {
                at += leading_space(&text.as_bytes()[at..]).length;
                let length = run_length(&text.as_bytes()[at..]);
                prop_assert!(text.is_char_boundary(at) && text.is_char_boundary(at + length));
                prop_assert!(length > 0 || at == text.len());
                words.push_str(&text[at..at + length]);
                at += length;
            }
            let visible = |text: &str| text.chars().filter(|c| !" \n\t\u{a0}\u{ad}".contains(*c)).collect::<String>();
            prop_assert_eq!(visible(&words), visible(&text));
            let spaces = ['\n', '\t', '\u{a0}', '\u{ad}'];
            prop_assert!(!words.contains("  ") && !words.contains(spaces));
        }
    }

    #[test]
    fn scripts_without_spaces() {
        assert!("汉かカㄅ々〇".chars().all(is_unspaced));
        assert!("a한é1 .".chars().all(|c| !is_unspaced(c)));
        assert!("、。（），：；「」".chars().all(is_wide_punctuation));
        assert!("a汉,.()".chars().all(|c| !is_wide_punctuation(c)));
    }
}
