//! Tasks with a text as the answer: ROUGE-L of words (1-1, 2-7, 3-2 and 3-8) and F1 of letters (2-5, 2-6 and 2-10).

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use regex::Regex;

use super::grade::{Grade, Graded, unexpected};
use crate::score::text::jieba;
use crate::score::text::rouge_words::chinese;
use crate::score::text::words::{built_in, is_space};

/// What stands for an empty answer.
const NOTHING: &str = "无内容";

/// The entities of task 2-6.
const ENTITIES: [&str; 10] = [
    "犯罪嫌疑人",
    "受害人",
    "被盗货币",
    "物品价值",
    "盗窃获利",
    "被盗物品",
    "作案工具",
    "时间",
    "地点",
    "组织机构",
];

/// Letters and digits of Python's `isalpha` and `isdigit`.
static WORD_LETTER: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"[\p{L}\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒]"));

/// Tasks 2-7, 3-2 and 3-8: ROUGE-L of the words that jieba finds.
pub(super) fn rouge(prediction: &str, reference: &str) -> Graded {
    let words = jieba::spaced(prediction);
    let words = if words.chars().all(is_space) { NOTHING.to_owned() } else { words };
    let measures = chinese(&words, &jieba::spaced(reference));
    let measures = measures.ok_or_else(|| unexpected(reference, "a text"))?;
    Ok(Some(Grade::share(measures.rouge_l)))
}

/// Task 1-1, the text of an article: the same without the mark in front of the expected answer.
pub(super) fn article_text(prediction: &str, reference: &str) -> Graded {
    rouge(prediction, &reference.replace("答案:", ""))
}

/// Task 2-5, questions about a text: F1 of letters.
pub(super) fn reading(prediction: &str, reference: &str) -> Graded {
    Ok(Some(Grade::share(letter_f1(&reference.replace("回答:", ""), prediction))))
}

/// Task 2-10, trigger words: F1 over pairs of words in their order.
pub(super) fn triggers(prediction: &str, reference: &str) -> Graded {
    let expected: Vec<&str> = reference.split(';').collect();
    let found: Vec<&str> = prediction.split(';').collect();
    let hits: f64 = expected.iter().zip(&found).map(|(one, other)| letter_f1(one, other)).sum();
    Ok(Some(Grade::share(smoothed_f1(hits, found.len(), expected.len()))))
}

/// Task 2-6, entities of a text: `时间:...;地点:...`.
pub(super) fn entities(prediction: &str, reference: &str) -> Graded {
    let expected = expected_entities(reference)?;
    let found = found_entities(prediction);
    if expected.is_empty() {
        return Ok(Some(Grade::share(f64::from(u8::from(found.is_empty())))));
    }
    let both = found.iter().filter_map(|(kind, text)| Some(letter_f1(expected.get(kind)?, text)));
    let score = smoothed_f1(both.sum(), found.len(), expected.len());
    Ok(Some(Grade::share(score).abstained(found.is_empty())))
}

fn expected_entities(reference: &str) -> Result<BTreeMap<&str, &str>, String> {
    let mut entities = BTreeMap::new();
    if reference.chars().all(is_space) {
        return Ok(entities);
    }
    for part in reference.split(';') {
        let mut words = part.split(':');
        let (Some(kind), Some(text)) = (words.next(), words.next()) else {
            return Err(unexpected(reference, "parts of the form `kind:text`"));
        };
        entities.insert(kind, text);
    }
    Ok(entities)
}

/// The text after the last mention of each kind of entity that a colon follows.
fn found_entities(prediction: &str) -> BTreeMap<&'static str, &str> {
    let mut entities = BTreeMap::new();
    for kind in ENTITIES {
        for (place, _) in prediction.match_indices(kind) {
            let rest = &prediction[place + kind.len()..];
            // The last two letters are not looked at.
            if rest.chars().nth(2).is_none() {
                continue;
            }
            let Some(text) = rest.strip_prefix([':', '：']) else { continue };
            let text = text.trim_matches(is_space).split(['\n', ' ']).next().unwrap_or_default();
            let text = text.trim_matches(is_space);
            if text != "无" && text != "未提及" {
                entities.insert(kind, text);
            }
        }
    }
    entities
}

fn smoothed_f1(hits: f64, found: usize, expected: usize) -> f64 {
    let share = |count: usize| if count == 0 { 0.0 } else { hits / count as f64 };
    let (precision, recall) = (share(found), share(expected));
    2.0 * precision * recall / (precision + recall + 1e-10)
}

/// The F1 of letters and digits; without any on one side it is 1 if both sides have none.
fn letter_f1(expected: &str, found: &str) -> f64 {
    let (expected, found) = (letters(expected), letters(found));
    if expected.is_empty() || found.is_empty() {
        return f64::from(u8::from(expected.is_empty() && found.is_empty()));
    }
    let mut counts: HashMap<char, usize> = HashMap::new();
    for letter in &expected {
        *counts.entry(*letter).or_default() += 1;
    }
    let mut same = 0_usize;
    for letter in &found {
        if let Some(count) = counts.get_mut(letter).filter(|count| **count > 0) {
            *count -= 1;
            same += 1;
        }
    }
    if same == 0 {
        return 0.0;
    }
    let precision = same as f64 / found.len() as f64;
    let recall = same as f64 / expected.len() as f64;
    (2.0 * precision * recall) / (precision + recall)
}

fn letters(text: &str) -> Vec<char> {
    let lower = text.to_lowercase();
    let found = WORD_LETTER.find_iter(&lower);
    found.filter_map(|letter| letter.as_str().chars().next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(graded: Graded) -> f64 {
        graded.expect("a fitting answer").expect("a graded item").score
    }

    #[test]
    fn letters_are_compared_without_punctuation() {
        assert!((score(reading("被告，A公司", "回答:a公司")) - 0.75).abs() < 1e-12);
        assert!((score(reading("。", "回答:")) - 1.0).abs() < 1e-12);
        assert!((score(reading("", "回答:甲")) - 0.0).abs() < 1e-12);
    }

    #[test]
    fn entities_are_read_after_their_colons() {
        let answer = "时间：昨天 晚上\n地点:无\n受害人：张三先生";
        assert_eq!(found_entities(answer), BTreeMap::from([("时间", "昨天"), ("受害人", "张三先生")]));
        assert!((score(entities(answer, "时间:昨天;受害人:张三先生")) - 1.0).abs() < 1e-9);
        assert!(entities("", "时间:昨天").expect("a reference").expect("graded").abstained);
        assert!(entities("", "昨天").is_err());
        assert!((score(entities("没有", " ")) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_empty_answer_is_a_placeholder_and_an_empty_reference_an_error() {
        assert!(score(rouge(" ", "农民专业合作社")).abs() < 1e-12);
        assert!((score(article_text("理事长一名", "答案:理事长一名")) - 1.0).abs() < 1e-6);
        assert!(rouge("甲", "").is_err());
        assert!((score(triggers("偷;抢", "偷;骗")) - 0.5).abs() < 1e-9);
    }
}
