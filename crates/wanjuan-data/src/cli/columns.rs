//! Two columns of text in a terminal.

use console::measure_text_width;
use internlm_kit::visible::visible;

/// Whether colors are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Look {
    Colored,
    Plain,
}

/// Writes lines side by side.
pub(super) struct Columns {
    /// Width of one column.
    width: usize,
    look: Look,
}

const BORDER: &str = " | ";

impl Columns {
    /// Two columns that fill a terminal of `width` columns.
    pub(super) fn new(width: usize, look: Look) -> Self {
        Self { width: (width - BORDER.len()) / 2, look }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.look {
            Look::Colored => format!("\x1b[{code}m{text}\x1b[0m"),
            Look::Plain => text.to_owned(),
        }
    }

    /// A line in bold.
    pub(super) fn heading(&self, text: &str) -> String {
        self.paint("1", &visible(text)) + "\n"
    }

    /// The names of the columns with a line below.
    pub(super) fn titles(&self, left: &str, right: &str) -> String {
        let rule = "-".repeat(self.width);
        format!("\n{}{rule}-+-{rule}\n", self.rows(&[left.to_owned()], &[right.to_owned()]))
    }

    /// Lines side by side; the shorter side is padded.
    pub(super) fn rows(&self, left: &[String], right: &[String]) -> String {
        let mut out = String::new();
        for number in 0..left.len().max(right.len()) {
            let text = |side: &[String]| side.get(number).cloned().unwrap_or_default();
            let (left, right) = (text(left), text(right));
            let fill = " ".repeat(self.width.saturating_sub(measure_text_width(&left)));
            let right = if right.is_empty() { right } else { self.paint(color_of(&right), &right) };
            out += format!("{}{fill}{BORDER}{right}", self.paint("32", &left)).trim_end();
            out.push('\n');
        }
        out
    }

    /// Text in lines of at most one column's width, broken at spaces where there are any.
    pub(super) fn wrap(&self, text: &str) -> Vec<String> {
        let text = &*visible(text);
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut used = 0;
        for word in text.split(' ') {
            let width = measure_text_width(word);
            if used > 0 && used + 1 + width > self.width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            if width <= self.width {
                line.push_str(word);
                used += width;
                continue;
            }
            for c in word.chars() {
                let width = measure_text_width(c.encode_utf8(&mut [0; 4]));
                if used + width > self.width {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(c);
                used += width;
            }
        }
        lines.push(line);
        lines
    }
}

/// Reasons in yellow, dropped text dim.
fn color_of(line: &str) -> &'static str {
    if line.starts_with('[') { "33" } else { "2" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        let columns = Columns::new(23, Look::Plain);
        assert_eq!(columns.wrap("one two three four"), ["one two", "three four"]);
        assert_eq!(columns.wrap("春眠不觉晓处处"), ["春眠不觉晓", "处处"]);
        assert_eq!(columns.rows(&["春".into()], &["b".into()]), "春         | b\n");
        let colored = Columns::new(23, Look::Colored).rows(&["a".into()], &["[b]".into()]);
        assert_eq!(colored, "\x1b[32ma\x1b[0m          | \x1b[33m[b]\x1b[0m\n");
    }
}
