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
    if !before.ends_with('/')
        && let Some((numerator, denominator, rest)) = fraction(text)
        && let Some(number) = Number::ratio(numerator, denominator)
    {
        return Some((number, rest));
    }
    let (whole, after) = whole_part(text);
    let (decimals, rest) = decimals(after);
    if whole.is_empty() && decimals.is_empty() {
        return None;
    }
    if decimals.is_empty() {
        if whole == "10"
            && let Some((exponent, rest)) = power(rest)
        {
            return Some((Number::decimal("1".to_owned(), String::new()).shifted(exponent), rest));
        }
        if let Some(mixed) = mixed(&whole, rest) {
            return Some(mixed);
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

/// Splits digits, with a separator between groups of three, from the front of a text. The digits come back
/// without the separators.
fn whole_part(text: &str) -> (String, &str) {
    let (first, mut rest) = text.split_at(digits(text));
    let mut whole = first.to_owned();
    let separator = if rest.starts_with(SPACE) { SPACE } else { ',' };
    // `1234,567` is two numbers: nobody writes four digits before a separator.
    while (1..=3).contains(&first.len())
        && let Some(group) = rest.strip_prefix(separator)
        && digits(group) == 3
    {
        whole.push_str(&group[..3]);
        rest = &group[3..];
    }
    (whole, rest)
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

/// Reads `1/2` or `\frac{1}{2}`. Returns numerator, denominator and the text after it.
fn fraction(text: &str) -> Option<(u128, u128, &str)> {
    if let Some(after) = [r"\frac{", r"\dfrac{", r"\tfrac{"].iter().find_map(|frac| text.strip_prefix(*frac))
    {
        let (numerator, after) = after.split_once("}{")?;
        let (denominator, rest) = after.split_once('}')?;
        return Some((
            whole_number(numerator.trim(), NUMERATOR_DIGITS)?,
            whole_number(denominator.trim(), FRACTION_DIGITS)?,
            rest,
        ));
    }
    let (numerator, rest) = whole_part(text);
    let (denominator, rest) = whole_part(rest.strip_prefix('/')?);
    // A third part, a decimal point or a power makes it a date or a calculation.
    if rest.strip_prefix(['/', '.', '^']).is_some_and(|after| digits(after) > 0) {
        return None;
    }
    let numerator = whole_number(&numerator, NUMERATOR_DIGITS)?;
    Some((numerator, whole_number(&denominator, FRACTION_DIGITS)?, rest))
}

/// Reads the fraction of a mixed number such as `1 1/2`, of which `whole` was already read.
fn mixed<'a>(whole: &str, rest: &'a str) -> Option<(Number, &'a str)> {
    let (numerator, denominator, rest) = fraction(rest.strip_prefix([' ', SPACE]).unwrap_or(rest))?;
    if numerator >= denominator {
        return None;
    }
    let whole = whole_number(whole, FRACTION_DIGITS)?;
    Some((Number::ratio(whole * denominator + numerator, denominator)?, rest))
}

/// The value of a text that is nothing but at most `longest` digits.
fn whole_number(text: &str, longest: usize) -> Option<u128> {
    if text.len() > longest || digits(text) != text.len() { None } else { text.parse().ok() }
}
