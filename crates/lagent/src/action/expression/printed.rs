//! Numbers as text: exact ones with all their digits, rounded ones with those that are certain.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Number of decimals printed for a fraction whose decimal form never ends; zeros after the point do not count.
const DECIMALS: u32 = 12;
/// Maximum number of decimals in front of the first significant digit, that digit included, without an exponent.
const PLAIN_DECIMALS: u32 = 4;
/// Exponents of rounded numbers that are written without an exponent.
const PLAIN: std::ops::Range<i32> = -4..15;

/// Prints a number: whole numbers and finite decimals exactly, all others as `a/b ≈ decimal`.
#[must_use]
pub fn number_text(value: &BigRational) -> String {
    if value.is_integer() {
        return value.numer().to_string();
    }
    match decimals_needed(value.denom()) {
        Some(decimals) => decimal_text(value, decimals),
        None => format!("{}/{} ≈ {}", value.numer(), value.denom(), approximate_text(value)),
    }
}

/// Rounds a value that is not 0 to `DECIMALS` significant digits, or decimals if it is 1 or more. Small values have
/// an exponent.
fn approximate_text(value: &BigRational) -> String {
    let place = first_decimal(value);
    if place <= PLAIN_DECIMALS {
        return decimal_text(value, DECIMALS + place.saturating_sub(1));
    }
    let scaled = value.abs() * BigRational::from(BigInt::from(10).pow(place + DECIMALS - 1));
    let digits = scaled.round().to_integer().to_string();
    // Rounding may carry into the place before: 9.99 becomes 10.0.
    let exponent = if digits.len() > DECIMALS as usize { place - 1 } else { place };
    let (first, rest) = digits.split_at(1);
    let rest = rest.trim_end_matches('0');
    let sign = if value.is_negative() { "-" } else { "" };
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}e-{exponent}")
}

/// The decimal that the first significant digit of a value has: 1 for 0.5, 2 for 0.05, and 0 for 1 or more.
fn first_decimal(value: &BigRational) -> u32 {
    let digits = |number: &BigInt| number.magnitude().to_string().len();
    let at_least = digits(value.denom()).saturating_sub(digits(value.numer()));
    let at_least = u32::try_from(at_least).expect("numbers have at most `BITS` bits");
    let shifted = value.abs() * BigRational::from(BigInt::from(10).pow(at_least));
    if shifted < BigRational::one() { at_least + 1 } else { at_least }
}

/// Counts the decimals of the fraction 1/denominator; `None` if they never end.
fn decimals_needed(denominator: &BigInt) -> Option<u32> {
    let (mut rest, mut count) = (denominator.clone(), [0_u32; 2]);
    for (count, prime) in count.iter_mut().zip([2, 5]) {
        while (&rest % BigInt::from(prime)).is_zero() {
            rest /= BigInt::from(prime);
            *count += 1;
        }
    }
    rest.is_one().then_some(count[0].max(count[1]))
}

/// Rounds half away from zero to `decimals` and removes trailing zeros.
fn decimal_text(value: &BigRational, decimals: u32) -> String {
    let scaled = (value.abs() * BigRational::from(BigInt::from(10).pow(decimals))).round().to_integer();
    let width = decimals as usize + 1;
    let digits = format!("{scaled:0>width$}");
    let (whole, fraction) = digits.split_at(digits.len() - decimals as usize);
    let sign = if value.is_negative() && !scaled.is_zero() { "-" } else { "" };
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// Prints a rounded number with twelve significant digits.
pub(super) fn rounded_text(value: &BigRational) -> String {
    let Some(number) = value.to_f64().filter(|number| number.is_finite()) else {
        return format!("≈ {}", value.round().numer());
    };
    let scientific = format!("{number:.11e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let shown = if PLAIN.contains(&exponent) {
        let decimals = usize::try_from(11 - exponent).unwrap_or_default();
        trimmed(&format!("{number:.decimals$}")).to_owned()
    } else {
        format!("{}e{exponent}", trimmed(digits))
    };
    format!("≈ {shown}")
}

/// A decimal number without zeros at its end.
fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}
