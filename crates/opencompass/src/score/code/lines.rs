//! Whether a program's output is the expected one: `run_test` of LiveCodeBench, and of APPS, which forgives more.

use std::collections::BTreeSet;

use crate::score::text::words::words;

/// How much a comparison forgives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Likeness {
    /// White space around lines, empty lines, and the last digits of numbers.
    Lines,
    /// Also the order of lines and of the words in them, and repeated words.
    Words,
}

/// Compares an output with the expected one.
pub(super) fn alike(output: &str, expected: &str, likeness: Likeness) -> bool {
    let (output, expected) = (lines(output), lines(expected));
    output == expected
        || close(&output, &expected)
        || (likeness == Likeness::Words && word_sets(&output) == word_sets(&expected))
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// NumPy's `allclose` of lines that each hold a number, unless all of them are whole numbers.
fn close(output: &[&str], expected: &[&str]) -> bool {
    const RELATIVE: f64 = 1e-5;
    const ABSOLUTE: f64 = 1e-8;
    let whole = |line: &&str| line.parse::<i128>().is_ok();
    if output.len() != expected.len() || output.iter().chain(expected).all(whole) {
        return false;
    }
    output.iter().zip(expected).all(|(output, expected)| {
        let (Ok(output), Ok(expected)) = (output.parse::<f64>(), expected.parse::<f64>()) else {
            return false;
        };
        output == expected || (output - expected).abs() <= ABSOLUTE + RELATIVE * expected.abs()
    })
}

fn word_sets<'a>(lines: &[&'a str]) -> BTreeSet<BTreeSet<&'a str>> {
    lines.iter().map(|line| words(line).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_last_digits_are_forgiven() {
        for (output, expected, lines, words) in [
            ("1 2\n3\n", "1 2\n3", true, true),
            (" 1 2 \n\n3", "1 2\n3\n", true, true),
            ("0.333333", "0.3333333333", true, true),
            ("100000001", "100000002", false, false),
            ("2 1\n3", "3\n1 2", false, true),
            ("yes", "YES", false, false),
            ("", "1", false, false),
            ("", "", true, true),
        ] {
            assert_eq!(alike(output, expected, Likeness::Lines), lines, "{output:?} {expected:?}");
            assert_eq!(alike(output, expected, Likeness::Words), words, "{output:?} {expected:?}");
        }
    }
}
