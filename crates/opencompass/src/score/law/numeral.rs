//! Chinese numbers as digits: the mode `smart` of `Cn2An` of the Python package cn2an 0.5.

use std::sync::LazyLock;

use regex::Regex;

use super::digits::number;
use crate::score::text::words::built_in;

/// Letters of the digits 0 to 9 of simplified texts.
const DIGITS: [&str; 10] =
    ["零〇", "一壹幺", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"];

/// The grammar of whole numbers in the encoding of [`encoded`].
static WHOLE: LazyLock<Regex> = LazyLock::new(|| {
    let to_99 = "(?:[1-9]?t[1-9]?|[1-9])";
    let hundreds = "(?:[1-9]h(?:0[1-9])?|[1-9]h[1-9]t[1-9]?)";
    let to_999 = format!("(?:{hundreds}|{to_99})");
    let thousands = format!("(?:[1-9]k(?:0{to_99})?|[1-9]k{hundreds})");
    let to_9999 = format!("(?:{thousands}|{to_999})");
    let wan = format!("(?:{to_9999}w(?:0{to_999})?|{to_9999}w{thousands})");
    let below_yi = format!("(?:{wan}|{to_9999})");
    let yi = format!("(?:{below_yi}y(?:0{below_yi})?|{below_yi}y{wan})");
    built_in(&format!("^(?:0|{yi}|{below_yi})$"))
});
static ZERO_BEFORE_THOUSAND: LazyLock<Regex> = LazyLock::new(|| built_in("w0([0-9]k)"));
static BIG_UNIT_WITHOUT_ZERO: LazyLock<Regex> = LazyLock::new(|| built_in("([wy])([0-9][th])"));
static THOUSAND_WITHOUT_ZERO: LazyLock<Regex> = LazyLock::new(|| built_in("k([0-9]?t)"));
/// Numbers as people say them: two thousand three is 2,300.
static SPOKEN: LazyLock<Regex> = LazyLock::new(|| built_in("^(?:[0-9]{0,2}[thkwy])+[0-9]$"));
static ARABIC: LazyLock<Regex> = LazyLock::new(|| built_in(r"^(-?)(\d+)(?:\.(\d+))?([thkwy])$"));
static ARABIC_DIGITS: LazyLock<Regex> = LazyLock::new(|| built_in(r"\d+"));

/// Returns a number as Python prints it. `None` if the text is not a number, for instance `百千`.
pub(super) fn value(text: &str) -> Option<String> {
    let simple = text.replace('萬', "万").replace('億', "亿").replace('貳', "贰");
    let simple = simple.replace('兩', "两").replace('陸', "陆");
    if simple.starts_with(|letter: char| letter == '-' || letter.is_ascii_digit()) {
        return mixed(&simple);
    }
    let simple = simple.replace("零十", "零一十").replace("零百", "零一百");
    let (sign, plain) = match simple.strip_prefix('负') {
        Some(rest) => ("-", rest),
        None => ("", simple.as_str()),
    };
    let (whole, decimals) = match plain.split_once('点') {
        Some((whole, decimals)) => (whole, Some(encoded(decimals)?)),
        None => (plain, None),
    };
    let decimals = match decimals {
        Some(decimals) if decimals.len() > 16 || number(&decimals).is_none() => return None,
        decimals => decimals,
    };
    let whole = whole_number(&encoded(whole)?)?;
    Some(printed(sign, whole, decimals.as_deref()))
}

/// Writes digits as `0` to `9` and units as `t`, `h`, `k`, `w` and `y`.
fn encoded(text: &str) -> Option<String> {
    text.chars().map(code).collect()
}

fn code(letter: char) -> Option<char> {
    Some(match letter {
        '十' | '拾' => 't',
        '百' | '佰' => 'h',
        '千' | '仟' => 'k',
        '万' => 'w',
        '亿' => 'y',
        '0'..='9' => letter,
        other => {
            let digit = DIGITS.iter().position(|letters| letters.contains(other))?;
            char::from_digit(digit as u32, 10)?
        }
    })
}

/// Arabic digits with Chinese units: `3.5万`, `5千万`.
fn mixed(text: &str) -> Option<String> {
    // The point and the sign are not letters of numbers.
    let mut code_text = String::with_capacity(text.len());
    for letter in text.chars() {
        code_text.push(if matches!(letter, '-' | '.') { letter } else { code(letter)? });
    }
    if let Some(parts) = ARABIC.captures(&code_text) {
        let decimals = parts.get(3).map_or("", |part| part.as_str());
        let digits = number(&format!("{}{decimals}", &parts[2]))?;
        let scaled = digits.saturating_mul(unit(parts[4].chars().next()?)?);
        let whole = scaled / 10_u128.saturating_pow(u32::try_from(decimals.len()).ok()?);
        let sign = if whole == 0 { "" } else { &parts[1] };
        return Some(format!("{sign}{whole}"));
    }
    let chinese = ARABIC_DIGITS.replace_all(&code_text, |digits: &regex::Captures<'_>| written(&digits[0]));
    whole_number(&chinese).map(|whole| whole.to_string())
}

/// Digits as they are written with units. Longer numbers and those with a leading zero stay digits.
fn written(digits: &str) -> String {
    if digits.len() > 4 || (digits.len() > 1 && digits.starts_with('0')) {
        return digits.to_owned();
    }
    let mut text = String::new();
    let mut gap = false;
    for (place, digit) in digits.chars().enumerate() {
        let unit = ["", "t", "h", "k"][digits.len() - 1 - place];
        if digit == '0' {
            gap = true;
            continue;
        }
        if gap {
            text.push('0');
            gap = false;
        }
        text.push(digit);
        text.push_str(unit);
    }
    match text.strip_prefix("1t") {
        Some(rest) => format!("t{rest}"),
        None if text.is_empty() => digits.to_owned(),
        None => text,
    }
}

fn whole_number(code: &str) -> Option<u128> {
    let code = normalized(code);
    if WHOLE.is_match(&code) {
        return converted(&code);
    }
    if let Some(number) = number(&code) {
        return Some(number);
    }
    if !SPOKEN.is_match(&code) || code.len() < 3 {
        return None;
    }
    let last = match code.chars().rev().nth(1)? {
        'h' => 't',
        'k' => 'h',
        'w' => 'k',
        _ => return None,
    };
    converted(&format!("{code}{last}"))
}

/// Adds the zeros and ones that speakers leave out.
fn normalized(code: &str) -> String {
    let code = ZERO_BEFORE_THOUSAND.replace_all(code, "w${1}");
    let code = BIG_UNIT_WITHOUT_ZERO.replace_all(&code, "${1}0${2}");
    let code = THOUSAND_WITHOUT_ZERO.replace_all(&code, "k0${1}");
    code.replace("ht", "h1t").replace("0t", "01t")
}

fn unit(letter: char) -> Option<u128> {
    Some(match letter {
        't' => 10,
        'h' => 100,
        'k' => 1000,
        'w' => 10_000,
        'y' => 100_000_000,
        _ => return None,
    })
}

/// Adds up digits and units from the right.
fn converted(code: &str) -> Option<u128> {
    let mut sum = 0_u128;
    let mut scale = 1_u128;
    // The largest of 万 and 亿 so far, which scales the units on its left.
    let mut big = 1_u128;
    for (place, letter) in code.char_indices().rev() {
        if let Some(digit) = letter.to_digit(10) {
            sum = sum.saturating_add(scale.saturating_mul(u128::from(digit)));
            continue;
        }
        scale = unit(letter)?;
        if scale.is_multiple_of(10_000) {
            if scale > big {
                big = scale;
            } else {
                big = big.saturating_mul(scale);
                scale = big;
            }
        }
        if scale < big {
            scale = scale.saturating_mul(big);
        }
        if place == 0 {
            sum = sum.saturating_add(scale);
        }
    }
    Some(sum)
}

/// Prints a number as Python does: a float if there are decimals.
fn printed(sign: &str, whole: u128, decimals: Option<&str>) -> String {
    let Some(decimals) = decimals else {
        return if whole == 0 { "0".to_owned() } else { format!("{sign}{whole}") };
    };
    let number: f64 = format!("{whole}.{decimals}").parse().unwrap_or(whole as f64);
    format!("{sign}{number:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_python_package() {
        for (text, expected) in [
            ("十", Some("10")),
            ("十五", Some("15")),
            ("二百六十六", Some("266")),
            ("二百零三", Some("203")),
            ("两千三", Some("2300")),
            ("一万二", Some("12000")),
            ("一万零三百", Some("10300")),
            ("十万零一千", Some("101000")),
            ("一百二十五万三", Some("1253000")),
            ("二零一九", Some("2019")),
            ("三点一四", Some("3.14")),
            ("负五", Some("-5")),
            ("3.5万", Some("35000")),
            ("12万", Some("120000")),
            ("5千万", Some("50000000")),
            ("一亿", Some("100000000")),
            ("百", None),
            ("千百", None),
            ("三点五万", None),
        ] {
            assert_eq!(value(text).as_deref(), expected, "{text}");
        }
    }
}
