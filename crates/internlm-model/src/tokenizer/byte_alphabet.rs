//! GPT-2's alphabet: every byte as one printable character, so that vocabularies are plain text.
//!
//! Printable Latin-1 bytes stand for themselves, the other 68 follow from U+0100 on
//! (`bytes_to_unicode` of GPT-2's `encoder.py`).

use std::sync::LazyLock;

/// Whether a byte is its own character.
fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff)
}

/// The character of every byte.
static CHARS: LazyLock<[char; 256]> = LazyLock::new(|| {
    let mut next = '\u{100}'..;
    std::array::from_fn(|byte| match u8::try_from(byte) {
        Ok(byte) if is_printable(byte) => char::from(byte),
        _ => next.next().expect("68 characters follow U+0100"),
    })
});

/// The character of `byte`.
pub(super) fn to_char(byte: u8) -> char {
    CHARS[usize::from(byte)]
}

/// The byte of a character of the alphabet.
pub(super) fn to_byte(character: char) -> Option<u8> {
    match u32::from(character) {
        code @ 0..=0xff => u8::try_from(code).ok().filter(|&byte| is_printable(byte)),
        code @ 0x100..=0x143 => (0..=255).filter(|&byte| !is_printable(byte)).nth(code as usize - 0x100),
        _ => None,
    }
}

/// The bytes that a vocabulary entry stands for; `None` when a character is outside of the alphabet.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(to_byte).collect()
}

/// A vocabulary entry that stands for `bytes`.
pub(super) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| to_char(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_bijection_with_the_published_corners() {
        assert_eq!((to_char(b' '), to_char(b'\n'), to_char(b'a'), to_char(0xad)), ('Ġ', 'Ċ', 'a', 'Ń'));
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes(&text(&all)), Some(all));
        assert_eq!(bytes("你"), None);
    }
}
