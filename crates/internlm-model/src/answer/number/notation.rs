//! The ways in which a number is written: digits in groups, exponents, powers of ten, fractions.

use super::Number;
use super::plain::SPACE;

/// Maximum power of ten. Larger ones would make a short text a long number.
const MAX_EXPONENT: i32 = 4096;
/// Maximum number of digits of a denominator, and of the whole number in front of a fraction.
const FRACTION_DIGITS: usize = 18;
/// Maximum number of digits of a numerator: one and a half as `3/2` has to be readable.
const NUMERATOR_DIGITS: usize = 37;

/// Reads the number that begins at byte `start` of a plain text, without a sign. Returns it with its end.
pub(in crate::answer) fn read(text: &str, start: usize) -> Option<(Number, usize)> {
    let (number, rest) = notation(&text[..start], &text[start..])?;
    Some((number, text.len() - rest.len()))
}

fn notation<'a>(before: &str, text: &'a str) -> Option<(Number, &'a str)> {
    // `12/31/2024` is a date. Its parts are numbers, but no two of them are a fraction.
    if !before.trim_end_matches(' ').ends_with('/')
        && let Some((fraction, rest)) = fraction(text)
        && let Some(number) = fraction.number()
    {
        return Some((number, rest));
    }
    let (whole, decimals, rest) = decimal(text);
    if whole.is_empty() && decimals.is_empty() {
        return None;
    }
    if decimals.is_empty() {
        if whole == "10"
            && let Some((exponent, rest)) = power(rest)
        {
            return Some((Number::decimal("1".to_owned(), String::new()).shifted(exponent), rest));
        }
        if let Some(found) = mixed(&whole, rest).or_else(|| whole_power(&whole, rest)) {
            return Some(found);
        }
    }
    let number = Number::decimal(whole, decimals.to_owned());
    match exponent(rest) {
        Some((exponent, rest)) => Some((number.shifted(exponent), rest)),
        None => Some((number, rest)),
    }
}

/// Number of ASCII digits at the front of a text.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Splits digits, with separators between groups, a point and decimals from the front of a text.
fn decimal(text: &str) -> (String, &str, &str) {
    if let Some(continental) = continental(text) {
        return continental;
    }
    let (whole, after) = whole_part(text);
    let (decimals, rest) = decimals(after);
    (whole, decimals, rest)
}

/// Splits digits, with a separator between groups, from the front of a text. The digits come back without the
/// separators.
fn whole_part(text: &str) -> (String, &str) {
    let (first, rest) = text.split_at(digits(text));
    // `1234,567` is two numbers: nobody writes four digits before a separator.
    if !(1..=3).contains(&first.len()) {
        return (first.to_owned(), rest);
    }
    let separator = [SPACE, '\'', '_'].into_iter().find(|mark| rest.starts_with(*mark)).unwrap_or(',');
    let (inner, behind) = indian(first, rest).unwrap_or_else(|| groups(rest, separator));
    (first.chars().chain(inner.chars().filter(char::is_ascii_digit)).collect(), behind)
}

/// Splits groups of three digits, each behind a separator, from the front of a text.
fn groups(text: &str, separator: char) -> (&str, &str) {
    let mut rest = text;
    while let Some(group) = rest.strip_prefix(separator).filter(|group| digits(group) == 3) {
        rest = &group[3..];
    }
    text.split_at(text.len() - rest.len())
}

/// Splits the groups of India, which are of two digits but for the last one: `12,34,567`.
fn indian<'a>(first: &str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let mut rest = text;
    while let Some(group) = rest.strip_prefix(',').filter(|group| digits(group) == 2) {
        rest = &group[2..];
    }
    let last = rest.strip_prefix(',').filter(|group| digits(group) == 3)?;
    let pairs = rest.len() < text.len() && first.len() <= 2;
    pairs.then(|| text.split_at(text.len() - last.len() + 3))
}

