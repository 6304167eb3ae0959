//! What is open while a page is rendered: containers, inline marks, lists, tables, rows, code, and the gap that is due.

use std::fmt::Write as _;

use crate::extract::dom::NodeId;

/// What has to come between the text so far and the next text, in ascending order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Gap {
    Nothing,
    Space,
    Line,
    /// An empty line.
    Paragraph,
}

/// What the lines of a container begin with, in markdown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Marker {
    /// An item of a bullet list.
    Bullet,
    /// An item of a numbered list.
    Number(i64),
    /// An item with a check box, and whether that is checked.
    Task(bool),
    /// A block quote.
    Quote,
    /// A heading, with its level.
    Heading(u8),
    /// The description of a term.
    Description,
    /// A list directly inside a list.
    Indent,
}

impl Marker {
    /// Writes what the first line begins with.
    pub(super) fn write_first(self, out: &mut String) {
        match self {
            Self::Bullet => out.push_str("- "),
            Self::Number(number) => write!(out, "{number}. ").expect("a string takes all"),
            Self::Task(true) => out.push_str("- [x] "),
            Self::Task(false) => out.push_str("- [ ] "),
            Self::Quote => out.push_str("> "),
            Self::Heading(level) => {
                out.push_str(&"######"[..usize::from(level.min(6))]);
                out.push(' ');
            }
            Self::Description => out.push_str(": "),
            Self::Indent => out.push_str("  "),
        }
    }

    /// Writes what is left of the marker inside a table cell: only what separates items.
    pub(super) fn write_in_cell(self, out: &mut String) {
        if matches!(self, Self::Bullet | Self::Number(_) | Self::Task(_)) {
            self.write_first(out);
        }
    }

    /// Writes what the further lines begin with.
    pub(super) fn write_next(self, out: &mut String) {
        match self {
            Self::Bullet | Self::Task(_) | Self::Description | Self::Indent => out.push_str("  "),
            Self::Number(number) => {
                let width = number.checked_abs().and_then(|n| n.checked_ilog10()).unwrap_or(0) as usize
                    + 3
                    + usize::from(number < 0);
                out.extend(std::iter::repeat_n(' ', width));
            }
            Self::Quote => out.push_str("> "),
            Self::Heading(_) => {}
        }
    }
}

/// An open block whose lines have a prefix.
pub(super) struct Container {
    pub(super) marker: Marker,
    /// Whether there is no text yet. A block that opens now starts on the line of the marker.
    pub(super) pending: bool,
}

/// Markdown signs that are the same at both ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sign {
    Strong,
    Emphasis,
    Strike,
}

impl Sign {
    /// The sign itself.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Strong => "**",
            Self::Emphasis => "*",
            Self::Strike => "~~",
        }
    }
}

/// What an inline element does to its text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum MarkKind {
    /// Nothing in this format or at this place.
    Nothing,
    Sign(Sign),
    Code,
    /// A link, with the element that has the address.
    Link(NodeId),
    Subscript,
    Superscript,
    /// The number of a note.
    Note,
    /// Quotation marks.
    Quote,
}

/// An open inline element.
pub(super) struct Mark {
    pub(super) kind: MarkKind,
    /// Where its text starts in the output; `None` while it is not written.
    pub(super) start: Option<usize>,
}

/// A sign that was closed, to join it with the same sign right after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct ClosedSign {
    pub(super) sign: Sign,
    /// Length of the output after it.
    pub(super) end: usize,
}

/// An open list.
pub(super) struct List {
    /// Number of the next item; `None` for bullets.
    pub(super) next: Option<i64>,
    /// Difference between the numbers of two items: -1 if the list counts down.
    pub(super) step: i64,
}

/// What a table is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TableKind {
    /// Rows of short cells.
    Data,
    /// The arrangement of blocks on the page.
    Layout,
    /// One line of code per row.
    Code,
}

/// An open table.
pub(super) struct Table {
    pub(super) kind: TableKind,
    /// Number of cells of the longest row.
    pub(super) columns: usize,
    /// Number of rows written so far.
    pub(super) rows: usize,
    /// Column of the next cell.
    pub(super) column: usize,
    /// Further columns that the open cell covers.
    pub(super) extra: usize,
    /// For each column, how many further rows a cell above covers.
    pub(super) covered: Vec<usize>,
    /// Whether line numbers were left out. Then a cell of class `code` next to them is code.
    pub(super) gutter: bool,
    /// Whether a cell is open. Text between the cells of code is not code.
    pub(super) in_cell: bool,
}

/// An open row of a data table.
pub(super) struct Row {
    /// The gap before the row, until it is written.
    pub(super) due: Option<Gap>,
    /// Number of cells so far.
    pub(super) cells: usize,
    /// Number of separators written so far.
    pub(super) separators: usize,
    /// Whether the open cell has no text yet.
    pub(super) fresh: bool,
    /// Number of containers around the table.
    pub(super) depth: usize,
}

/// An open code block.
pub(super) struct CodeBlock {
    /// The outermost element.
    pub(super) id: NodeId,
    /// Number of open elements inside that would start a code block of their own.
    pub(super) depth: usize,
    /// Length of the output before the block; `None` until text comes.
    pub(super) before: Option<usize>,
    /// Where the code starts in the output.
    pub(super) start: usize,
    /// Where the innermost element with its own line starts.
    pub(super) line_start: usize,
    /// Whether such an element has ended without a line break.
    pub(super) line_break_due: bool,
    /// Where the last `<span class=line>` ended.
    pub(super) span_end: Option<usize>,
    /// Whether white space of the source collapses, as in code outside of `pre`.
    pub(super) collapses: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn prefixes_of_lines() {
        let cases = [
            (Marker::Bullet, "- ", "  ", "- "),
            (Marker::Number(7), "7. ", "   ", "7. "),
            (Marker::Number(10), "10. ", "    ", "10. "),
            (Marker::Number(0), "0. ", "   ", "0. "),
            (Marker::Number(-12), "-12. ", "     ", "-12. "),
            (Marker::Task(true), "- [x] ", "  ", "- [x] "),
            (Marker::Task(false), "- [ ] ", "  ", "- [ ] "),
            (Marker::Quote, "> ", "> ", ""),
            (Marker::Heading(2), "## ", "", ""),
            (Marker::Heading(9), "###### ", "", ""),
            (Marker::Description, ": ", "  ", ""),
            (Marker::Indent, "  ", "  ", ""),
        ];
        for (marker, first, next, in_cell) in cases {
            assert_eq!(written(|out| marker.write_first(out)), first, "{marker:?}");
            assert_eq!(written(|out| marker.write_next(out)), next, "{marker:?}");
            assert_eq!(written(|out| marker.write_in_cell(out)), in_cell, "{marker:?}");
        }
        assert_eq!(written(|out| Marker::Number(i64::MIN).write_first(out)), "-9223372036854775808. ");
    }

    #[test]
    fn items_of_numbered_lists_are_indented_by_their_number() {
        for number in [-100, -1, 1, 9, 99, 12_345] {
            let marker = Marker::Number(number);
            let (first, next) =
                (written(|out| marker.write_first(out)), written(|out| marker.write_next(out)));
            assert_eq!(first.len(), next.len(), "{number}");
        }
    }

    #[test]
    fn gaps_are_ordered() {
        assert!(Gap::Nothing < Gap::Space && Gap::Space < Gap::Line && Gap::Line < Gap::Paragraph);
    }
}
