//! Answers of TheoremQA: the words behind `answer is`, or the value of a short formula.
//!
//! The third and fourth forms follow `datasets/TheoremQA/utils.py` of OpenCompass 0.5.4 (Apache-2.0). Where upstream
//! evaluates LaTeX with a parser of its own, products and quotients of numbers are evaluated here; other formulas stay
//! as they are, which is what upstream does with formulas that have letters.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::built_in;
use super::post_entry::PostEntry;
use super::python::{behind_last, strip, without_last_newline};
use super::quotient;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::text("TheoremQA", &["TheoremQA_postprocess"], first_word),
    PostEntry::text("TheoremQA_postprocess_v2", &[], last_words),
    PostEntry::readings("TheoremQA_postprocess_v3", &[], clean, fixed_clean),
    PostEntry::readings("TheoremQA_postprocess_v4", &[], clean_v4, fixed_clean_v4),
];

static FIRST_WORD: LazyLock<Regex> = LazyLock::new(|| built_in(r"answer is (\S+)"));
static CUES: LazyLock<Regex> = LazyLock::new(|| built_in("The answer is:|The answer is|the answer is"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| built_in(r"-?\d*\.?\d+"));
static NUMBER_AND_UNIT: LazyLock<Regex> = LazyLock::new(|| built_in(r"^-?[\d.]+\s(?:\D+|\S+)$"));
static TRUE: LazyLock<Regex> = LazyLock::new(|| built_in(r"\b(?:yes|true)\b"));
static FALSE: LazyLock<Regex> = LazyLock::new(|| built_in(r"\b(?:no|false)\b"));
static DIGIT_AND_PI: LazyLock<Regex> = LazyLock::new(|| built_in(r"(\d)\\?π"));
static PI_IN_BRACES: LazyLock<Regex> = LazyLock::new(|| built_in(r"\{\\?π\}"));
static TIMES_PI: LazyLock<Regex> = LazyLock::new(|| built_in(r"\*\\?π"));

/// The first word behind the first `answer is `, or the whole text.
fn first_word(text: &str) -> String {
    let text = strip(text);
    match FIRST_WORD.captures(text).and_then(|found| found.get(1)) {
        Some(word) => word.as_str().trim_matches(['.', ',', '?', '!', '"', '\'', ';', ':']).to_owned(),
        None => text.to_owned(),
    }
}

/// The last words of the last line, back to a verb or a colon.
fn last_words(text: &str) -> String {
    let line = strip(text).trim_matches('\n').rsplit('\n').next().unwrap_or_default();
    let ends = |word: &&str| ["is", "be", "are"].contains(word) || word.ends_with(':');
    let mut words: Vec<&str> = line.split(' ').rev().take_while(|word| !ends(word)).collect();
    words.reverse();
    strip(&words.join(" ")).trim_matches('.').to_owned()
}

fn clean(text: &str) -> String {
    cleaned(text, |lower| {
        let any = |words: [&str; 2]| words.iter().any(|word| lower.contains(word));
        if any(["yes", "true"]) { Some("True") } else { any(["no", "false"]).then_some("False") }
    })
}

/// [`clean`] without its fault: `know` is not `no`.
fn fixed_clean(text: &str) -> String {
    cleaned(
        text,
        |lower| {
            if TRUE.is_match(lower) { Some("True") } else { FALSE.is_match(lower).then_some("False") }
        },
    )
}

fn clean_v4(text: &str) -> String {
    without_delimiters(&clean(text))
}

fn fixed_clean_v4(text: &str) -> String {
    without_delimiters(&fixed_clean(text))
}

/// Removes the backslashes and parentheses around a formula, as upstream does for `\(` and `\)`.
fn without_delimiters(text: &str) -> String {
    strip(text.trim_matches(['\\', '(']).trim_matches(['\\', ')'])).to_owned()
}

/// What follows the last cue, as a truth value, an option or a number; without a cue the last number.
fn cleaned(text: &str, truth: fn(&str) -> Option<&'static str>) -> String {
    let mut text = text.trim_matches('\n');
    if ["The answer is:", "The answer is", "the answer is"].iter().any(|cue| text.matches(cue).count() > 1) {
        text = text.split("\n\n").next().unwrap_or_default();
    }
    let behind = CUES.find_iter(text).last().map(|cue| &text[cue.end()..]);
    let answer = behind.unwrap_or(text).trim_matches('\n').trim_end_matches('.').trim_end_matches('/');
    let answer = answer.trim_matches(' ');
    let lower = answer.to_lowercase();
    let answer = match truth(&lower) {
        Some(truth) => truth.to_owned(),
        None if ["(a)", "(b)", "(c)", "(d)", "(e)", "(f)"].iter().any(|option| lower.contains(option)) => {
            answer.to_owned()
        }
        None if behind.is_some() => value(answer),
        None => NUMBER.find_iter(answer).last().map(|number| number.as_str().to_owned()).unwrap_or_default(),
    };
    answer.trim_end_matches('.').trim_end_matches('/').to_owned()
}

/// The value of what follows the last `=`, or a number without its unit.
fn value(answer: &str) -> String {
    let side = without_units(strip(behind_last(answer, "=")));
    if let Some(value) = quotient::evaluated(&side) {
        return value;
    }
    let number = NUMBER_AND_UNIT.is_match(without_last_newline(&side));
    if number { side.split(' ').next().unwrap_or_default().to_owned() } else { side }
}

fn without_units(answer: &str) -> String {
    let answer = number_pi(&answer.replace("\\pi", "π"));
    [("%", "/100"), ("$", ""), ("¥", ""), ("°C", ""), (" C", ""), ("°", "")]
        .into_iter()
        .fold(answer, |answer, (unit, other)| answer.replace(unit, other))
}

/// Whether the text in front of a π allows a number without a product.
fn free(before: &str) -> bool {
    !before.ends_with(|letter: char| letter == '}' || letter.is_numeric())
}

/// Writes 3.14 for π, with a product in front of it where a digit is.
fn number_pi(answer: &str) -> String {
    let mut alone = String::with_capacity(answer.len());
    let mut rest = answer;
    while let Some((before, behind)) = rest.split_once('π') {
        // The text in front of this π, with what earlier ones became.
        alone.push_str(before);
        match alone.strip_suffix('\\').filter(|before| free(before)).map(str::len) {
            Some(length) => {
                alone.truncate(length);
                alone.push_str("3.14");
            }
            None if free(&alone) => alone.push_str("3.14"),
            None => alone.push('π'),
        }
        rest = behind;
    }
    alone.push_str(rest);
    let answer = DIGIT_AND_PI.replace_all(&alone, "${1}*3.14");
    let answer = PI_IN_BRACES.replace_all(&answer, "3.14");
    TIMES_PI.replace_all(&answer, "*3.14").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_values() {
        assert_eq!(first_word("The answer is 'yes', or not."), "yes");
        assert_eq!(last_words("So\nthe result is about 5."), "about 5");
        for (text, compat, fixed) in [
            ("The answer is 12%", "0.12", "0.12"),
            ("The answer is x = 2\\pi", "6.28", "6.28"),
            ("The answer is: \\frac{1}{2}.", "0.5", "0.5"),
            ("the answer is 5 m", "5", "5"),
            ("the answer is (B)", "(B)", "(B)"),
            ("the answer is known", "False", "known"),
            ("I say yes.", "True", "True"),
            ("3 or 4", "4", "4"),
            ("The answer is 3.\n\nThe answer is 4.", "3", "3"),
        ] {
            assert_eq!((clean(text).as_str(), fixed_clean(text).as_str()), (compat, fixed), "{text}");
        }
        assert_eq!(clean_v4(r"The answer is \(x+1\)"), "x+1");
    }

    #[test]
    fn pi_is_multiplied_where_a_digit_is() {
        for (text, number) in [("π", "3.14"), ("3π", "3*3.14"), ("\\pi r", "3.14 r"), ("2*π", "2*3.14")] {
            assert_eq!(without_units(text), number, "{text}");
        }
    }
}
