//! [`TextByline`]: the name after a "by" that is near the heading of the page.

use super::name::{is_lead, is_person, may_lead, name, without_lead};

/// Maximum length of a text with a byline, in bytes: a line, not a sentence.
const MAX_BYTES: usize = 100;
/// Maximum number of texts from a byline to the heading after it.
const BEFORE: usize = 6;
/// Maximum number of texts from the heading to a mere "by" after it.
const AFTER: usize = 30;

/// Sees the texts of the page in document order.
#[derive(Default)]
pub(super) struct TextByline {
    /// Number of texts so far.
    seen: usize,
    /// Value of `seen` at the heading.
    heading: Option<usize>,
    /// Whether the last text was a "by" without a name.
    led: bool,
    /// Value of `seen` at the last name before the heading, and the name.
    before: Option<(usize, String)>,
    /// The first name after the heading.
    after: Option<String>,
}

impl TextByline {
    /// Looks at the next text of the page, without white space around it.
    pub(super) fn look_at(&mut self, text: &str) {
        if self.after.is_some() {
            return;
        }
        self.seen += 1;
        if !self.led && !may_lead(text) {
            return;
        }
        let led = std::mem::replace(&mut self.led, text.len() <= MAX_BYTES && is_lead(text) && is_by(text));
        if self.led || text.len() > MAX_BYTES {
            return;
        }
        let far = self.heading.is_some_and(|heading| self.seen > heading + AFTER + 1);
        let found = if led { name(text).filter(|_| !far) } else { after_by(text, far) };
        let Some(name) = found.filter(|name| is_person(name)) else { return };
        match self.heading {
            None => self.before = Some((self.seen, name)),
            Some(_) => self.after = Some(name),
        }
    }

    /// Tells that the heading of the page comes next. Only the first call counts.
    pub(super) fn at_heading(&mut self) {
        self.heading.get_or_insert(self.seen);
    }

    /// The name; `None` if the page has no heading or no name near it.
    pub(super) fn found(&self) -> Option<&str> {
        let heading = self.heading?;
        let before = self.before.as_ref().filter(|(place, _)| place + BEFORE >= heading);
        self.after.as_ref().or(before.map(|(_, name)| name)).map(String::as_str)
    }
}

/// The name in a text that begins with a "by". After a mere "by" one word can be anything, and far from the heading it
/// says too little, unlike "written by".
fn after_by(text: &str, far: bool) -> Option<String> {
    let rest = without_lead(text)?;
    let lead = text[..text.len() - rest.len()].trim();
    let name = name(rest).filter(|_| is_by(lead))?;
    let explicit = lead.contains([' ', ':', '：']);
    (explicit || (name.contains(' ') && !far)).then_some(name)
}

/// Whether the last of the words before a name says that it is that of the author.
fn is_by(lead: &str) -> bool {
    let last = lead.trim_end_matches([':', '：']).rsplit(' ').next().unwrap_or_default().to_lowercase();
    let named =
        matches!(last.as_str(), "author" | "autor" | "autorin" | "autoren" | "auteur" | "作者" | "责任编辑");
    let marked = lead.ends_with([':', '：']);
    matches!(last.as_str(), "by" | "von" | "par" | "por" | "door" | "av" | "af") || (named && marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name in the texts; `H` stands for the heading of the page.
    fn found(texts: &[&str]) -> Option<String> {
        let mut byline = TextByline::default();
        for text in texts {
            match *text {
                "H" => byline.at_heading(),
                text => byline.look_at(text),
            }
        }
        byline.found().map(str::to_owned)
    }

    #[test]
    fn names_after_a_by() {
        let cases: &[(&[&str], Option<&str>)] = &[
            (&[], None),
            (&["by Ada Lovelace"], None),
            (&["H", "By Ada Lovelace"], Some("Ada Lovelace")),
            (&["H", "By", "Ada Lovelace", "by Bo"], Some("Ada Lovelace")),
            (&["H", "Von", "Ada Lovelace | 3. Mai"], Some("Ada Lovelace")),
            (&["posted by Ada", "H"], Some("Ada")),
            (&["by Ada Lovelace", "H", "by Bo Kuhn"], Some("Bo Kuhn")),
            (
                &[
                    "H",
                    "by the sea",
                    "By Monday the tide turns",
                    "By Topic",
                    "Text Size",
                    "From Berlin Mitte",
                ],
                None,
            ),
            (&["H", "Autorin: Ada Lovelace, Kiel"], Some("Ada Lovelace, Kiel")),
            (&["H", "Author", "Guide Lines"], None),
            (&["H", "Ada Lovelace"], None),
        ];
        for (texts, expected) in cases {
            assert_eq!(found(texts).as_deref(), *expected, "{texts:?}");
        }
    }

    #[test]
    fn far_names_do_not_count() {
        let after = |between: usize| {
            let mut texts = vec!["H"];
            texts.extend(vec!["a text"; between]);
            texts.push("by Ada Lovelace");
            found(&texts)
        };
        assert!(after(AFTER).is_some() && after(AFTER + 1).is_none());
        let mut far = vec!["H"];
        far.extend(vec!["a text"; 2 * AFTER]);
        far.push("Written by Ada Lovelace");
        assert!(found(&far).is_some(), "nothing else is written by somebody");
        let before = |between: usize| {
            let mut texts = vec!["by Ada Lovelace"];
            texts.extend(vec!["a text"; between]);
            texts.push("H");
            found(&texts)
        };
        assert!(before(BEFORE).is_some() && before(BEFORE + 1).is_none());
    }
}
