//! Lines, white space, letters and digits as Python sees them: datatrove's decisions depend on Python's definitions.

use unicode_normalization::char::is_combining_mark;

/// White space of `str.strip()` and `str.split()`: Unicode's, and the separators FS, GS, RS and US.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.strip()`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.split()`.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|part| !part.is_empty())
}

/// `str.splitlines()`: splits at LF, CR, CRLF, VT, FF, FS, GS, RS, NEL, LS and PS; no empty line at the end.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, after) = line_end(rest).map_or((rest, ""), |(end, next)| (&rest[..end], &rest[next..]));
        rest = after;
        Some(line)
    })
}

/// Where the first line of `text` ends and the next one starts, in bytes.
fn line_end(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let width = match bytes[at] {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
            b'\n' | b'\r' | 0x0b | 0x0c | 0x1c..=0x1e => 1,
            // NEL, LS and PS.
            0xc2 if bytes.get(at + 1) == Some(&0x85) => 2,
            0xe2 if bytes[at + 1..].starts_with(&[0x80, 0xa8])
                || bytes[at + 1..].starts_with(&[0x80, 0xa9]) =>
            {
                3
            }
            _ => 0,
        };
        if width > 0 {
            return Some((at, at + width));
        }
        at += 1;
    }
    None
}

/// `str.isalpha()` of one character: the general categories `L*`. Rust's alphabetic characters are these and
/// marks, letter-like numbers and circled letters.
pub(super) fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    c.is_alphabetic()
        && !is_combining_mark(c)
        && !matches!(c,
            '\u{16ee}'..='\u{16f0}' | '\u{2160}'..='\u{2182}' | '\u{2185}'..='\u{2188}' | '\u{24b6}'..='\u{24e9}'
            | '\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3038}'..='\u{303a}' | '\u{a6e6}'..='\u{a6ef}'
            | '\u{10140}'..='\u{10174}' | '\u{10341}' | '\u{1034a}' | '\u{103d1}'..='\u{103d5}'
            | '\u{12400}'..='\u{1246e}' | '\u{1f130}'..='\u{1f149}' | '\u{1f150}'..='\u{1f169}'
            | '\u{1f170}'..='\u{1f189}')
}

/// Whether `c` is part of a word for `\w`.
pub(super) fn is_word(c: char) -> bool {
    c == '_' || is_letter(c) || c.is_numeric()
}

/// `\d`: the decimal digits of all scripts, general category `Nd`.
pub(super) fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    let before = ZEROS.partition_point(|zero| *zero <= c as u32);
    before > 0 && c as u32 - ZEROS[before - 1] < 10
}

/// The digit zero of every script (Unicode 14).
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950,
    0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6,
    0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_split_like_splitlines() {
        let text = "a\nb\rc\r\nd\u{b}e\u{c}f\u{1c}g\u{1d}h\u{1e}i\u{85}j\u{2028}k\u{2029}l\u{1f}m\n\n";
        let found: Vec<&str> = lines(text).collect();
        assert_eq!(found, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l\u{1f}m", ""]);
        assert_eq!(lines("").count(), 0);
        assert_eq!(lines("\n").collect::<Vec<_>>(), [""]);
        assert_eq!(lines("â€\u{e2}").collect::<Vec<_>>(), ["â€\u{e2}"]);
    }

    #[test]
    fn letters_and_digits_are_pythons() {
        assert!("aé漢あ한ªʰǅ".chars().all(is_letter));
        assert!("1_ⅣⒶ〇\u{301}\u{903}½".chars().all(|c| !is_letter(c)));
        assert!("09٣９७𝟘".chars().all(is_digit));
        assert!("a²½Ⅳ一/:".chars().all(|c| !is_digit(c)));
        assert_eq!(split(" a\u{1c}b\u{a0}\u{3000}c ").collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(strip("\u{1f} a \u{85}"), "a");
    }
}