/// Splits a number with points between groups of three digits from the front of a text: `1.234.567`, and
/// `1.234,5` with a comma in front of the decimals. `1.234` is a decimal number.
fn continental(text: &str) -> Option<(String, &str, &str)> {
    let (first, rest) = text.split_at(digits(text));
    let (points, rest) = groups(rest, '.');
    if !(1..=3).contains(&first.len()) || points.is_empty() {
        return None;
    }
    let whole = first.chars().chain(points.chars().filter(char::is_ascii_digit)).collect();
    let (decimals, behind) = match rest.strip_prefix(',') {
        Some(behind) if matches!(digits(behind), 1 | 2) => behind.split_at(digits(behind)),
        // One point without a comma is a decimal point.
        _ if points.len() > ".234".len() => ("", rest),
        _ => return None,
    };
    // More of it would make it a list, a version or an address.
    let goes_on = behind.strip_prefix(['.', ',']).is_some_and(|after| digits(after) > 0);
    (!goes_on).then_some((whole, decimals, behind))
}

/// Splits a decimal point with digits from the front of a text. A point without digits is a full stop.
fn decimals(text: &str) -> (&str, &str) {
    match text.strip_prefix('.') {
        Some(after) if digits(after) > 0 => after.split_at(digits(after)),
        _ => ("", text),
    }
}

/// Reads an exponent such as `e-6` or ` x 10^8`.
fn exponent(text: &str) -> Option<(i32, &str)> {
    if let Some(after) = text.strip_prefix(['e', 'E']) {
        let (exponent, rest) = signed(after)?;
        let ends = !rest.starts_with(|next: char| next.is_ascii_alphanumeric());
        return ends.then_some((exponent, rest));
    }
    let spaces = [' ', SPACE];
    let text = text.trim_start_matches(spaces);
    let times = ["×", "x", "*", "·", r"\times", r"\cdot"];
    let factor = times.iter().find_map(|times| text.strip_prefix(*times))?;
    power(factor.trim_start_matches(spaces).strip_prefix("10")?)
}

/// Reads what makes 10 a power of ten: `^8`, `^{-8}`, `**8` or superscript digits.
fn power(text: &str) -> Option<(i32, &str)> {
    if let Some(after) = text.strip_prefix('^').or_else(|| text.strip_prefix("**")) {
        let Some(braced) = after.strip_prefix('{') else { return signed(after) };
        let (exponent, rest) = signed(braced)?;
        return Some((exponent, rest.strip_prefix('}')?));
    }
    let raised: String = text.chars().map_while(superscript).collect();
    let end = text.char_indices().nth(raised.len()).map_or(text.len(), |(at, _)| at);
    let (exponent, rest) = signed(&raised)?;
    rest.is_empty().then_some((exponent, &text[end..]))
}

/// The ASCII character of a superscript.
fn superscript(character: char) -> Option<char> {
    let place = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺".chars().position(|raised| raised == character)?;
    "0123456789-+".chars().nth(place)
}

/// Reads a whole number with an optional sign.
fn signed(text: &str) -> Option<(i32, &str)> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (number, rest) = unsigned.split_at(digits(unsigned));
    let number = number.parse::<i32>().ok().filter(|number| *number <= MAX_EXPONENT)?;
    Some((if text.starts_with('-') { -number } else { number }, rest))
}

/// Reads a power of another whole number than 10, such as `2^10`.
fn whole_power<'a>(whole: &str, rest: &'a str) -> Option<(Number, &'a str)> {
    let (exponent, rest) = power(rest)?;
    let value = whole_number(whole, FRACTION_DIGITS)?.checked_pow(u32::try_from(exponent).ok()?)?;
    Some((Number::decimal(value.to_string(), String::new()), rest))
}

/// A numerator and a denominator.
struct Fraction {
    numerator: u128,
    denominator: u128,
    /// Whether exactly one of them has a minus sign.
    is_negative: bool,
}

impl Fraction {
    fn number(&self) -> Option<Number> {
        let number = Number::ratio(self.numerator, self.denominator)?;
        Some(if self.is_negative { number.negated() } else { number })
    }
}

