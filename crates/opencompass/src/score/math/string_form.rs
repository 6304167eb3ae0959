//! Equality of answers as normalized strings: `MATHEvaluator` of OpenCompass 0.5.4 (Apache-2.0), versions 1 and 2.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::pattern::built_in;
use crate::score::post::normalize_final_answer;

/// The version of the normal form: `math_intern` is that of `MATHInternEvaluator`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(in crate::score) enum Version {
    #[default]
    V1,
    V2,
    MathIntern,
}

/// Says whether two answers have the same normal form. Where upstream's function fails on an answer, the next form is
/// tried.
pub(in crate::score) fn same_form(pred: &str, answer: &str, version: Version) -> bool {
    let strip = match version {
        Version::V1 => strip_v1,
        Version::V2 => strip_v2,
        Version::MathIntern => return same_or_both(pred, answer, strip_intern),
    };
    if let (Some(pred), Some(answer)) = (strip(pred), strip(answer))
        && (pred == answer || normalize_final_answer(&pred) == normalize_final_answer(&answer))
    {
        return true;
    }
    normalize_final_answer(pred) == normalize_final_answer(answer) || pred == answer
}

/// Says whether two answers to a blank have the same normal form: `is_equiv` of AGIEval.
pub(in crate::score) fn same_blank(pred: &str, answer: &str) -> bool {
    same_or_both(pred, answer, strip_blank)
}

/// Compares normal forms; if one of them fails, the texts.
fn same_or_both(pred: &str, answer: &str, strip: fn(&str) -> Option<String>) -> bool {
    match (strip(pred), strip(answer)) {
        (Some(pred), Some(answer)) => pred == answer,
        _ => pred == answer,
    }
}

fn strip_v1(text: &str) -> Option<String> {
    stripped(text).and_then(slash)
}

/// AGIEval: anything around a slash is fine, and a fraction without arguments is not.
fn strip_blank(text: &str) -> Option<String> {
    let text = stripped(text)?;
    if text.ends_with("\\frac") { None } else { slash(text.clone()).or(Some(text)) }
}

/// MATHIntern: the base of a number loses its braces, and commas are removed unless there are brackets.
fn strip_intern(text: &str) -> Option<String> {
    let text = stripped(text).filter(|text| !text.ends_with("\\frac")).and_then(slash)?;
    let mut text = text.replace("x \\in", "").trim().to_owned();
    let parts: Vec<&str> = text.split('_').collect();
    if let [first, base, rest @ ..] = parts.as_slice() {
        let base = base.replace(['{', '}'], "");
        let tail: String = rest.iter().map(|part| format!("_{part}")).collect();
        text = format!("{first}_{base}{tail}");
    }
    if !text.contains([' ', '(']) {
        text = text.replace(',', "");
    }
    Some(text)
}

/// The steps that the older normal forms share.
fn stripped(text: &str) -> Option<String> {
    let mut text = text.replace('\n', "").replace("\\!", "").replace("\\\\", "\\");
    text =
        text.replace("tfrac", "frac").replace("dfrac", "frac").replace("\\left", "").replace("\\right", "");
    text = text.replace("^{\\circ}", "").replace("^\\circ", "").replace("\\$", "");
    text = without_right_units(&text)?.to_owned();
    text = text.replace("\\%", "").replace(" .", " 0.").replace("{.", "{0.");
    if text.is_empty() {
        return Some(text);
    }
    text = without_variable(with_leading_zero(text));
    text = roots_v1(&text)?.replace(' ', "");
    text = fractions(&text);
    if text == "0.5" {
        "\\frac{1}{2}".clone_into(&mut text);
    }
    Some(text)
}

static TEXT_AT_END: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\text\{.*?\}$"));
static MBOX: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\mbox\{.*?\}"));
static ZEROS_INSIDE: LazyLock<Regex> = LazyLock::new(|| built_in(r"(\d+)\.0+([^\d])"));
static ZEROS_AT_END: LazyLock<Regex> = LazyLock::new(|| built_in(r"(\d+)\.0+$"));
static ROOT: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\sqrt(\w+)"));

