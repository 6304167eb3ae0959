//! [`TextDate`]: the text with a date that is nearest to the heading of the page; without a heading, the first text that
//! is nothing but a date.

use super::date::{self, Order};

/// Maximum length of a text, in bytes: a line with a date, not a paragraph that mentions one.
const MAX_BYTES: usize = 80;
/// Maximum length of the date that a paragraph begins with, in characters.
const MAX_HEAD: usize = 18;
/// Minimum length of a text, in bytes: the shortest date.
const MIN_BYTES: usize = 8;
/// Maximum number of texts from a date to the heading after it.
const BEFORE: usize = 6;
/// Maximum number of texts from the heading to a date after it.
const AFTER: usize = 25;
/// Maximum number of texts between the heading, which counts too, and a date directly next to it.
const BESIDE: usize = 4;

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
    after: Option<Dated>,
    /// The first text that is nothing but a date.
    bare: Option<String>,
}

/// A text with a date.
struct Dated {
    /// Value of `seen` at the text.
    place: usize,
    text: String,
}

impl TextDate {
    /// Looks at the next text of the page, without white space around it.
    pub(super) fn look_at(&mut self, text: &str) {
        let far = self.heading.is_some_and(|heading| self.seen > heading + AFTER);
        if text.len() < MIN_BYTES || far || self.after.is_some() {
            return;
        }
        self.seen += 1;
        let text = if text.len() > MAX_BYTES { head(text) } else { text };
        if !text.bytes().any(|byte| byte.is_ascii_digit()) || date::read(text, Order::DayFirst).is_none() {
            return;
        }
        if self.bare.is_none() && date::is_bare(text) {
            self.bare = Some(text.to_owned());
        }
        let dated = Dated { place: self.seen, text: text.to_owned() };
        match self.heading {
            None => self.before = Some(dated),
            Some(_) => self.after = Some(dated),
        }
    }

    /// Tells that the heading of the page comes next. Only the first call counts.
    pub(super) fn at_heading(&mut self) {
        self.heading.get_or_insert(self.seen);
    }

    /// The text with the date; `None` if the page has no heading or no date near it.
    pub(super) fn found(&self) -> Option<&str> {
        self.nearest().map(|dated| dated.text.as_str())
    }

    /// The text that is nothing but a date and directly beside the heading.
    pub(super) fn beside_heading(&self) -> Option<&str> {
        let heading = self.heading?;
        let nearest = self.nearest().filter(|dated| dated.place.abs_diff(heading) <= BESIDE);
        nearest.map(|dated| dated.text.as_str()).filter(|text| date::is_bare(text))
    }

    /// The first text that is nothing but a date, on a page without a heading.
    pub(super) fn without_heading(&self) -> Option<&str> {
        self.bare.as_deref().filter(|_| self.heading.is_none())
    }

    fn nearest(&self) -> Option<&Dated> {
        let heading = self.heading?;
        self.before.as_ref().filter(|before| before.place + BEFORE >= heading).or(self.after.as_ref())
    }
}

/// The start of a paragraph, if it begins with a number as those do that begin with their date. Else empty.
fn head(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_HEAD).map_or(text.len(), |(end, _)| end);
    if text.starts_with(|c: char| c.is_ascii_digit()) { &text[..end] } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the texts; `H` stands for the heading of the page.
    fn read(texts: &[&str]) -> TextDate {
        let mut date = TextDate::default();
        for text in texts {
            if *text == "H" {
                date.at_heading();
            } else {
                date.look_at(text);
            }
        }
        date
    }

    /// The text with the date.
    fn found(texts: &[&str]) -> Option<String> {
        read(texts).found().map(str::to_owned)
    }

    #[test]
    fn the_nearest_text_with_a_date() {
        let cases: &[(&[&str], Option<&str>)] = &[
            (&[], None),
            (&["1. Mai 2024"], None),
            (&["H"], None),
            (&["H", "1. Mai 2024"], Some("1. Mai 2024")),
            (&["1. Mai 2024", "H"], Some("1. Mai 2024")),
            (&["1. Mai 2024", "2. Mai 2024", "H", "3. Mai 2024"], Some("2. Mai 2024")),
            (&["H", "2. Mai 2024", "3. Mai 2024"], Some("2. Mai 2024")),
            (&["H", "some other text", "2. Mai 2024"], Some("2. Mai 2024")),
            (&["H", "99.99.2024", "no year here"], None),
            (&["H", "H", "2. Mai 2024"], Some("2. Mai 2024")),
        ];
        for (texts, expected) in cases {
            assert_eq!(found(texts).as_deref(), *expected, "{texts:?}");
        }
    }

    #[test]
    fn dates_directly_beside_the_heading() {
        let cases: &[(&[&str], Option<&str>)] = &[
            (&["H", "Tides turn", "by Ada", "3. Mai 2024, 12:30 Uhr"], Some("3. Mai 2024, 12:30 Uhr")),
            (&["3. Mai 2024", "a section", "H"], Some("3. Mai 2024")),
            (&["H", "Tides turn", "Updated 3. Mai 2024"], None),
            (&["H", "Tides turn", "a long text", "a long text", "a long text", "3. Mai 2024"], None),
            (&["3. Mai 2024"], None),
        ];
        for (texts, expected) in cases {
            assert_eq!(read(texts).beside_heading(), *expected, "{texts:?}");
        }
    }

    #[test]
    fn pages_without_a_heading_may_have_a_date() {
        let texts = ["Since 1. Mai 2024 open", "Fri, 2. Mai 2024", "3. Mai 2024"];
        assert_eq!(read(&texts).without_heading(), Some("Fri, 2. Mai 2024"));
        assert_eq!(read(&["2. Mai 2024", "H"]).without_heading(), None);
    }

    #[test]
    fn far_dates_do_not_count() {
        let after = |between: usize| {
            let mut texts = vec!["H"];
            texts.extend(vec!["a line of text"; between]);
            texts.push("1. Mai 2024");
            found(&texts)
        };
        assert!(after(AFTER - 1).is_some() && after(AFTER + 1).is_none());
        let before = |between: usize| {
            let mut texts = vec!["1. Mai 2024"];
            texts.extend(vec!["a line of text"; between]);
            texts.push("H");
            found(&texts)
        };
        assert!(before(BEFORE).is_some() && before(BEFORE + 1).is_none());
    }

    #[test]
    fn paragraphs_that_mention_a_date_do_not_count() {
        let paragraph = format!("On 1 May 2024 {}", "something happened ".repeat(10));
        assert_eq!(found(&["H", &paragraph]), None);
        let dated = format!("01.05.2024 – {paragraph}");
        assert_eq!(
            found(&["H", &dated]).as_deref(),
            Some("01.05.2024 – On 1 "),
            "the date of the paragraph itself"
        );
        let dated = format!("3 weeks later {paragraph}");
        assert_eq!(found(&["H", &dated]), None);
        assert_eq!(found(&["H", "2024"]), None, "too short for a date");
    }
}
