//! The words of a text in any language: runs of letters and digits in lower case; characters of Chinese and Japanese,
//! which have no spaces between words, one by one.

use std::vec::IntoIter;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Maximum length of a word that is indexed, bytes.
const LONGEST: usize = 128;

/// The tokenizer of an index.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Words;

/// The words of one text, one after the other.
#[derive(Debug)]
pub(super) struct WordStream {
    words: IntoIter<Token>,
    word: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        WordStream { words: words(text).into_iter(), word: Token::default() }
    }
}

impl TokenStream for WordStream {
    fn advance(&mut self) -> bool {
        match self.words.next() {
            Some(word) => {
                self.word = word;
                true
            }
            None => false,
        }
    }

    fn token(&self) -> &Token {
        &self.word
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.word
    }
}

/// The words of a text with their places.
pub(super) fn words(text: &str) -> Vec<Token> {
    let mut words: Vec<Token> = Vec::new();
    let mut start: Option<usize> = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_single = is_single(character);
        if character.is_alphanumeric() && !is_single {
            start.get_or_insert(at);
            continue;
        }
        if let Some(start) = start.take() {
            push(&mut words, text, start, at);
        }
        if is_single {
            push(&mut words, text, at, at + character.len_utf8());
        }
    }
    words
}

fn push(words: &mut Vec<Token>, text: &str, start: usize, end: usize) {
    if end - start > LONGEST {
        return;
    }
    words.push(Token {
        offset_from: start,
        offset_to: end,
        position: words.len(),
        text: text[start..end].to_lowercase(),
        position_length: 1,
    });
}

/// Whether a character is a word of its own: ideographs and the syllables of Japanese.
pub(super) fn is_single(character: char) -> bool {
    matches!(u32::from(character), 0x3040..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_several_languages() {
        let found = words("It's GRÜN, 书生·浦语2号 ok");
        let texts: Vec<&str> = found.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["it", "s", "grün", "书", "生", "浦", "语", "2", "号", "ok"]);
        assert_eq!(found.last().map(|word| (word.offset_from, word.position)), Some((31, 9)));
        assert!(words(&"x".repeat(LONGEST + 1)).is_empty());
    }

    #[test]
    fn a_stream_gives_each_word_once() {
        let mut tokenizer = Words;
        let mut stream = tokenizer.token_stream("a b");
        let mut texts = Vec::new();
        while stream.advance() {
            texts.push(stream.token().text.clone());
        }
        assert_eq!(texts, ["a", "b"]);
    }
}