/// Reads `1/2`, `1 / 2` or `\frac{1}{2}`, and returns it with the text after it.
fn fraction(text: &str) -> Option<(Fraction, &str)> {
    if let Some(after) =
        [r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"].iter().find_map(|frac| text.strip_prefix(*frac))
    {
        return latex_fraction(after);
    }
    let (numerator, rest) = whole_part(text);
    let (denominator, rest) =
        whole_part(rest.trim_start_matches(' ').strip_prefix('/')?.trim_start_matches(' '));
    // A third part, a decimal point or a power makes it a date or a calculation.
    let further = rest.trim_start_matches(' ').strip_prefix('/').map(|after| after.trim_start_matches(' '));
    let further = further.or_else(|| rest.strip_prefix(['.', '^']));
    if further.is_some_and(|after| digits(after) > 0) {
        return None;
    }
    let numerator = whole_number(&numerator, NUMERATOR_DIGITS)?;
    let denominator = whole_number(&denominator, FRACTION_DIGITS)?;
    Some((Fraction { numerator, denominator, is_negative: false }, rest))
}

/// Reads the two arguments of `\frac`: `{1}{2}`, and `12` or `1{2}` for arguments of one digit.
fn latex_fraction(text: &str) -> Option<(Fraction, &str)> {
    let (above, rest) = argument(text)?;
    let (below, rest) = argument(rest)?;
    let (above_minus, above) = sign(above);
    let (below_minus, below) = sign(below);
    let (numerator, above_places) = scaled(above)?;
    let (denominator, below_places) = scaled(below)?;
    let numerator = raised(numerator, below_places, NUMERATOR_DIGITS)?;
    let denominator = raised(denominator, above_places, FRACTION_DIGITS)?;
    Some((Fraction { numerator, denominator, is_negative: above_minus != below_minus }, rest))
}

/// A number times a power of ten, unless that has more than `longest` digits.
fn raised(number: u128, places: usize, longest: usize) -> Option<u128> {
    let power = |digits: usize| 10_u128.checked_pow(u32::try_from(digits).ok()?);
    number.checked_mul(power(places)?).filter(|product| power(longest).is_some_and(|limit| *product < limit))
}

/// An argument of LaTeX: what is in braces, or one digit.
fn argument(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(' ');
    match text.strip_prefix('{') {
        Some(inside) => inside.split_once('}'),
        None => (digits(text) > 0).then(|| text.split_at(1)),
    }
}

/// Splits a minus sign from a text and says whether there was one.
fn sign(text: &str) -> (bool, &str) {
    let text = text.trim();
    match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned.trim_start()),
        None => (false, text),
    }
}

/// A text that is nothing but a number as a whole number and the count of its decimals.
fn scaled(text: &str) -> Option<(u128, usize)> {
    let (whole, decimals, rest) = decimal(text);
    let longest = if decimals.is_empty() { NUMERATOR_DIGITS } else { FRACTION_DIGITS };
    let number = whole_number(&format!("{whole}{decimals}"), longest)?;
    rest.is_empty().then_some((number, decimals.len()))
}

/// Reads the fraction of a mixed number such as `1 1/2`, of which `whole` was already read.
fn mixed<'a>(whole: &str, rest: &'a str) -> Option<(Number, &'a str)> {
    let (fraction, rest) = fraction(rest.strip_prefix([' ', SPACE]).unwrap_or(rest))?;
    let Fraction { numerator, denominator, is_negative } = fraction;
    if is_negative || numerator >= denominator {
        return None;
    }
    let whole = whole_number(whole, FRACTION_DIGITS)?;
    let sum = whole.checked_mul(denominator)?.checked_add(numerator)?;
    Some((Number::ratio(sum, denominator)?, rest))
}

/// The value of a text that is nothing but at most `longest` digits.
fn whole_number(text: &str, longest: usize) -> Option<u128> {
    if text.len() > longest || digits(text) != text.len() { None } else { text.parse().ok() }
}
