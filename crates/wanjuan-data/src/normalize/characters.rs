//! The stage `normalize`: gives characters that look the same one spelling and removes invisible ones. WanJuan-CC
//! normalizes before it filters (arXiv 2402.19282).

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

use super::{FullWidth, NormalizeConfig, Removal, Replacement, UnicodeForm};
use crate::{Document, Reason, Stage, Verdict};

/// Replaces and removes characters in the text of documents.
#[derive(Clone, Copy, Debug, Default)]
pub struct NormalizeCharacters {
    config: NormalizeConfig,
}

impl NormalizeCharacters {
    /// A stage with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: NormalizeConfig) -> Self {
        Self { config }
    }

    /// The text with one spelling; the indentation of lines is kept.
    #[must_use]
    pub fn normalize(&self, text: &str) -> String {
        // Cleaned before composing: a removed character may separate a letter from its accent.
        let mut cleaned = String::with_capacity(text.len());
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            if c == '\r' && self.config.line_separators == Replacement::Replace {
                characters.next_if_eq(&'\n');
            }
            cleaned.extend(self.clean(c));
        }
        self.without_empty_lines(&composed(&cleaned, self.config.form))
    }

    /// The character that replaces `c`; `None` when it is removed.
    fn clean(&self, c: char) -> Option<char> {
        if c.is_ascii_graphic() || matches!(c, ' ' | '\n' | '\t') {
            return Some(c);
        }
        let config = &self.config;
        match c {
            '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
                if config.line_separators == Replacement::Replace =>
            {
                Some('\n')
            }
            // A carriage return that ends a line is not removed as a control character.
            '\r' => Some(c),
            '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => {
                match config.spaces {
                    Replacement::Keep => Some(c),
                    Replacement::Replace => Some(' '),
                }
            }
            '\u{ad}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => (config.zero_width == Removal::Keep).then_some(c),
            '\u{3000}' if config.full_width == FullWidth::Ascii => Some(' '),
            '\u{ff01}'..='\u{ff5e}' => Some(narrow(c, config.full_width)),
            _ if c.is_control() => (config.control_characters == Removal::Keep).then_some(c),
            _ => Some(c),
        }
    }

    /// Removes trailing white space, and empty lines at both ends and beyond the maximum in between.
    fn without_empty_lines(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut empty_lines = 0;
        for line in text.split('\n').map(str::trim_end) {
            if line.is_empty() {
                empty_lines += 1;
                continue;
            }
            if !out.is_empty() {
                out.extend(std::iter::repeat_n('\n', 1 + empty_lines.min(self.config.max_empty_lines)));
            }
            out.push_str(line);
            empty_lines = 0;
        }
        out
    }
}

impl Stage for NormalizeCharacters {
    fn name(&self) -> &'static str {
        "normalize"
    }

    fn apply(&self, mut document: Document) -> Verdict {
        document.content = self.normalize(&document.content);
        if document.content.is_empty() {
            return Verdict::drop(document, Reason::new("empty"));
        }
        Verdict::Keep(document)
    }
}

/// Normalizes a text with the default settings.
///
/// ```
/// use wanjuan_data::normalize::normalize_characters;
///
/// assert_eq!(normalize_characters("a\u{200b}b \r\n\r\n\r\n\r\n  c\u{a0}d\n"), "ab\n\n  c d");
/// ```
#[must_use]
pub fn normalize_characters(text: &str) -> String {
    NormalizeCharacters::default().normalize(text)
}

fn composed(text: &str, form: UnicodeForm) -> Cow<'_, str> {
    let is_composed = match form {
        UnicodeForm::None => IsNormalized::Yes,
        UnicodeForm::Nfc => is_nfc_quick(text.chars()),
        UnicodeForm::Nfkc => is_nfkc_quick(text.chars()),
    };
    match form {
        _ if is_composed == IsNormalized::Yes => Cow::Borrowed(text),
        UnicodeForm::Nfkc => Cow::Owned(text.nfkc().collect()),
        UnicodeForm::None | UnicodeForm::Nfc => Cow::Owned(text.nfc().collect()),
    }
}

/// The ASCII form of a full-width character, if `policy` says so, else the character.
fn narrow(c: char, policy: FullWidth) -> char {
    let ascii = char::from_u32(c as u32 - 0xfee0).unwrap_or(c);
    let replace = match policy {
        FullWidth::Keep => false,
        FullWidth::Alphanumeric => ascii.is_ascii_alphanumeric(),
        FullWidth::Ascii => true,
    };
    if replace { ascii } else { c }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_policy_does_what_it_says() {
        let text = "e\u{301}\u{feff}a\u{200d}b\u{1}\u{b}x\u{2028}y\rz\u{3000}Ａ１，ﬁ\u{a0}.";
        assert_eq!(normalize_characters(text), "éa\u{200d}b\nx\ny\nz\u{3000}Ａ１，ﬁ .");
        let with = |config| NormalizeCharacters::new(config).normalize(text);
        let keep = NormalizeConfig {
            form: UnicodeForm::None,
            line_separators: Replacement::Keep,
            control_characters: Removal::Keep,
            zero_width: Removal::Keep,
            spaces: Replacement::Keep,
            ..NormalizeConfig::default()
        };
        assert_eq!(with(keep), text);
        let narrow = |full_width| with(NormalizeConfig { full_width, ..NormalizeConfig::default() });
        assert!(narrow(FullWidth::Alphanumeric).ends_with("z\u{3000}A1，ﬁ ."));
        assert!(narrow(FullWidth::Ascii).ends_with("z A1,ﬁ ."));
        let nfkc = NormalizeConfig { form: UnicodeForm::Nfkc, ..NormalizeConfig::default() };
        assert!(with(nfkc).ends_with("z A1,fi ."));
    }

    #[test]
    fn empty_lines_are_limited() {
        let lines = |max_empty_lines| {
            let config = NormalizeConfig { max_empty_lines, ..NormalizeConfig::default() };
            NormalizeCharacters::new(config).normalize("\n\na \n\n\n\n b\n\n")
        };
        assert_eq!((lines(0), lines(2)), ("a\n b".to_owned(), "a\n\n\n b".to_owned()));
    }

    proptest! {
        #[test]
        fn twice_is_once(text in "\\PC*|[a\u{301}\r\n \u{a0}\u{85}\u{feff}Ａ]*") {
            let once = normalize_characters(&text);
            prop_assert_eq!(normalize_characters(&once), once);
        }
    }
}
