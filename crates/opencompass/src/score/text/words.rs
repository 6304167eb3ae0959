//! Words of answers: normal forms, and the F1 of two bags of words.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

/// Python's `string.punctuation`.
pub(in crate::score) const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// The further punctuation that LongBench removes from Chinese words (Apache-2.0); the space is part of it.
const CHINESE_PUNCTUATION: &str = "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀ ｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏.";

static ARTICLES: LazyLock<Regex> = LazyLock::new(|| built_in(r"\b(a|an|the)\b"));

/// Compiles a pattern that is part of the source.
pub(in crate::score) fn built_in(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that compiles")
}

/// Says whether Python's `str.split` and `str.isspace` take the letter for white space. It also takes the four
/// separators of ASCII, which Unicode's property leaves out.
pub(in crate::score) fn is_space(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

/// The words between white space: `text.split()` of Python.
pub(in crate::score) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// The words with one space between them: `" ".join(text.split())`.
pub(in crate::score) fn single_spaced(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for word in words(text) {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    joined
}

/// The normal form of English answers of SQuAD and its followers: lower case without punctuation, articles and
/// further white space.
pub(in crate::score) fn normalize_answer(text: &str) -> String {
    let lower = text.to_lowercase();
    let plain: String = lower.chars().filter(|letter| !PUNCTUATION.contains(*letter)).collect();
    single_spaced(&ARTICLES.replace_all(&plain, " "))
}

/// The words of an English answer in normal form.
pub(in crate::score) fn answer_words(text: &str) -> Vec<String> {
    words(&normalize_answer(text)).map(str::to_owned).collect()
}

/// The normal form of one Chinese word: lower case without punctuation and white space; possibly empty.
pub(in crate::score) fn normalize_chinese(word: &str) -> String {
    let kept = |letter: &char| {
        !is_space(*letter) && !PUNCTUATION.contains(*letter) && !CHINESE_PUNCTUATION.contains(*letter)
    };
    word.to_lowercase().chars().filter(kept).collect()
}

/// How often each word occurs.
pub(in crate::score) fn counts<T: AsRef<str>>(words: &[T]) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for word in words {
        *counts.entry(word.as_ref()).or_default() += 1;
    }
    counts
}

/// The number of words that two bags have in common, counted as often as both have them. Only words that `counted`
/// accepts are looked at.
pub(in crate::score) fn shared<T: AsRef<str>>(
    one: &[T],
    other: &[T],
    counted: impl Fn(&str) -> bool,
) -> usize {
    let other = counts(other);
    let common = counts(one).into_iter().filter(|(word, _)| counted(word));
    common.map(|(word, count)| count.min(other.get(word).copied().unwrap_or(0))).sum()
}

/// The F1 of two bags of words, from 0 to 1; 0 if they have nothing in common.
pub(in crate::score) fn f1<T: AsRef<str>>(prediction: &[T], reference: &[T]) -> f64 {
    let same = shared(prediction, reference, |_| true);
    if same == 0 {
        return 0.0;
    }
    let precision = same as f64 / prediction.len() as f64;
    let recall = same as f64 / reference.len() as f64;
    (2.0 * precision * recall) / (precision + recall)
}

/// The largest of some scores from 0 upward; 0 of nothing.
pub(in crate::score) fn best(scores: impl Iterator<Item = f64>) -> f64 {
    scores.fold(0.0, f64::max)
}

/// Rounds to two decimals as Python's `round(value, 2)` does, from the exact value of the float.
pub(in crate::score) fn two_decimals(value: f64) -> f64 {
    format!("{value:.2}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_forms_keep_what_is_compared() {
        assert_eq!(normalize_answer("The  Cat's hat, an A-1!"), "cats hat a1");
        assert_eq!(normalize_chinese("“Ａ，b 股”。"), "ａb股");
        assert_eq!(words("a\u{1c}b \n c").collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(single_spaced("  a \t b "), "a b");
    }

    #[test]
    fn f1_counts_words_as_often_as_both_have_them() {
        let bag = |text: &'static str| words(text).collect::<Vec<_>>();
        assert_eq!(f1(&bag("a a b"), &bag("a b b")), 2.0 / 3.0);
        assert_eq!(f1(&bag(""), &bag("")), 0.0);
        assert_eq!(shared(&bag("a a b"), &bag("a a"), |word| word != "a"), 0);
    }

    #[test]
    fn rounding_is_pythons() {
        for (value, rounded) in [(66.666_666, 66.67), (2.675, 2.67), (0.125, 0.12), (100.0, 100.0)] {
            assert_eq!(two_decimals(value), rounded, "{value}");
        }
    }
}
