//! Repairs of malformed fractions, roots, powers and logarithms.

use std::sync::LazyLock;

use regex::Regex;

use crate::score::math::pattern::built_in;

/// A command that has to be there, what is malformed about it, and its repair.
static REPAIRS: LazyLock<Vec<(&str, Regex, &str)>> = LazyLock::new(|| {
    [
        ("^", r"\^\s?\((.*?)\)", "^{$1}"),
        ("sqrt", r"sqrt\s?\((.*?)\)", r"\sqrt{$1}"),
        ("\\frac", r"\\frac\s?(\d)\s?(\d+)", r"\frac{$1}{$2}"),
        ("\\log_", r"\\log_\s?(\d)\s?(\d+)", r"\log_{$1}{$2}"),
        ("\\frac", r"\\frac\s?\{(.*?)\}\s?(\d)", r"\frac{$1}{$2}"),
        ("\\frac", r"\\frac\s?(\d)\s?\{(.*?)\}", r"\frac{$1}{$2}"),
        ("\\sqrt", r"\\sqrt\s?(\d)", r"\sqrt{$1}"),
    ]
    .into_iter()
    .map(|(command, pattern, repair)| (command, built_in(pattern), repair))
    .collect()
});

/// Repairs `\frac12`, `\sqrt3`, `2^(3)`, `1/2` and their kin.
pub(super) fn repaired(mut text: String) -> String {
    for (command, pattern, repair) in REPAIRS.iter() {
        if text.contains(command) {
            text = pattern.replace_all(&text, *repair).into_owned();
        }
    }
    text = text.replace(" sqrt", "\\sqrt");
    with_slash_as_fraction(with_fractions(with_roots(text)))
}

/// Puts the argument of a root into braces.
fn with_roots(text: String) -> String {
    if !text.contains("\\sqrt") {
        return text;
    }
    let mut parts = text.split("\\sqrt");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let part = part.trim_start();
        result.push_str("\\sqrt");
        match part.chars().next() {
            Some(first) if first != '{' && first != '[' => {
                result.push_str(&format!("{{{first}}}"));
                result.push_str(&part[first.len_utf8()..]);
            }
            _ => result.push_str(part),
        }
    }
    result
}

/// Puts the arguments of a fraction into braces.
fn with_fractions(text: String) -> String {
    if !text.contains("\\frac") {
        return text;
    }
    let mut parts = text.split("\\frac");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let part = part.trim_start();
        result.push_str("\\frac");
        if part.starts_with('{') {
            result.push_str(part);
            continue;
        }
        let mut letters = part.chars();
        let (Some(upper), Some(lower)) = (letters.next(), letters.next()) else { return text };
        let rest = letters.as_str();
        if lower == '{' {
            result.push_str(&format!("{{{upper}}}{{{rest}"));
        } else {
            result.push_str(&format!("{{{upper}}}{{{lower}}}{rest}"));
        }
    }
    result
}

/// Writes a text that is nothing but two whole numbers with a slash as a fraction.
fn with_slash_as_fraction(text: String) -> String {
    let plain = |part: &str| part.parse::<i64>().is_ok_and(|number| number.to_string() == part);
    match text.split_once('/') {
        Some((upper, lower)) if plain(upper) && plain(lower) => format!("\\frac{{{upper}}}{{{lower}}}"),
        _ => text,
    }
}
