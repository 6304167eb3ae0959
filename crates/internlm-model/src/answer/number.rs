//! [`Number`]: a number as it is written in a text.

mod notation;
mod plain;

use std::fmt;

pub(super) use notation::read;
pub(super) use plain::plain;

/// A decimal number of any length, or a fraction. Two numbers are equal when their values are: `7`, `7.0` and
/// `007` are the same number, and so are `1/2`, `0.5` and `5e-1`. Printing gives the digits as they were written,
/// without thousands separators and exponents; a fraction without a finite decimal form is printed as `1/3`.
///
/// ```
/// use internlm_model::answer::Number;
///
/// let number = Number::parse("1,200.50").expect("a number");
/// assert_eq!(number.to_string(), "1200.50");
/// assert_eq!(Some(number), Number::parse("1200.5"));
/// assert_eq!(Number::parse("1/2"), Number::parse("5e-1"));
/// assert_eq!(Number::parse("twelve"), None);
/// ```
#[derive(Clone, Debug)]
pub struct Number {
    sign: Sign,
    /// Digits before the decimal point; empty for `.5`. The numerator of a fraction.
    whole: String,
    /// Digits after the decimal point; empty without one.
    fraction: String,
    /// 1 for decimal numbers. Otherwise in lowest terms, with a prime factor other than 2 and 5.
    denominator: u128,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sign {
    Plus,
    Minus,
}

impl Number {
    /// Reads a text that is nothing but a number: an optional sign, digits of any script with or without commas,
    /// apostrophes, underscores, thin or no-break spaces between groups, an optional fraction and an optional
    /// exponent; or a fraction such as `1/2`. White space around it is ignored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = plain(text.trim());
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
        let (number, end) = read(unsigned, 0)?;
        let is_whole = number.fraction.is_empty() && number.denominator == 1;
        let complete = match &unsigned[end..] {
            "" => true,
            "." => is_whole,
            _ => false,
        };
        complete.then(|| if text.starts_with('-') { number.negated() } else { number })
    }

    /// The nearest machine number; infinite beyond its range.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        let Self { sign, whole, fraction, denominator } = self;
        let digits =
            format!("{whole}.{fraction}0").parse::<f64>().expect("digits around a point are a number");
        let value = digits / *denominator as f64;
        if *sign == Sign::Minus { -value } else { value }
    }

    /// A number from its digits, without a sign.
    fn decimal(whole: String, fraction: String) -> Self {
        Self { sign: Sign::Plus, whole, fraction, denominator: 1 }
    }

    /// A fraction in lowest terms, or a decimal number where that is exact. `None` for a division by zero.
    fn ratio(numerator: u128, denominator: u128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let common = greatest_common_divisor(numerator, denominator);
        let (numerator, denominator) = (numerator / common, denominator / common);
        let mut other_primes = denominator;
        for prime in [2, 5] {
            while other_primes % prime == 0 {
                other_primes /= prime;
            }
        }
        if other_primes != 1 {
            return Some(Self { denominator, ..Self::decimal(numerator.to_string(), String::new()) });
        }
        let (mut fraction, mut remainder) = (String::new(), numerator % denominator);
        while remainder != 0 {
            fraction.push_str(&(remainder * 10 / denominator).to_string());
            remainder = remainder * 10 % denominator;
        }
        Some(Self::decimal((numerator / denominator).to_string(), fraction))
    }

    /// A decimal number times a power of ten.
    fn shifted(self, exponent: i32) -> Self {
        let count = exponent.unsigned_abs() as usize;
        let zeros = |digits: &str| "0".repeat(count.saturating_sub(digits.len()));
        let (whole, fraction) = if exponent < 0 {
            let digits = zeros(&self.whole) + &self.whole;
            let (whole, moved) = digits.split_at(digits.len() - count);
            (whole.to_owned(), format!("{moved}{}", self.fraction))
        } else {
            let digits = format!("{}{}", self.fraction, zeros(&self.fraction));
            let (moved, fraction) = digits.split_at(count);
            (format!("{}{moved}", self.whole), fraction.to_owned())
        };
        let whole = whole.trim_start_matches('0').to_owned();
        Self { whole, fraction, ..self }
    }

    /// The number with the other sign.
    pub(super) fn negated(self) -> Self {
        let sign = if self.sign == Sign::Minus { Sign::Plus } else { Sign::Minus };
        Self { sign, ..self }
    }

    /// The value in its only canonical form: no zeros at either end, and no negative zero.
    fn value(&self) -> (Sign, &str, &str, u128) {
        let whole = self.whole.trim_start_matches('0');
        let fraction = self.fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        (if zero { Sign::Plus } else { self.sign }, whole, fraction, self.denominator)
    }
}

fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
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
        write!(formatter, "{sign}{whole}")?;
        if self.denominator != 1 {
            return write!(formatter, "/{}", self.denominator);
        }
        let point = if self.fraction.is_empty() { "" } else { "." };
        write!(formatter, "{point}{}", self.fraction)
    }
}
