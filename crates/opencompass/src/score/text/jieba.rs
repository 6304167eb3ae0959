//! Chinese words: `jieba.cut` of Python's jieba 0.42.1.
//!
//! The dictionary, the route through it and the hidden Markov model are those of the crate `jieba-rs`. What it takes for
//! a block and how it divides letters and digits has changed between its versions, so both are done here by the rules of
//! the Python package.

use std::sync::LazyLock;

use jieba_rs::Jieba;
use regex::Regex;

use super::words::{built_in, normalize_chinese};

/// Loaded on first use, which takes about 0.1 s.
static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);
static BLOCK: LazyLock<Regex> = LazyLock::new(|| built_in(r"[\x{4E00}-\x{9FD5}a-zA-Z0-9+#&._%\-]+"));
static ALPHANUMERIC: LazyLock<Regex> = LazyLock::new(|| built_in(r"[a-zA-Z0-9]+(?:\.\d+)?%?"));

/// The words of the dictionary that are ASCII. All other ASCII letters reach the model one by one.
const ASCII_WORDS: [&str; 5] = ["AT&T", "c#", "C#", "c++", "C++"];

/// Divides a text into words. White space and punctuation are words of one letter each.
pub(in crate::score) fn cut(text: &str) -> Vec<&str> {
    let mut found = Vec::with_capacity(text.len() / 4 + 1);
    let mut end = 0;
    for block in BLOCK.find_iter(text) {
        letters(&text[end..block.start()], &mut found);
        dictionary_words(block.as_str(), &mut found);
        end = block.end();
    }
    letters(&text[end..], &mut found);
    found
}

/// The words with one space between them: what the ROUGE packages read.
pub(in crate::score) fn spaced(text: &str) -> String {
    cut(text).join(" ")
}

/// The words of a Chinese answer in normal form, without the empty ones.
pub(in crate::score) fn normal_words(text: &str) -> Vec<String> {
    let words = cut(text).into_iter().map(normalize_chinese);
    words.filter(|word| !word.is_empty()).collect()
}

/// What is not a block: letter by letter, only `\r\n` stays together.
fn letters<'a>(text: &'a str, found: &mut Vec<&'a str>) {
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = if rest.starts_with("\r\n") { 2 } else { letter.len_utf8() };
        let (word, after) = rest.split_at(length);
        found.push(word);
        rest = after;
    }
}

fn dictionary_words<'a>(block: &'a str, found: &mut Vec<&'a str>) {
    let mut at = 0;
    // Start of a run of ASCII letters that are not words of the dictionary.
    let mut run = 0;
    for token in JIEBA.cut(block, true) {
        let end = at + token.word.len();
        if !token.word.is_ascii() || ASCII_WORDS.contains(&token.word) {
            ascii_words(&block[run..at], found);
            found.push(&block[at..end]);
            run = end;
        }
        at = end;
    }
    ascii_words(&block[run..], found);
}

/// Numbers, words and what is between them.
fn ascii_words<'a>(run: &'a str, found: &mut Vec<&'a str>) {
    let mut end = 0;
    for word in ALPHANUMERIC.find_iter(run) {
        found.extend(Some(&run[end..word.start()]).filter(|gap| !gap.is_empty()));
        found.push(word.as_str());
        end = word.end();
    }
    found.extend(Some(&run[end..]).filter(|gap| !gap.is_empty()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_those_of_the_python_package() {
        for (text, words) in [
            ("我来到北京清华大学", vec!["我", "来到", "北京", "清华大学"]),
            ("他来到了网易杭研大厦", vec!["他", "来到", "了", "网易", "杭研", "大厦"]),
            ("C++ 3.5%，a-5.b", vec!["C++", " ", "3.5%", "，", "a", "-", "5", ".", "b"]),
            ("\r\n 好", vec!["\r\n", " ", "好"]),
            ("", vec![]),
        ] {
            assert_eq!(cut(text), words, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[一-丠a-c0-9.%+ \r\n，]{0,30}") {
            prop_assert_eq!(cut(&text).concat(), text);
        }
    }
}
