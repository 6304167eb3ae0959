//! Chinese numbers inside of a text become digits: `transform` of the Python package cn2an 0.5.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::numeral::value;
use crate::score::text::words::built_in;

const DIGITS: &str = "零〇一壹幺二贰两三叁四肆五伍六陆七柒八捌九玖貳兩參陸";
const UNITS: &str = "十拾百佰千仟万亿萬億";
/// Digits that are left as they are when they are alone and not in front of a measure word.
const FORMAL: &str = "壹贰貳叁參肆伍陆陸柒捌玖";
#[rustfmt::skip]
const MEASURES: [&str; 34] = [
    "斤", "克", "千克", "公斤", "吨", "米", "厘米", "毫米", "公里", "升", "毫升", "元", "角", "分", "个",
    "只", "条", "张", "块", "瓶", "杯", "份", "本", "辆", "台", "匹", "头", "位", "亩", "小时", "分钟",
    "秒", "天", "半",
];

static PATTERNS: LazyLock<Patterns> = LazyLock::new(Patterns::new);

/// The patterns of the package, applied in this order.
struct Patterns {
    date: Regex,
    in_date: Regex,
    fraction: Regex,
    percent: Regex,
    celsius: Regex,
    number: Regex,
}

impl Patterns {
    fn new() -> Self {
        let all = format!("[{DIGITS}{UNITS}]");
        let number = format!("负?(?:{all}+点)?{all}+");
        let smart = format!("-?(?:[0-9]+\\.)?[0-9]+[{UNITS}]+");
        Self {
            date: built_in(&format!("(?:(?:{smart}|{number})年)?(?:{all}+月)?(?:{all}+日)?")),
            in_date: built_in(&format!("{smart}|{number}")),
            fraction: built_in(&format!("{number}分之{number}")),
            percent: built_in(&format!("百分之({number})")),
            celsius: built_in(&format!("(零下)?({number})摄氏度")),
            number: built_in(&number),
        }
    }
}

/// Replaces Chinese numbers by digits: dates, fractions, percentages, degrees and all other numbers. What is not a number
/// stays as it is.
pub(super) fn chinese_to_arabic(text: &str) -> String {
    let patterns = &*PATTERNS;
    let text = halves(&text.replace('廿', "二十"));
    let text = replaced(&patterns.date, &text, |found| every_number(&patterns.in_date, &found[0]));
    let text = replaced(&patterns.fraction, &text, |found| fraction(&patterns.number, &found[0]));
    let text = replaced(&patterns.percent, &text, |found| Some(format!("{}%", value(&found[1])?)));
    let text = replaced(&patterns.celsius, &text, |found| {
        let sign = if found.get(1).is_some() { "-" } else { "" };
        Some(format!("{sign}{}℃", value(&found[2])?))
    });
    plain_numbers(&patterns.number, &text)
}

/// Applies a rule to all matches. A match for which it fails stays.
fn replaced(pattern: &Regex, text: &str, rule: impl Fn(&Captures<'_>) -> Option<String>) -> String {
    let rule = |found: &Captures<'_>| rule(found).unwrap_or_else(|| found[0].to_owned());
    pattern.replace_all(text, rule).into_owned()
}

/// Writes the half in front of a measure word as 0.5.
fn halves(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for (place, letter) in text.char_indices() {
        let after = &text[place + letter.len_utf8()..];
        if letter == '半' && starts_with_measure(after) {
            written.push_str("0.5");
        } else {
            written.push(letter);
        }
    }
    written
}

fn starts_with_measure(text: &str) -> bool {
    MEASURES.iter().any(|measure| text.starts_with(measure))
}

/// Replaces every number of a text, or none of them if one is not a number.
fn every_number(pattern: &Regex, text: &str) -> Option<String> {
    let mut written = String::with_capacity(text.len());
    let mut end = 0;
    for found in pattern.find_iter(text) {
        written.push_str(&text[end..found.start()]);
        written.push_str(&value(found.as_str())?);
        end = found.end();
    }
    written.push_str(&text[end..]);
    Some(written)
}

/// Three parts of four: the text has the denominator first.
fn fraction(pattern: &Regex, text: &str) -> Option<String> {
    if text.starts_with('百') {
        return None;
    }
    let written = every_number(pattern, text)?;
    let (below, above) = written.split_once("分之")?;
    Some(format!("{above}/{below}"))
}

fn plain_numbers(pattern: &Regex, text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut end = 0;
    for found in pattern.find_iter(text) {
        written.push_str(&text[end..found.start()]);
        end = found.end();
        let word = found.as_str();
        let mut letters = word.chars();
        let alone = letters.next().filter(|letter| letters.next().is_none() && is_word(*letter)).is_some();
        let stays = alone && !starts_with_measure(&text[end..]);
        let digits = if stays { None } else { value(word) };
        written.push_str(&digits.map_or(Cow::Borrowed(word), Cow::Owned));
    }
    written.push_str(&text[end..]);
    written
}

/// Says whether a digit alone is rather a word than a number.
fn is_word(letter: char) -> bool {
    letter == '两' || FORMAL.contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts_become_those_of_the_python_package() {
        for (text, expected) in [
            ("有期徒刑三年六个月", "有期徒刑3年6个月"),
            ("半个月", "0.5个月"),
            ("一个半月", "1个半月"),
            ("百分之三十", "30%"),
            ("三分之一", "1/3"),
            ("零下五摄氏度", "-5℃"),
            ("两个月", "2个月"),
            ("两年", "2年"),
            ("贰拾万元", "200000元"),
            ("2019年三月", "2019年3月"),
            ("处三年以上十年以下有期徒刑", "处3年以上10年以下有期徒刑"),
            ("二〇一九年", "2019年"),
            ("5千万元", "5千万元"),
            ("一审、二审", "1审、2审"),
            ("参", "参"),
            ("", ""),
        ] {
            assert_eq!(chinese_to_arabic(text), expected, "{text}");
        }
    }
}
