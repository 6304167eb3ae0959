//! Removing the commands to the terminal with which IPython colors its tracebacks (ECMA-48).

/// The text without escape sequences.
pub(super) fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\u{1b}', Some('[')) => {
                letters.next();
                // Parameters end with a letter from `@` to `~`.
                while letters.next().is_some_and(|letter| !('@'..='~').contains(&letter)) {}
            }
            ('\u{1b}', Some(']')) => {
                // A title ends with BEL, or with ESC and a backslash.
                while let Some(letter) = letters.next() {
                    if letter == '\u{7}' || letter == '\u{1b}' && letters.next_if_eq(&'\\').is_some() {
                        break;
                    }
                }
            }
            ('\u{1b}', _) => {
                letters.next();
            }
            _ => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_and_titles_go_and_text_stays() {
        assert_eq!(without_escapes("\u{1b}[1;31mError\u{1b}[0m: ä\n"), "Error: ä\n");
        assert_eq!(without_escapes("a\u{1b}]0;title\u{7}b\u{1b}]0;x\u{1b}\\c"), "abc");
        assert_eq!(without_escapes("a\u{1b}"), "a");
        assert_eq!(without_escapes("\u{1b}[3"), "");
    }
}
