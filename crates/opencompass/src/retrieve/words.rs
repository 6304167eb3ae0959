//! English text -> words, as NLTK's `word_tokenize` splits it (`NLTKWordTokenizer`, Apache-2.0).
//!
//! NLTK first finds sentences with a trained model (Punkt), because only the full stop at the end of a sentence is a word
//! of its own. Its model is not part of this crate: a sentence ends here at `.`, `!` or `?` before white space, unless a
//! small letter follows or the word is an abbreviation.

use std::sync::LazyLock;

use regex::Regex;

/// Words whose full stop does not end a sentence.
const ABBREVIATIONS: [&str; 24] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "e.g", "i.e", "u.s", "u.k", "p.m", "fig",
    "inc", "ltd", "co", "corp", "gen", "sen", "rep", "a.m",
];

/// A pattern with what takes its place.
type Rule = (Regex, &'static str);

fn rules(rules: &[(&str, &'static str)]) -> Vec<Rule> {
    let rule = |(pattern, place): &(&str, &'static str)| {
        (Regex::new(pattern).expect("the patterns of this file are valid"), *place)
    };
    rules.iter().map(rule).collect()
}

/// Quotes that open, before the apostrophes.
static OPENING: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    rules(&[
        (r"([«“‘„]|`+)", " ${1} "),
        (r#"^""#, "``"),
        (r"(``)", " ${1} "),
        (r#"([ (\[{<])("|'{2})"#, "${1} `` "),
    ])
});

/// Punctuation, brackets, dashes and quotes that close.
static MIDDLE: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    rules(&[
        (r#"([^.])(\.)([\])}>"'»”’ ]*)\s*$"#, "${1} ${2} ${3} "),
        (r"([:,])([^\d])", " ${1} ${2}"),
        (r"([:,])$", " ${1} "),
        (r"\.{2,}", " ${0} "),
        (r"[;@#$%&]", " ${0} "),
        (r"[\u{2012}-\u{2015}]", " ${0} "),
        (r#"([^.])(\.)([\])}>"']*)\s*$"#, "${1} ${2}${3} "),
        (r"[?!]", " ${0} "),
        (r"([^'])' ", "${1} ' "),
        (r"[*]", " ${0} "),
        (r"[\]\[(){}<>]", " ${0} "),
        (r"--", " -- "),
    ])
});

/// Quotes that close and contractions, after a space was added at both ends.
static CLOSING: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    rules(&[
        (r"([»”’])", " ${1} "),
        (r"''", " '' "),
        (r#"""#, " '' "),
        (r"\s+", " "),
        (r"([^' ])('[sS]|'[mM]|'[dD]|') ", "${1} ${2} "),
        (r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "${1} ${2} "),
        (r"(?i)\b(can)(not)\b", " ${1} ${2} "),
        (r"(?i)\b(d)('ye)\b", " ${1} ${2} "),
        (r"(?i)\b(gim)(me)\b", " ${1} ${2} "),
        (r"(?i)\b(gon)(na)\b", " ${1} ${2} "),
        (r"(?i)\b(got)(ta)\b", " ${1} ${2} "),
        (r"(?i)\b(lem)(me)\b", " ${1} ${2} "),
        (r"(?i)\b(more)('n)\b", " ${1} ${2} "),
        (r"(?i)\b(wan)(na)(\s)", " ${1} ${2} ${3}"),
        (r"(?i) ('t)(is)\b", " ${1} ${2} "),
        (r"(?i) ('t)(was)\b", " ${1} ${2} "),
    ])
});

/// Splits a text into words and punctuation.
///
/// ```
/// use opencompass::retrieve::word_tokenize;
/// assert_eq!(word_tokenize("I can't go."), ["I", "ca", "n't", "go", "."]);
/// ```
#[must_use]
pub fn word_tokenize(text: &str) -> Vec<String> {
    sentences(text).into_iter().flat_map(words).collect()
}

/// The words of one sentence.
fn words(sentence: &str) -> Vec<String> {
    let text = replaced(sentence.to_owned(), &OPENING);
    let text = replaced(apart(&text), &MIDDLE);
    let text = replaced(format!(" {text} "), &CLOSING);
    text.split_whitespace().map(str::to_owned).collect()
}

fn replaced(text: String, rules: &[Rule]) -> String {
    rules.iter().fold(text, |text, (pattern, place)| pattern.replace_all(&text, *place).into_owned())
}

/// Adds a space after an apostrophe that comes before a word, unless both are a contraction.
fn apart(text: &str) -> String {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut result = String::with_capacity(text.len());
    let mut last = None;
    for (place, letter) in text.char_indices() {
        result.push(letter);
        if letter == '\'' && !last.is_some_and(is_word) {
            let rest = &text[place + 1..];
            let end = rest.find(|letter: char| !is_word(letter)).unwrap_or(rest.len());
            let word = rest[..end].to_lowercase();
            let contracted = ["re", "ve", "ll", "m", "t", "s", "d", "n"].contains(&word.as_str());
            if !word.is_empty() && !contracted {
                result.push(' ');
            }
        }
        last = Some(letter);
    }
    result
}

/// Splits a text into sentences.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let ends = |place: usize, mark: char| {
        let after = &text[place + mark.len_utf8()..];
        // Closing quotes and brackets belong to the sentence.
        let closing = after.len() - after.trim_start_matches(['"', '\'', ')', ']', '”', '’']).len();
        let rest = &after[closing..];
        let follows = rest.trim_start();
        let next = follows.chars().next();
        let word = text[..place].rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
        let short = mark == '.' && ABBREVIATIONS.contains(&word.trim_start_matches(['(', '"', '\'']));
        let cut = rest.len() > follows.len() && next.is_some_and(|next| !next.is_lowercase()) && !short;
        cut.then_some(place + mark.len_utf8() + closing)
    };
    for (place, mark) in text.char_indices() {
        if place >= start
            && matches!(mark, '.' | '!' | '?')
            && let Some(end) = ends(place, mark)
        {
            sentences.push(&text[start..end]);
            start = end;
        }
    }
    sentences.push(&text[start..]);
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_nltk() {
        for (text, expected) in [
            (
                "He said, \"It's $3.50 (roughly)!\" -- and left.",
                "He said , `` It 's $ 3.50 ( roughly ) ! '' -- and left .",
            ),
            (
                "I can't, won't; y'all gonna 'scape 'em in the '90s.",
                "I ca n't , wo n't ; y'all gon na ' scape ' em in the ' 90s .",
            ),
            ("Don''t ``quote'' me... ok?", "Don '' t `` quote '' me ... ok ?"),
            ("'tis the dogs' day, isn't it?", "' tis the dogs ' day , is n't it ?"),
            ("你好，世界。 “Hi” ‘a’ «b»", "你好，世界。 “ Hi ” ‘ a ’ « b »"),
            ("cannot wanna go gimme lemme d'ye more'n", "can not wan na go gim me lem me d 'ye more 'n"),
            ("a*b @home #1 – dash — x", "a * b @ home # 1 – dash — x"),
        ] {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
        assert!(word_tokenize("  \n").is_empty());
    }

    #[test]
    fn every_sentence_gives_up_its_full_stop() {
        let text = "Dr. Who came. He left at 3.15 p.m. sharp! (Really.) Yes";
        assert_eq!(
            word_tokenize(text).join(" "),
            "Dr. Who came . He left at 3.15 p.m. sharp ! ( Really . ) Yes"
        );
    }
}
