//! Text of others on a terminal: what a model, a page or a program wrote must not command the terminal.
//!
//! A terminal takes control characters as commands: set the title, write the clipboard, move over lines that were
//! shown before. They are written in caret notation (`^[` for escape), as `cat -v` and git do.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

/// `text` as a terminal may show it: control characters other than line breaks and tabs become text, and so do the
/// characters that turn the direction of writing.
///
/// ```
/// use internlm_kit::visible::visible;
///
/// assert_eq!(visible("title: \u{1b}]0;owned\u{7}"), "title: ^[]0;owned^G");
/// assert_eq!(visible("two\nlines"), "two\nlines");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_command) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // The line break of other systems.
            '\r' if characters.peek() == Some(&'\n') => {}
            // The caret stands for the character 64 places further on, or before for the last one of ASCII.
            '\0'..='\u{7f}' if is_command(character) => {
                shown.extend(['^', char::from(character as u8 ^ 0x40)]);
            }
            _ if is_command(character) => {
                shown.push_str(&format!("<U+{:04X}>", u32::from(character)));
            }
            _ => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// `text` as it goes to `stream`: [`visible`] on a terminal, unchanged into a file or a pipe.
#[must_use]
pub fn visible_on<'t>(text: &'t str, stream: &impl IsTerminal) -> Cow<'t, str> {
    if stream.is_terminal() { visible(text) } else { Cow::Borrowed(text) }
}

/// Writes bytes as a terminal may show them; text may be cut anywhere between two calls.
///
/// # Errors
/// What `writer` says.
pub(crate) fn write_visible(bytes: &[u8], writer: &mut impl Write) -> io::Result<()> {
    for chunk in bytes.utf8_chunks() {
        writer.write_all(visible(chunk.valid()).as_bytes())?;
        // Parts of a character that continues in the next write, or no text at all; a terminal obeys neither.
        writer.write_all(chunk.invalid())?;
    }
    Ok(())
}

/// Controls of ASCII and of Latin-1, but not line breaks and tabs, and what embeds, overrides or isolates a
/// direction (Unicode Standard Annex 9).
fn is_command(character: char) -> bool {
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || character.is_control() && !matches!(character, '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_become_text_as_cat_v_writes_them() {
        for (text, expected) in [
            ("hello \u{1b}]0;owned\u{7}\u{1b}[31mred", "hello ^[]0;owned^G^[[31mred"),
            ("a\0b\u{7f}c", "a^@b^?c"),
            ("100 %\r99 %", "100 %^M99 %"),
            ("\u{9b}31m", "<U+009B>31m"),
            ("abc\u{202e}cba\u{2066}", "abc<U+202E>cba<U+2066>"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn ordinary_text_is_not_copied() {
        for text in ["", "a\n\tb", "Größe 大小 \u{1f600} e\u{301} \u{200d}\u{200f}"] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        assert_eq!(visible("a\r\nb\r\n"), "a\nb\n");
    }

    #[test]
    fn only_a_terminal_is_protected() {
        let pipe = std::io::pipe().expect("the system makes pipes").1;
        assert_eq!(visible_on("\u{1b}[2J", &std::os::fd::OwnedFd::from(pipe)), "\u{1b}[2J");
    }

    proptest! {
        #[test]
        fn nothing_shown_commands_and_showing_twice_changes_nothing(text in any::<String>()) {
            let shown = visible(&text).into_owned();
            prop_assert!(!shown.chars().any(is_command));
            prop_assert_eq!(visible(&shown), shown.as_str());
        }
    }
}
