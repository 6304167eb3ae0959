//! Texts as sequences of normal tokens, and the hashes of their n-grams.

/// Number of tokens of an n-gram.
pub const GRAM: usize = 13;

/// Cuts a text into normal tokens: words in lower case without punctuation; every character of Chinese, Japanese and
/// Korean is a token of its own.
///
/// ```
/// assert_eq!(opencompass::contamination::tokens("It's 9 o'clock, 好的!"), ["its", "9", "oclock", "好", "的"]);
/// ```
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        if is_ideographic(character) {
            if !word.is_empty() {
                tokens.push(std::mem::take(&mut word));
            }
            tokens.push(character.to_string());
        } else if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        } else if character.is_whitespace() && !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}

/// Says whether a character is written without spaces around it.
fn is_ideographic(character: char) -> bool {
    matches!(character,
        '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Returns the hash of every n-gram, in order; none if there are fewer than [`GRAM`] tokens. The hash is FNV-1a of 64
/// bits over the tokens, each followed by a zero byte.
#[must_use]
pub fn grams(tokens: &[String]) -> Vec<u64> {
    tokens.windows(GRAM).map(hash).collect()
}

fn hash(tokens: &[String]) -> u64 {
    let bytes = tokens.iter().flat_map(|token| token.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_same_everywhere() {
        // FNV-1a of "a\0", written again in Python.
        assert_eq!(hash(&["a".to_owned()]), 0x089b_e207_b544_f1e4);
        let words = |count: usize| tokens(&"word ".repeat(count));
        assert_eq!((grams(&words(12)).len(), grams(&words(13)).len(), grams(&words(20)).len()), (0, 1, 8));
    }

    #[test]
    fn case_punctuation_and_spaces_change_nothing() {
        let text = "The quick, brown fox -- jumps over the lazy dog; and then it sleeps for hours.";
        let other = "the QUICK brown\nfox jumps over the lazy dog and  then it sleeps for hours";
        assert_eq!(grams(&tokens(text)), grams(&tokens(other)));
        assert_eq!(grams(&tokens(text)).len(), 3);
    }
}
