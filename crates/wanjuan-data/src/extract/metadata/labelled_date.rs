//! [`LabelledDate`]: a text that says that its date is that of the publication, or of the last change.

use super::date::{self, Order};
use super::starts::Starts;

/// Maximum length of a label and its date, in bytes: a line, not a sentence.
const MAX_BYTES: usize = 60;

/// Words before a date of publication.
const PUBLISHED: &[&str] = &[
    "published",
    "publication date",
    "posted",
    "date",
    "datum",
    "veröffentlicht",
    "veröffentlichung",
    "erschienen",
    "erstellt",
    "publié",
    "publicado",
    "fecha",
    "pubblicato",
    "created",
];

/// Words before a date of the last change.
const MODIFIED: &[&str] = &[
    "updated",
    "last updated",
    "last edited",
    "last modified",
    "last reviewed",
    "modified",
    "letzte änderung",
    "zuletzt geändert",
    "zuletzt aktualisiert",
    "aktualisiert",
    "stand",
    "mis à jour",
    "dernière mise à jour",
    "actualizado",
];

/// The first letters of all of these.
const STARTS: Starts = Starts::of(PUBLISHED).and(MODIFIED);

/// Sees the texts of the page in document order.
#[derive(Default)]
pub(super) struct LabelledDate {
    /// What the last text was a label of.
    label: Option<Label>,
    /// The first text for each label.
    found: [Option<String>; 2],
}

#[derive(Clone, Copy)]
enum Label {
    Published = 0,
    Modified = 1,
}

impl LabelledDate {
    /// Looks at the next text of the page, without white space around it.
    pub(super) fn look_at(&mut self, text: &str) {
        let text = text.trim_start_matches('(');
        let before = self.label.take();
        if before.is_none() && !STARTS.may_begin(text) {
            return;
        }
        let is_dated = text.len() <= MAX_BYTES && text.bytes().any(|byte| byte.is_ascii_digit());
        if text.len() > MAX_BYTES || !(is_dated || text.ends_with([':', '：'])) {
            return;
        }
        let text = text.trim_end_matches(')');
        let label = label_of(text).or(before);
        if !is_dated {
            self.label = label;
        } else if let Some(label) = label
            && date::read(text, Order::DayFirst).is_some()
        {
            self.found[label as usize].get_or_insert_with(|| text.to_owned());
        }
    }

    /// The text with the date of publication.
    pub(super) fn published(&self) -> Option<&str> {
        self.found[Label::Published as usize].as_deref()
    }

    /// The text with the date of the last change.
    pub(super) fn modified(&self) -> Option<&str> {
        self.found[Label::Modified as usize].as_deref()
    }
}

/// The label that a text begins with: a word or more, and then a colon, "on" or the like, or the date.
fn label_of(text: &str) -> Option<Label> {
    if !STARTS.may_begin(text) {
        return None;
    }
    let start: String = text.chars().take(MAX_BYTES / 2).flat_map(char::to_lowercase).collect();
    let begins = |label: &str| {
        let rest = start.strip_prefix(label).map(str::trim_start);
        rest.is_some_and(|rest| {
            let joined = [":", "on ", "am ", "on:", "am:", "le ", "el ", "il ", "the "]
                .iter()
                .any(|word| rest.starts_with(word));
            rest.is_empty() || joined || rest.starts_with(|c: char| c.is_ascii_digit()) || date::begins(rest)
        })
    };
    let is = |labels: &[&str]| labels.iter().any(|label| begins(label));
    match () {
        () if is(PUBLISHED) => Some(Label::Published),
        () if is(MODIFIED) => Some(Label::Modified),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str]) -> (Option<String>, Option<String>) {
        let mut date = LabelledDate::default();
        for text in texts {
            date.look_at(text);
        }
        (date.published().map(str::to_owned), date.modified().map(str::to_owned))
    }

    #[test]
    fn labels_with_their_dates() {
        for text in [
            "Published: 3 May 2024",
            "Published May 3, 2024",
            "posted on May 3, 2024 by Ada",
            "Erschienen am: 03.05.2024",
            "Datum: 3. Mai 2024",
        ] {
            assert_eq!(found(&[text]), (Some(text.to_owned()), None), "{text}");
        }
        for text in
            ["Last updated: 3 May 2024", "Letzte Änderung 03.05.2024", "(last edited 2024-05-03 13:28"]
        {
            let text = text.trim_start_matches('(');
            assert_eq!(found(&[text]), (None, Some(text.to_owned())), "{text}");
        }
        assert_eq!(found(&["Datum:", "3. Mai 2024"]).0.as_deref(), Some("3. Mai 2024"));
    }

    #[test]
    fn other_texts_have_no_label() {
        for texts in [
            &["3 May 2024"][..],
            &["Date palms", "3 May 2024"],
            &["Published:", "by Ada", "3 May 2024"],
            &["Updates of 3 May 2024"],
            &["Published: yesterday"],
            &["Standing room since 3 May 2024"],
        ] {
            assert_eq!(found(texts), (None, None), "{texts:?}");
        }
    }
}
