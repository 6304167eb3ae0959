//! The stage `normalize`: Unicode NFC, control and zero-width characters out, line ends to `\n`, runs of
//! empty lines to one, trailing white space off. WanJuan-CC normalizes before it filters (arXiv 2402.19282).

use unicode_normalization::UnicodeNormalization;

use crate::{Document, Reason, Stage, Verdict};

/// The stage.
#[derive(Clone, Copy, Debug, Default)]
pub struct NormalizeCharacters;

impl Stage for NormalizeCharacters {
    fn name(&self) -> &'static str {
        "normalize"
    }

    fn apply(&self, mut document: Document) -> Verdict {
        document.content = normalize_characters(&document.content);
        if document.content.is_empty() {
            return Verdict::drop(document, Reason::new("empty"));
        }
        Verdict::Keep(document)
    }
}

/// Normalizes a text; indentation stays as it is.
///
/// ```
/// use wanjuan_data::normalize::normalize_characters;
///
/// assert_eq!(normalize_characters("a\u{200b}b \r\n\r\n\r\n\r\n  c\u{a0}d\n"), "ab\n\n  c d");
/// ```
#[must_use]
pub fn normalize_characters(text: &str) -> String {
    let composed: String = text.replace("\r\n", "\n").nfc().filter_map(clean).collect();
    let mut out = String::with_capacity(composed.len());
    let mut empty_lines = 0;
    for line in composed.split('\n').map(str::trim_end) {
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty_lines > 0 { "\n\n" } else { "\n" });
        }
        out.push_str(line);
        empty_lines = 0;
    }
    out
}

/// The character that stands for `c`, if any.
fn clean(c: char) -> Option<char> {
    match c {
        '\n' | '\t' => Some(c),
        '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        // Spaces of other widths.
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => Some(' '),
        // Zero width, soft hyphen, direction marks, byte order mark.
        '\u{ad}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => None,
        _ if c.is_control() => None,
        _ => Some(c),
    }
}
