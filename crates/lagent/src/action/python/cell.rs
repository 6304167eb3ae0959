//! What a piece of code gave: its output, its images, and how it ended.

use std::time::Duration;

/// The result of one piece of code.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cell {
    /// What was printed, and the values that were shown, in their order.
    pub(super) text: String,
    /// The value of the last expression alone; `None` without such a value.
    pub(super) value: Option<String>,
    /// PNG files.
    pub(super) images: Vec<Vec<u8>>,
    pub(super) end: CellEnd,
}

/// How a piece of code ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum CellEnd {
    #[default]
    Done,
    /// An exception; the traceback.
    Raised(String),
    /// Interrupted after this time; the variables are still there.
    Interrupted(Duration),
    /// Interrupted because the call was cancelled; the variables are still there.
    Cancelled,
    /// The kernel is gone and with it all variables; why.
    Died(String),
}

impl Cell {
    /// A cell that ended the kernel.
    pub(super) fn died(reason: impl Into<String>) -> Self {
        Self { end: CellEnd::Died(reason.into()), ..Self::default() }
    }

    /// Appends to the text and says whether it is still within `limit` bytes; what is over is cut.
    pub(super) fn print(&mut self, text: &str, limit: usize) -> bool {
        let room = limit.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return true;
        }
        let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        self.text.push_str(&text[..end]);
        false
    }

    /// Shows a value on lines of its own.
    pub(super) fn show(&mut self, text: &str, limit: usize) -> bool {
        if !(self.text.is_empty() || self.text.ends_with('\n')) {
            self.text.push('\n');
        }
        self.print(text, limit) && self.print("\n", limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_letters() {
        let mut cell = Cell::default();
        assert!(cell.print("ab", 4) && !cell.print("äö", 5));
        assert_eq!(cell.text, "abä");
        let mut cell = Cell::default();
        assert!(cell.print("a", 9) && cell.show("b", 9) && cell.show("c", 9));
        assert_eq!(cell.text, "a\nb\nc\n");
    }
}
