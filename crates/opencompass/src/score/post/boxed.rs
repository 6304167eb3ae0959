//! Answers in `\boxed{..}`, by the rules of the sets that ask for it.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::pattern::built_in;
use super::post_entry::{Apply, PostEntry};
use super::python::{strip, without_last_newline};
use crate::Result;
use crate::dataset::Named;
use crate::score::Reading;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::configured("boxed", &["extract_boxed_answer"], configured),
    PostEntry::value("gaokao_math_boxed", &[], gaokao),
    PostEntry::text("phybench_boxed", &["extract_boxed_latex"], phybench),
    PostEntry::value("biodata_boxed", &["extract_boxed_text"], biodata),
    PostEntry::value("biodata_number", &["extract_number"], biodata_number),
    PostEntry::value("processbench_boxed", &[], processbench),
    PostEntry::text("needlebench_atc_postprocess_v2", &[], needlebench),
];

static GAOKAO: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\boxed\{(.+?)\}"));
static BIODATA: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}"));
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"(?:<NUMBER>\s*|\\boxed\{)\s*(-?\d*\.?\d+)\s*(?:</NUMBER>|\})"));
static PROCESSBENCH: LazyLock<Regex> = LazyLock::new(|| built_in(r"boxed\{([^}]*)\}"));
static TEXT: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\text\{([^}]*)\}"));
static SOME_TEXT: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\text\{([^}]+)\}"));
static SOME_BOX: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\boxed\{([^}]+)\}"));
static BRACKETS: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\[\[\]]"));
static ESCAPE: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\(.)"));
static SPACES: LazyLock<Regex> = LazyLock::new(|| built_in(r"\s+"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Boxed {
    /// Whether a second pair of braces is removed. Default: false.
    #[serde(default)]
    strip_double_curly_brace: Option<bool>,
}

fn configured(named: &Named, _: Reading) -> Result<Apply> {
    let Boxed { strip_double_curly_brace } = named.arguments()?;
    let read = if strip_double_curly_brace.unwrap_or(false) { bare_answer } else { answer };
    Ok(Box::new(move |text| read(text).into()))
}

/// The last `\boxed` or `\fbox` up to the brace that closes it.
pub(super) fn last_box(text: &str) -> Option<&str> {
    let start = text.rfind(r"\boxed").or_else(|| text.rfind(r"\fbox"))?;
    let end = closing(&text[start..], 0)?;
    Some(&text[start..=start + end])
}

/// The place of the brace that closes the first one, if `open` braces are open already.
pub(super) fn closing(text: &str, mut open: i64) -> Option<usize> {
    text.bytes().position(|letter| {
        match letter {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => return false,
        }
        letter == b'}' && open == 0
    })
}

/// The content of the last `\boxed{..}`; `None` for `\fbox{..}`, as in upstream.
pub(super) fn answer(text: &str) -> Option<&str> {
    last_box(text)?.strip_prefix(r"\boxed{")?.strip_suffix('}')
}

/// [`answer`] without a second pair of braces.
pub(super) fn bare_answer(text: &str) -> Option<&str> {
    let answer = answer(text)?;
    let inner = without_last_newline(answer).strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    Some(inner.filter(|inner| !inner.contains('\n')).unwrap_or(answer))
}

fn gaokao(text: &str) -> Value {
    GAOKAO.captures_iter(text).last().map(|found| found[1].to_owned()).into()
}

/// The first box, or the last line.
fn phybench(text: &str) -> String {
    let last_line = || strip(strip(text).rsplit('\n').next().unwrap_or_default());
    let inside = text.split_once(r"\boxed{").and_then(|(_, rest)| Some(strip(&rest[..closing(rest, 1)?])));
    inside.unwrap_or_else(last_line).to_owned()
}

fn biodata(text: &str) -> Value {
    let Some(found) = BIODATA.captures_iter(text).last() else { return Value::Null };
    let plain = TEXT.replace_all(strip(&found[1]), "${1}");
    ESCAPE.replace_all(&plain, "${1}").into_owned().into()
}

fn biodata_number(text: &str) -> Value {
    NUMBER.captures_iter(text).last().and_then(|found| found[1].parse::<f64>().ok()).into()
}

/// The content of the last box as an integer, if it is one.
fn processbench(text: &str) -> Value {
    let Some(found) = PROCESSBENCH.captures_iter(text).last() else { return Value::Null };
    let inside = found[1].replace(['{', '}'], "");
    let inside = strip(&inside);
    inside.parse::<i64>().map_or_else(|_| inside.into(), Value::from)
}

/// The name in the last box, without LaTeX and quotes, or `None`.
fn needlebench(text: &str) -> String {
    let name = bare_answer(text).filter(|name| !name.is_empty()).unwrap_or("None");
    let name = SOME_TEXT.replace_all(name, "${1}");
    let name = SOME_BOX.replace_all(&name, "${1}");
    let name = BRACKETS.replace_all(&name, "").replace('\\', "");
    SPACES.replace_all(&name, " ").trim().replace(['"', '\''], "").replace('~', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_read_to_the_brace_that_closes_them() {
        for (text, content) in [
            (r"\boxed{1} or \boxed{\frac{1}{2}}.", Some(r"\frac{1}{2}")),
            (r"\boxed{{3}}", Some("{3}")),
            (r"\fbox{3}", None),
            (r"\boxed{3", None),
            (r"\boxed 3}", None),
        ] {
            assert_eq!(answer(text), content, "{text}");
        }
        assert_eq!(bare_answer(r"\boxed{{3}}"), Some("3"));
        assert_eq!(phybench(r"so \boxed{ a{b} } and \boxed{c}"), "a{b}");
        assert_eq!(phybench("so\n x = 1 \n"), "x = 1");
        assert_eq!(gaokao(r"\boxed{\frac{1}{2}}"), r"\frac{1");
        assert_eq!(biodata(r"\boxed{\text{10\%}}"), "10%");
        assert_eq!(biodata_number(r"<NUMBER> 1.5 </NUMBER>"), 1.5);
        assert_eq!(processbench(r"\boxed{ 3 }"), 3);
        assert_eq!(needlebench(r"\boxed{\text{Ann 'B'  C}}"), "Ann B C");
        assert_eq!(needlebench("nobody"), "None");
    }
}
