//! A decimal number as it is written in a text.

use std::fmt;

/// A decimal number of any length. Two numbers are equal when their values are: `7`, `7.0` and `007` are the
/// same number. Printing gives the digits as they were written, without thousands separators.
///
/// ```
/// use internlm_model::answer::Number;
///
/// let number = Number::parse("1,200.50").expect("a number");
/// assert_eq!(number.to_string(), "1200.50");
/// assert_eq!(Some(number), Number::parse("1200.5"));
/// assert_eq!(Number::parse("twelve"), None);
/// ```
#[derive(Clone, Debug)]
pub struct Number {
    sign: Sign,
    /// Digits before the decimal point; empty for `.5`.
    whole: String,
    /// Digits after the decimal point; empty without one.
    fraction: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sign {
    Plus,
    Minus,
}

impl Number {
    /// Reads a text that is nothing but a number: an optional sign, digits with or without commas between
    /// groups of three, and an optional fraction. White space around it is ignored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unsigned = text.strip_prefix(['-', '+', '−']).unwrap_or(text);
        let sign = if text.starts_with(['-', '−']) { Sign::Minus } else { Sign::Plus };
        let (whole, rest) = whole_part(unsigned.as_bytes());
        let fraction = match rest {
            [] => String::new(),
            [b'.', fraction @ ..] if fraction.iter().all(u8::is_ascii_digit) => digits(fraction),
            _ => return None,
        };
        let known = !whole.is_empty() || !fraction.is_empty();
        known.then_some(Self { sign, whole, fraction })
    }

    /// The value in its only canonical form: no zeros at either end, and no negative zero.
    fn value(&self) -> (Sign, &str, &str) {
        let whole = self.whole.trim_start_matches('0');
        let fraction = self.fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        (if zero { Sign::Plus } else { self.sign }, whole, fraction)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl Eq for Number {}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.sign == Sign::Minus { "-" } else { "" };
        let whole = if self.whole.is_empty() { "0" } else { &self.whole };
        let point = if self.fraction.is_empty() { "" } else { "." };
        write!(formatter, "{sign}{whole}{point}{}", self.fraction)
    }
}

/// Finds the last number of a text, which is what a sentence such as `12 x 34 = 408.` answers.
///
/// A minus directly after a letter, a digit or a closing parenthesis is an operator or a hyphen, not a sign:
/// the last number of `10-3` is 3. A full stop counts as a decimal point only between digits.
///
/// ```
/// use internlm_model::answer::{Number, final_number};
///
/// assert_eq!(final_number("7 - 10 is -3."), Number::parse("-3"));
/// assert_eq!(final_number("no idea"), None);
/// ```
#[must_use]
pub fn final_number(text: &str) -> Option<Number> {
    let bytes = text.as_bytes();
    let mut last = None;
    let mut next = 0;
    while let Some(start) = bytes[next..].iter().position(u8::is_ascii_digit).map(|offset| next + offset) {
        let (whole, rest) = whole_part(&bytes[start..]);
        let fraction = match rest {
            [b'.', after @ ..] => {
                digits(&after[..after.iter().take_while(|byte| byte.is_ascii_digit()).count()])
            }
            _ => String::new(),
        };
        next = bytes.len() - rest.len() + if fraction.is_empty() { 0 } else { fraction.len() + 1 };
        last = Some(Number { sign: sign_before(&text[..start]), whole, fraction });
    }
    last
}

/// Splits digits, with commas between groups of three, from the front of a text. The digits come back without
/// the commas.
fn whole_part(bytes: &[u8]) -> (String, &[u8]) {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (first, mut rest) = bytes.split_at(length);
    let mut whole = digits(first);
    // `1234,567` is two numbers: nobody writes four digits before a separator.
    while (1..=3).contains(&length)
        && let [b',', group @ ..] = rest
        && group.iter().take_while(|byte| byte.is_ascii_digit()).count() == 3
    {
        whole.push_str(&digits(&group[..3]));
        rest = &group[3..];
    }
    (whole, rest)
}

/// ASCII digits as text.
fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The sign of a number, judged by the text in front of it.
fn sign_before(text: &str) -> Sign {
    let Some(before) = text.strip_suffix(['-', '−']) else { return Sign::Plus };
    let operator = |letter: char| letter.is_alphanumeric() || letter == ')';
    if before.ends_with(operator) { Sign::Plus } else { Sign::Minus }
}
