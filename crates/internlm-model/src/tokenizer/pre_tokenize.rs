//! GPT-2's split of text into words, with single digits: the pre-tokenizer of vocabularies we train.
//!
//! Equal to `Sequence[Digits(individual), ByteLevel(regex)]` of the `tokenizers` crate, but without its
//! look-ahead regex: a run of white space gives its last character to the word behind it by arithmetic.
//! The regex is that of GPT-2's `encoder.py`.

use std::sync::LazyLock;

use regex::Regex;

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+")
        .expect("the pattern is a constant that parses")
});

/// Calls `word` with every word of `text`, in order; joined they are `text`.
pub(super) fn words<'a>(text: &'a str, mut word: impl FnMut(&'a str)) {
    let mut rest = text;
    while let Some((digit, character)) = rest.char_indices().find(|(_, c)| c.is_numeric()) {
        segment(&rest[..digit], &mut word);
        let end = digit + character.len_utf8();
        word(&rest[digit..end]);
        rest = &rest[end..];
    }
    segment(rest, &mut word);
}

/// The words of a text without digits.
fn segment<'a>(text: &'a str, word: &mut impl FnMut(&'a str)) {
    let mut start = 0;
    while let Some(found) = WORD.find_at(text, start) {
        let mut end = found.end();
        // `\s+(?!\S)`: white space before a word leaves its last character to that word.
        if end < text.len() && found.as_str().chars().all(char::is_whitespace) {
            let last = found.as_str().chars().next_back().map_or(0, char::len_utf8);
            if end - last > start {
                end -= last;
            }
        }
        word(&text[start..end]);
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let mut found = Vec::new();
        words(text, |word| found.push(word));
        assert_eq!(found, expect);
    }

    #[test]
    fn words_keep_one_leading_space() {
        check("I'm  at\n\n  home.", &["I", "'m", " ", " at", "\n\n ", " home", "."]);
        check("a \n", &["a", " \n"]);
        check("x = 123 +4", &["x", " =", " ", "1", "2", "3", " +", "4"]);
        check("\tif", &["\t", "if"]);
        check("", &[]);
    }

    /// The reference: the `tokenizers` crate's own pre-tokenizers.
    fn reference(text: &str) -> Vec<String> {
        use tokenizers::pre_tokenizers::{byte_level::ByteLevel, digits::Digits};
        use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};
        let mut words = PreTokenizedString::from(text);
        Digits::new(true).pre_tokenize(&mut words).expect("splits digits");
        ByteLevel::new(false, true, true).pre_tokenize(&mut words).expect("splits words");
        let splits = words.get_splits(OffsetReferential::Original, OffsetType::Byte);
        splits.into_iter().map(|(_, (from, to), _)| text[from..to].to_owned()).collect()
    }

    proptest::proptest! {
        #[test]
        fn equals_the_tokenizers_crate(text in "[a-c' \\n\\t1٣é你ª\u{300}.\u{a0}srelvtdm-]{0,40}", any in ".{0,20}") {
            for text in [text, any] {
                let mut found = Vec::new();
                words(&text, |word| found.push(word.to_owned()));
                proptest::prop_assert_eq!(found, reference(&text));
            }
        }
    }
}
