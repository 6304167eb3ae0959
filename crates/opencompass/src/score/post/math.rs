//! Answers of the set MATH and the normal form of its answers.
//!
//! Tables and order of the steps: OpenCompass 0.5.4, `datasets/math.py` (Apache-2.0), after Lewkowycz et al., "Solving
//! Quantitative Reasoning Problems with Language Models" (2022), appendix D.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::boxed::{bare_answer, closing};
use super::pattern::built_in;
use super::post_entry::PostEntry;
use super::python::{is_digit, strip};
use super::text::in_number;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::readings("math_postprocess", &[], math, fixed_math),
    PostEntry::readings("math_postprocess_v2", &[], math_v2, fixed_math_v2),
    PostEntry::text("math_judement_preprocess", &[], behind_answer),
    PostEntry::value("math_intern_postprocess", &[], math_intern),
    PostEntry::text("normalize_final_answer", &[], normalize_final_answer),
];

const SUBSTITUTIONS: [(&str, &str); 11] = [
    ("an ", ""),
    ("a ", ""),
    (".$", "$"),
    ("\\$", ""),
    ("\\ ", ""),
    (" ", ""),
    ("mbox", "text"),
    (",\\text{and}", ","),
    ("\\text{and}", ","),
    ("\\text{m}", "\\text{}"),
    ("\\le", "<"),
];
const REMOVED: [&str; 42] = [
    "square",
    "ways",
    "integers",
    "dollars",
    "mph",
    "inches",
    "ft",
    "hours",
    "km",
    "units",
    "\\ldots",
    "sue",
    "points",
    "feet",
    "minutes",
    "digits",
    "cents",
    "degrees",
    "cm",
    "gm",
    "pounds",
    "meters",
    "meals",
    "edges",
    "students",
    "childrentickets",
    "multiples",
    "\\text{s}",
    "\\text{.}",
    "\\text{\ns}",
    "\\text{}^2",
    "\\text{}^3",
    "\\text{\n}",
    "\\text{}",
    "\\mathrm{th}",
    "^\\circ",
    "^{\\circ}",
    "\\;",
    ",\\!",
    "{,}",
    "\"",
    "\\dots",
];
/// Commands whose content stays, with what it stays as.
static UNWRAPPED: LazyLock<[Regex; 5]> = LazyLock::new(|| {
    [
        r"\\text\{\((.*?)\)\}",
        r"\\text\{(.*?)\}",
        r"\\textbf\{(.*?)\}",
        r"\\overline\{(.*?)\}",
        r"\\boxed\{(.*)\}",
    ]
    .map(built_in)
});
static ANSWER_IS: LazyLock<Regex> = LazyLock::new(|| built_in(r"answer?is:?(.*)"));
static BOXED: LazyLock<Regex> = LazyLock::new(|| built_in(r"oxed\{(.*?)\}"));
static DOLLARS: LazyLock<Regex> = LazyLock::new(|| built_in(r"\$(.*?)\$"));
static FRACTION: LazyLock<Regex> = LazyLock::new(|| built_in(r"frac([^{])(.)"));
static ROOT: LazyLock<Regex> = LazyLock::new(|| built_in(r"sqrt([^{])"));
static ANSWER: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)ANSWER\s*:\s*([^\n]+)"));

/// The normal form of an answer of the set MATH: without units, words and most LaTeX.
pub(crate) fn normalize_final_answer(answer: &str) -> String {
    let mut answer = answer.to_owned();
    for (before, after) in SUBSTITUTIONS {
        answer = answer.replace(before, after);
    }
    for removed in REMOVED {
        answer = answer.replace(removed, "");
    }
    answer.retain(|letter| !['\n', '\r', '\u{c}'].contains(&letter));
    for command in UNWRAPPED.iter() {
        answer = command.replace_all(&answer, "${1}").into_owned();
    }
    if let Some((_, behind)) = answer.split_once("finalansweris") {
        answer = behind.to_owned();
    }
    for part in [&ANSWER_IS, &BOXED, &DOLLARS] {
        let found = part.captures_iter(&answer).last().map(|found| found[1].to_owned());
        answer = found.unwrap_or(answer);
    }
    let answer = strip(&answer);
    let answer = if answer.contains("\\frac") { answer.to_owned() } else { answer.replace("rac", "\\frac") };
    let answer = FRACTION.replace_all(&answer, "frac{${1}}{${2}}");
    let answer = ROOT.replace_all(&answer, "sqrt{${1}}").replace('$', "");
    let digits = answer.replace(',', "");
    if !digits.is_empty() && digits.chars().all(is_digit) { digits } else { answer }
}

