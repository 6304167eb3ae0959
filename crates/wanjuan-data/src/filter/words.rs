//! Words and punctuation, as the rules count them.

use unicode_segmentation::UnicodeSegmentation;

/// The words of a text by Unicode's word boundaries (UAX 29), punctuation marks included, white space left
/// out: close to what spaCy's tokenizer gives datatrove for English. Each Chinese character is a word.
#[must_use]
pub fn words(text: &str) -> Vec<&str> {
    let mut found = Vec::with_capacity(text.len() / 5);
    for part in text.split_whitespace() {
        if part.is_ascii() {
            ascii_words(part, &mut found);
        } else {
            found.extend(part.split_word_bounds());
        }
    }
    found
}

/// UAX 29 for ASCII without white space, which most texts mostly are; needs no tables and is much faster.
fn ascii_words<'a>(part: &'a str, found: &mut Vec<&'a str>) {
    let bytes = part.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        at += 1;
        while is_word(bytes[start]) && at < bytes.len() {
            if is_word(bytes[at]) {
                at += 1;
            } else if at + 1 < bytes.len() && joins(bytes[at - 1], bytes[at], bytes[at + 1]) {
                at += 2;
            } else {
                break;
            }
        }
        found.push(&part[start..at]);
    }
}

/// Whether `mark` is part of a word or number: don't, 3.14, 1,000.
fn joins(before: u8, mark: u8, after: u8) -> bool {
    let letters = before.is_ascii_alphabetic() && after.is_ascii_alphabetic();
    let digits = before.is_ascii_digit() && after.is_ascii_digit();
    match mark {
        b'.' | b'\'' => letters || digits,
        b':' => letters,
        b',' | b';' => digits,
        _ => false,
    }
}

/// Whether `c` is punctuation: ASCII's, and the blocks of general, CJK and full-width punctuation.
#[must_use]
pub fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c,
            '¡' | '§' | '«' | '¶' | '·' | '»' | '¿'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{fe10}'..='\u{fe1f}'
            | '\u{fe30}'..='\u{fe6b}' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}'
            | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}')
}

/// Length in code points, as Python counts.
pub(super) fn length(text: &str) -> usize {
    text.chars().count()
}

/// Length of a word in code points, counted as the bytes that start a character.
pub(super) fn word_length(word: &str) -> usize {
    word.bytes().filter(|byte| *byte & 0xc0 != 0x80).count()
}

/// `part / whole`, 0 when there is nothing.
pub(super) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ascii_words_are_unicodes(text in "[ -~\n\t]*|[a-b0-1_.,;:' \r\n\u{b}\u{1}]*") {
            let unicode: Vec<&str> = text.split_word_bounds().filter(|word| !word.trim().is_empty()).collect();
            prop_assert_eq!(words(&text), unicode);
        }
    }

    #[test]
    fn chinese_characters_are_words() {
        assert_eq!(words("天气 don't é3.14，Ok"), ["天", "气", "don't", "é3.14", "，", "Ok"]);
    }
}
