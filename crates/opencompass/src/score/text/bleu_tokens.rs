//! The tokenizers of sacreBLEU 2: 13a, zh, intl, char and none.

use std::sync::LazyLock;

use regex::Regex;

use super::words::{built_in, is_space, single_spaced};

/// How a line is divided into words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tokenize {
    /// As mteval-v13a: the default.
    V13a,
    /// Chinese letters one by one, the rest as 13a.
    Chinese,
    /// At every sign of punctuation and every symbol of Unicode.
    International,
    /// Letter by letter.
    Letters,
    /// At white space.
    Spaces,
}

impl Tokenize {
    /// Finds the tokenizer by sacreBLEU's name. `None` for those that need a model: `flores200`, `flores101`, `spm`,
    /// `ja-mecab`, `ko-mecab`.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "13a" => Some(Self::V13a),
            "zh" => Some(Self::Chinese),
            "intl" => Some(Self::International),
            "char" => Some(Self::Letters),
            "none" => Some(Self::Spaces),
            _ => None,
        }
    }

    /// Puts one space between the words of a line.
    pub(super) fn apply(self, line: &str) -> String {
        let line = line.trim_end_matches(is_space);
        match self {
            Self::V13a => {
                let plain = line.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
                western(&format!(" {} ", without_entities(plain)))
            }
            Self::Chinese => western(&spaced_chinese(line.trim_matches(is_space))),
            Self::International => international(line),
            Self::Letters => {
                let letters: Vec<String> =
                    line.chars().filter(|letter| !is_space(*letter)).map(String::from).collect();
                letters.join(" ")
            }
            Self::Spaces => line.to_owned(),
        }
    }
}

fn without_entities(text: String) -> String {
    if !text.contains('&') {
        return text;
    }
    text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
}

static WESTERN: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    [
        (built_in(r"([{-~\[-` -&(-+:-@/])"), " ${1} "),
        (built_in(r"([^0-9])([.,])"), "${1} ${2} "),
        (built_in(r"([.,])([^0-9])"), " ${1} ${2}"),
        (built_in(r"([0-9])(-)"), "${1} ${2} "),
    ]
});

static INTERNATIONAL: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
    [
        (built_in(r"(\P{N})(\p{P})"), "${1} ${2} "),
        (built_in(r"(\p{P})(\P{N})"), " ${1} ${2}"),
        (built_in(r"(\p{S})"), " ${1} "),
    ]
});

fn western(line: &str) -> String {
    replaced(line, WESTERN.as_slice())
}

fn international(line: &str) -> String {
    replaced(line, INTERNATIONAL.as_slice())
}

fn replaced(line: &str, rules: &[(Regex, &str)]) -> String {
    let mut line = line.to_owned();
    for (pattern, replacement) in rules {
        line = pattern.replace_all(&line, *replacement).into_owned();
    }
    single_spaced(&line)
}

fn spaced_chinese(line: &str) -> String {
    let mut spaced = String::with_capacity(2 * line.len());
    for letter in line.chars() {
        if is_chinese(letter) {
            spaced.extend([' ', letter, ' ']);
        } else {
            spaced.push(letter);
        }
    }
    spaced
}

/// The ranges of sacreBLEU (Apache-2.0). Two of them should lie beyond U+FFFF but are written with four digits, which is
/// why everything from U+2001 to U+2A6D counts as Chinese.
fn is_chinese(letter: char) -> bool {
    matches!(letter,
        '\u{2001}'..='\u{2a6d}' | '\u{2e80}'..='\u{2fdf}' | '\u{2ff0}'..='\u{303f}' | '\u{3100}'..='\u{312f}'
        | '\u{31a0}'..='\u{31ef}' | '\u{3200}'..='\u{4db5}' | '\u{4e00}'..='\u{9fbb}' | '\u{f900}'..='\u{fa2d}'
        | '\u{fa30}'..='\u{fa6a}' | '\u{fa70}'..='\u{fad9}' | '\u{fe10}'..='\u{fe1f}' | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ffef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_sacrebleu() {
        for (name, line, words) in [
            (
                "13a",
                "Hello, world! It's 3.5-fold (a-b), &quot;x&quot; 1,000. A/B -\nend  ",
                "Hello , world ! It's 3.5 - fold ( a-b ) , \" x \" 1,000 . A / B end",
            ),
            ("zh", "你好，world！3.5%（a）。 ", "你 好 ， world ！ 3.5 % （ a ） 。"),
            ("char", "a b你", "a b 你"),
            ("none", " a  b ", " a  b"),
            ("13a", "It cost $5.00, i.e. \"ok\".", "It cost $ 5.00 , i . e . \" ok \" ."),
            ("intl", "Hello, «world»! 3.5$ a_b", "Hello , « world » ! 3.5 $ a _ b"),
        ] {
            assert_eq!(Tokenize::named(name).expect("a tokenizer").apply(line), words, "{name} {line:?}");
        }
        assert_eq!(Tokenize::named("flores200"), None);
    }
}