/// The parts of a text between full stops, those in decimals included.
fn parts(text: &str) -> Vec<&str> {
    text.split('.').collect()
}

/// The parts of a text between full stops that are not in numbers.
fn sentences(text: &str) -> Vec<&str> {
    let mut start = 0;
    let mut sentences = Vec::new();
    for (at, _) in text.match_indices('.').filter(|(at, _)| !in_number(text, *at)) {
        sentences.push(&text[start..at]);
        start = at + 1;
    }
    sentences.push(&text[start..]);
    sentences
}

/// The first part that announces the answer, or else the first part, in normal form.
fn announced(parts: &[&str], cues: &[&str]) -> String {
    let announces = |part: &&&str| {
        let part = part.to_lowercase();
        cues.iter().any(|cue| part.contains(cue))
    };
    let part = parts.iter().find(announces).or(parts.first());
    normalize_final_answer(part.copied().unwrap_or_default())
}

fn math(text: &str) -> String {
    announced(&parts(text), &["final answer"])
}

fn fixed_math(text: &str) -> String {
    announced(&sentences(text), &["final answer"])
}

fn math_v2(text: &str) -> String {
    in_box(text).unwrap_or_else(|| announced(&parts(text), &["final answer", "answer is"]))
}

fn fixed_math_v2(text: &str) -> String {
    in_box(text).unwrap_or_else(|| announced(&sentences(text), &["final answer", "answer is"]))
}

/// The content of the last box, as it is.
fn in_box(text: &str) -> Option<String> {
    bare_answer(text).filter(|answer| !answer.is_empty()).map(str::to_owned)
}

/// What follows `ANSWER:` on its line.
fn behind_answer(text: &str) -> String {
    ANSWER.captures(text).map(|found| found[1].to_owned()).unwrap_or_default()
}

/// What follows one of several cues, or the first box; null if there is neither.
fn math_intern(text: &str) -> Value {
    if let Some((_, rest)) = text.split_once("The final answer is ") {
        // Python's `x[1:x.find('$.')]`: without the end mark, the last letter is missing instead.
        let end = rest.find("$.").or_else(|| rest.char_indices().next_back().map(|(at, _)| at)).unwrap_or(0);
        let first = rest.chars().next().map_or(0, char::len_utf8);
        return clean(rest.get(first..end).unwrap_or_default()).into();
    }
    let mut own = text;
    if let Some((before, _)) = text.split_once("\n\nQuestion:") {
        let cue = "The answer is";
        match before.find(cue) {
            Some(0) => own = before,
            Some(at) => return clean(&before[at + cue.len()..]).into(),
            // Upstream takes -1 for a place.
            None => return clean(before.get(letters(before, cue.len() - 1)..).unwrap_or_default()).into(),
        }
    }
    for cue in ["# Answer", "The answer is:", "####"] {
        if let Some((_, rest)) = own.split_once(cue) {
            return clean(rest).into();
        }
    }
    let Some((_, rest)) = own.split_once("\\boxed{") else { return Value::Null };
    let last = rest.char_indices().next_back().map_or(0, |(at, _)| at);
    clean(&rest[..closing(rest, 1).unwrap_or(last)]).into()
}

/// The place of the letter with a number.
fn letters(text: &str, number: usize) -> usize {
    text.char_indices().nth(number).map_or(text.len(), |(at, _)| at)
}

/// A text without double braces and one full stop at its end.
fn clean(text: &str) -> String {
    let text = strip(text).replace("{{", "{").replace("}}", "}");
    text.strip_suffix(['.', '。']).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_end_a_sentence_in_upstream_only() {
        let text = "We add. The final answer is 3.14 dollars. Done";
        assert_eq!((math(text), fixed_math(text)), ("3".to_owned(), "3.14".to_owned()));
        assert_eq!(fixed_math_v2("It is 2.5. Sure"), "Itis2.5");
        assert_eq!(math_v2(r"x = \boxed{{1}}."), "1");
    }

    #[test]
    fn cues_of_intern_math() {
        for (text, answer) in [
            ("The final answer is $5$. Yes", Some("5")),
            ("The final answer is $5", Some("")),
            ("# Answer 7.", Some("7")),
            ("The answer is: {{8}}", Some("{8}")),
            ("#### 9", Some("9")),
            (r"\boxed{a{b}} c", Some("a{b}")),
            (r"\boxed{ab", Some("a")),
            ("So. The answer is 4.\n\nQuestion: why?", Some("4")),
            ("none", None),
        ] {
            assert_eq!(math_intern(text), Value::from(answer), "{text}");
        }
    }
}