fn strip_v2(text: &str) -> Option<String> {
    let mut text = text.trim().replace('\n', "").trim_end_matches('.').replace("\\!", "").replace("\\ ", "");
    text = text.replace("\\\\", "\\").replace("\\\\", "\\").replace("tfrac", "frac").replace("dfrac", "frac");
    text = text.replace("\\left", "").replace("\\right", "");
    let without_unit = TEXT_AT_END.replace_all(&text, "").trim().to_owned();
    if !without_unit.is_empty() && without_unit != text {
        text = without_unit;
    }
    for removed in ["^{\\circ}", "^\\circ", "\\$", "$", "\\text", "x\\in", "\\%", "%"] {
        text = text.replace(removed, "");
    }
    text =
        text.replace(" .", " 0.").replace("{.", "{0.").replace("\\cdot", "").replace("infinity", "\\infty");
    if !text.contains("\\infty") {
        text = text.replace("inf", "\\infty");
    }
    text = text.replace("+\\inity", "\\infty").replace("and", "").replace("\\mathbf", "");
    text = MBOX.replace_all(&text, "").into_owned();
    if text.contains('j') && !text.contains('i') {
        text = text.replace('j', "i");
    }
    text = ZEROS_INSIDE.replace_all(&text, "$1$2").into_owned();
    text = ZEROS_AT_END.replace_all(&text, "$1").into_owned();
    if text.is_empty() {
        return Some(text);
    }
    text = without_variable(with_leading_zero(text));
    text = ROOT.replace_all(&text, r"\sqrt{$1}").replace(' ', "");
    slash(fractions(&text))
}

/// Removes the unit after `\text{ `; fails if there are several.
fn without_right_units(text: &str) -> Option<&str> {
    let mut parts = text.split("\\text{ ");
    let first = parts.next()?;
    (parts.count() <= 1).then_some(first)
}

fn with_leading_zero(text: String) -> String {
    if text.starts_with('.') { format!("0{text}") } else { text }
}

/// Removes a short left side such as `x=`.
fn without_variable(text: String) -> String {
    let mut sides = text.split('=');
    match (sides.next(), sides.next(), sides.next()) {
        (Some(left), Some(right), None) if left.chars().count() <= 2 => right.to_owned(),
        _ => text,
    }
}

/// Puts the argument of a root into braces; fails without one.
fn roots_v1(text: &str) -> Option<String> {
    let mut parts = text.split("\\sqrt");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let first = part.chars().next()?;
        result.push_str("\\sqrt");
        if first == '{' {
            result.push_str(part);
        } else {
            result.push_str(&format!("{{{first}}}{}", &part[first.len_utf8()..]));
        }
    }
    Some(result)
}

/// Puts the arguments of fractions into braces.
fn fractions(text: &str) -> String {
    let mut parts = text.split("\\frac");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push_str("\\frac");
        if part.starts_with('{') {
            result.push_str(part);
            continue;
        }
        let mut letters = part.chars();
        let (Some(upper), Some(lower)) = (letters.next(), letters.next()) else { return text.to_owned() };
        let rest = letters.as_str();
        if lower == '{' {
            result.push_str(&format!("{{{upper}}}{{{rest}"));
        } else {
            result.push_str(&format!("{{{upper}}}{{{lower}}}{rest}"));
        }
    }
    result
}

/// Writes two whole numbers with a slash as a fraction; fails if something else is around the only slash.
fn slash(text: String) -> Option<String> {
    let mut parts = text.split('/');
    let (Some(upper), Some(lower), None) = (parts.next(), parts.next(), parts.next()) else {
        return Some(text);
    };
    let whole = |part: &str| {
        let digits = part.trim().strip_prefix(['-', '+']).unwrap_or(part.trim());
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !whole(upper) || !whole(lower) {
        return None;
    }
    let plain = |part: &str| {
        let digits = part.strip_prefix('-').unwrap_or(part);
        digits == "0" && part == "0"
            || !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if plain(upper) && plain(lower) { Some(format!("\\frac{{{upper}}}{{{lower}}}")) } else { Some(text) }
}
