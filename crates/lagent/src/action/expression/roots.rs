//! Powers and roots that are exact wherever the result is a fraction.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Pow, Signed, ToPrimitive, Zero};

use super::error::ExpressionError;
use super::limits::{BITS, bits};
use super::printed::number_text;
use super::quantity::{Exactness, Quantity};

/// Maximum degree of a root that is computed exactly; a root of a higher degree is a rounded power.
const DEGREE: u32 = 64;

/// Computes a power. The unit of the base is raised as well.
pub(super) fn raise(
    base: &Quantity,
    exponent: &Quantity,
    position: usize,
) -> Result<Quantity, ExpressionError> {
    if !exponent.dimension.is_none() {
        let found = format!("an exponent in {}", exponent.dimension);
        return Err(ExpressionError::Units { position, found, expected: "a plain number".to_owned() });
    }
    let wrong = || ExpressionError::Exponent { position, found: number_text(&exponent.value) };
    let whole = exponent.value.numer().to_i32().filter(|whole| u64::from(whole.unsigned_abs()) <= BITS);
    let degree = exponent.value.denom().to_u32().filter(|degree| *degree <= DEGREE);
    let (Some(whole), Some(degree)) = (whole, degree) else {
        return rounded_power(base, exponent).ok_or_else(wrong);
    };
    if whole < 0 && base.value.is_zero() {
        return Err(ExpressionError::DivisionByZero { position });
    }
    // Checked before computing, since computing is what could exhaust memory: the result has at least half
    // of these bits.
    if bits(&base.value).saturating_sub(1) * u64::from(whole.unsigned_abs()) > BITS {
        return rounded_power(base, exponent).ok_or(ExpressionError::TooLarge { position });
    }
    let raised = Quantity {
        value: Pow::pow(&base.value, whole),
        exactness: base.exactness_with(exponent),
        dimension: base.dimension.power(whole),
        shown: None,
    };
    if degree == 1 { Ok(raised) } else { root(&raised, degree).ok_or_else(wrong) }
}

/// A power of a number without a unit that need not be exact: the exponent is a fraction with a large denominator, or
/// the base is rounded already.
fn rounded_power(base: &Quantity, exponent: &Quantity) -> Option<Quantity> {
    if (exponent.value.is_integer() && base.is_exact()) || !base.dimension.is_none() {
        return None;
    }
    let power = base.value.to_f64()?.powf(exponent.value.to_f64()?);
    BigRational::from_float(power).map(Quantity::rounded)
}

/// The real root of a quantity; `None` for an even root of a negative number or a unit that has no such root.
pub(super) fn root(quantity: &Quantity, degree: u32) -> Option<Quantity> {
    let value = &quantity.value;
    if degree == 0 || (value.is_negative() && degree.is_multiple_of(2)) {
        return None;
    }
    let dimension = quantity.dimension.root(i32::try_from(degree).ok()?)?;
    let (numerator, denominator) = (value.numer().nth_root(degree), value.denom().nth_root(degree));
    let found = BigRational::new(numerator, denominator);
    if Pow::pow(&found, i32::try_from(degree).ok()?) == *value {
        return Some(Quantity { value: found, dimension, ..quantity.clone() });
    }
    Some(Quantity {
        value: nearest_root(value, degree),
        exactness: Exactness::Rounded,
        dimension,
        shown: None,
    })
}

/// A root to about fifty digits: that of the number with so many more zeros.
fn nearest_root(value: &BigRational, degree: u32) -> BigRational {
    const DIGITS: u32 = 50;
    let scale = BigInt::from(10).pow(DIGITS);
    let scaled = value * BigRational::from(Pow::pow(&scale, degree));
    BigRational::new(scaled.to_integer().nth_root(degree), scale)
}
