//! Is the answer right? The last number of the answer has to be exactly the expected one.

use num_rational::BigRational;

use crate::action::evaluate;

/// The last number of a text: an optional minus, digits, commas between groups of three, decimals. A minus
/// right behind a digit or a letter is an operator or a hyphen, not a sign.
///
/// ```
/// let number = lagent::batch::final_number("12 x 34 = 408.").expect("there is one");
/// assert_eq!(number, num_rational::BigRational::from_integer(408.into()));
/// ```
#[must_use]
pub fn final_number(text: &str) -> Option<BigRational> {
    let characters: Vec<char> = text.chars().collect();
    let end = characters.iter().rposition(char::is_ascii_digit)? + 1;
    let mut start = end;
    while start > 0 && is_inside_number(&characters, start - 1) {
        start -= 1;
    }
    let digits: String = characters[start..end].iter().collect();
    let before = |offset: usize| start.checked_sub(offset).map(|at| characters[at]);
    let signed = matches!(before(1), Some('-' | '−')) && !before(2).is_some_and(char::is_alphanumeric);
    whole_number(&if signed { format!("-{digits}") } else { digits })
}

/// Whether the character at `at` belongs to the number whose next character is at `at + 1`.
fn is_inside_number(characters: &[char], at: usize) -> bool {
    let digit_before = at > 0 && characters[at - 1].is_ascii_digit();
    match characters[at] {
        character if character.is_ascii_digit() => true,
        // `3.5` and `1,234`, but not the end of a sentence before another number.
        '.' | ',' => digit_before && characters[at + 1].is_ascii_digit(),
        _ => false,
    }
}

/// The value of a text that is nothing but a number.
pub(super) fn whole_number(text: &str) -> Option<BigRational> {
    let text = text.trim();
    let unsigned = text.strip_prefix(['-', '+', '−']).unwrap_or(text);
    let plain = |character: char| character.is_ascii_digit() || matches!(character, '.' | ',');
    if unsigned.is_empty() || !unsigned.chars().all(plain) {
        return None;
    }
    evaluate(text).ok()
}

/// Whether an answer's last number is exactly `expected`.
#[must_use]
pub fn is_correct(answer: &str, expected: &str) -> bool {
    match (final_number(answer), whole_number(expected)) {
        (Some(found), Some(expected)) => found == expected,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_counts_exactly() {
        for (answer, expected, right) in [
            ("408", "408", true),
            ("The answer is 408.", "408", true),
            ("12 x 34 = 408", "408", true),
            ("The result is 1,234,567!", "1234567", true),
            ("7 - 10 = -3.", "-3", true),
            ("The result is −3", "-3", true),
            ("10-3", "-3", false),
            ("3.50 in total", "3.5", true),
            ("408 is 12 x 34", "408", false),
            ("4080", "408", false),
            ("no number", "408", false),
            ("", "408", false),
            ("It is 12.34.", "12.34", true),
        ] {
            assert_eq!(is_correct(answer, expected), right, "{answer} / {expected}");
        }
    }
}
