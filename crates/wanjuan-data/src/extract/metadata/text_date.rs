//! [`TextDate`]: the date in the running text that is nearest to the heading of the page.

use super::date::{self, Order};

/// Longest text that is looked at, in bytes: a line with a date, not a paragraph that mentions one.
const LONGEST: usize = 80;
/// How many texts a date may stand before and after the heading.
const BEFORE: usize = 6;
const AFTER: usize = 25;

/// Sees the texts of the page in order.
#[derive(Default)]
pub(super) struct TextDate {
    seen: usize,
    heading: Option<usize>,
    before: Option<(usize, String)>,
    after: Option<String>,
}

impl TextDate {
    /// The next text.
    pub(super) fn look_at(&mut self, text: &str) {
        let far = self.heading.is_some_and(|heading| self.seen > heading + AFTER);
        if text.len() < 8 || far || self.after.is_some() {
            return;
        }
        let text = text.trim();
        self.seen += usize::from(!text.is_empty());
        if text.len() > LONGEST || !has_year(text) || date::read(text, Order::DayFirst).is_none() {
            return;
        }
        match self.heading {
            None => self.before = Some((self.seen, text.to_owned())),
            Some(_) => self.after = Some(text.to_owned()),
        }
    }

    /// The heading of the page comes next.
    pub(super) fn at_heading(&mut self) {
        self.heading.get_or_insert(self.seen);
    }

    /// The text with the date.
    pub(super) fn found(&self) -> Option<&str> {
        let heading = self.heading?;
        let before = self.before.as_ref().filter(|(place, _)| place + BEFORE >= heading);
        before.map(|(_, text)| text).or(self.after.as_ref()).map(String::as_str)
    }
}

/// Whether four digits in a row could be a year.
fn has_year(text: &str) -> bool {
    text.as_bytes().windows(4).any(|four| {
        matches!(four, [b'1', b'9', ..] | [b'2', b'0', ..]) && four.iter().all(u8::is_ascii_digit)
    })
}
