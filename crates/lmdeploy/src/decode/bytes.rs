//! The bytes of one vocabulary entry, whatever kind of vocabulary it comes from.

use internlm_model::tokenizer::Special;
use internlm_model::{TokenId, Tokenizer};

/// The bytes that `id` stands for; never empty for an id of the vocabulary.
///
/// Most entries are whole characters, and decoding gives them. The rest hold part of a character: `<0xE4>` in
/// SentencePiece vocabularies, characters of GPT-2's byte table in byte-level ones.
#[must_use]
pub fn token_bytes(tokenizer: &Tokenizer, id: TokenId) -> Vec<u8> {
    let text = tokenizer.decode(&[id], Special::Keep);
    let entry = tokenizer.token(id).unwrap_or_default();
    if !text.contains(char::REPLACEMENT_CHARACTER) && !text.is_empty() {
        // Decoding strips the space that starts a SentencePiece text; inside of a text it is there.
        let stripped = entry.starts_with('\u{2581}') && !text.starts_with(' ');
        return if stripped { format!(" {text}").into_bytes() } else { text.into_bytes() };
    }
    if let Some(byte) = sentencepiece_byte(&entry) {
        return vec![byte];
    }
    let bytes: Option<Vec<u8>> = entry.chars().map(byte_level).collect();
    match bytes {
        Some(bytes) if !bytes.is_empty() => bytes,
        _ if entry == "\u{2581}" => b" ".to_vec(),
        _ => entry.into_bytes(),
    }
}

/// `<0xE4>` -> 0xE4.
fn sentencepiece_byte(entry: &str) -> Option<u8> {
    let hex = entry.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(hex, 16).ok()
}

/// The inverse of GPT-2's `bytes_to_unicode`: printable Latin-1 stands for itself, the others follow from U+0100.
fn byte_level(character: char) -> Option<u8> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let code = u32::from(character);
    match u8::try_from(code) {
        Ok(byte) => Some(byte).filter(printable),
        Err(_) => (0..=255).filter(|byte| !printable(byte)).nth(code.checked_sub(256)? as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_table_is_a_bijection() {
        let all: Vec<u8> = (0..=0x143).filter_map(char::from_u32).filter_map(byte_level).collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..=255).collect::<Vec<u8>>());
        assert_eq!(byte_level('Ġ'), Some(b' '));
        assert_eq!(byte_level('Ċ'), Some(b'\n'));
    }

    #[test]
    fn sentencepiece_bytes_are_read() {
        assert_eq!(sentencepiece_byte("<0xE4>"), Some(0xe4));
        assert_eq!(sentencepiece_byte("<s>"), None);
    }
}
