//! [`TextDate`]: the text with a date that is nearest to the heading of the page.

use super::date::{self, Order};

/// Maximum length of a text, in bytes: a line with a date, not a paragraph that mentions one.
const MAX_BYTES: usize = 80;
/// Minimum length of a text, in bytes: the shortest date.
const MIN_BYTES: usize = 8;
/// Maximum number of texts from a date to the heading after it.
const BEFORE: usize = 6;
/// Maximum number of texts from the heading to a date after it.
const AFTER: usize = 25;

/// Sees the texts of the page in document order.
#[derive(Default)]
pub(super) struct TextDate {
    /// Number of texts so far.
    seen: usize,
    /// Value of `seen` at the heading.
    heading: Option<usize>,
    /// The last text with a date before the heading.
    before: Option<Dated>,
    /// The first text with a date after the heading.
    after: Option<String>,
}

/// A text with a date.
struct Dated {
    /// Value of `seen` at the text.
    place: usize,
    text: String,
}

impl TextDate {
    /// Looks at the next text of the page.
    pub(super) fn look_at(&mut self, text: &str) {
        let far = self.heading.is_some_and(|heading| self.seen > heading + AFTER);
        if text.len() < MIN_BYTES || far || self.after.is_some() {
            return;
        }
        let text = text.trim();
        self.seen += usize::from(!text.is_empty());
        if text.len() > MAX_BYTES || !has_year(text) || date::read(text, Order::DayFirst).is_none() {
            return;
        }
        match self.heading {
            None => self.before = Some(Dated { place: self.seen, text: text.to_owned() }),
            Some(_) => self.after = Some(text.to_owned()),
        }
    }

    /// Tells that the heading of the page comes next. Only the first call counts.
    pub(super) fn at_heading(&mut self) {
        self.heading.get_or_insert(self.seen);
    }

    /// The text with the date; `None` if the page has no heading or no date near it.
    pub(super) fn found(&self) -> Option<&str> {
        let heading = self.heading?;
        let before = self.before.as_ref().filter(|before| before.place + BEFORE >= heading);
        before.map(|before| &before.text).or(self.after.as_ref()).map(String::as_str)
    }
}

/// Whether four consecutive digits could be a year.
fn has_year(text: &str) -> bool {
    text.as_bytes().windows(4).any(|four| {
        matches!(four, [b'1', b'9', ..] | [b'2', b'0', ..]) && four.iter().all(u8::is_ascii_digit)
    })
}
