//! The constants that are not fractions, to sixty digits.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Pow;

/// The digits of the circle's number, of which the first is in front of the point.
const PI: &str = "314159265358979323846264338327950288419716939937510582097494";
/// The digits of Euler's number, of which the first is in front of the point.
const E: &str = "271828182845904523536028747135266249775724709369995957496696";

/// The ratio of a circle's circumference to its diameter.
pub(super) fn pi() -> BigRational {
    number(PI)
}

/// The base of the natural logarithm.
pub(super) fn e() -> BigRational {
    number(E)
}

fn number(digits: &str) -> BigRational {
    let whole = digits.parse::<BigInt>().unwrap_or_default();
    BigRational::new(whole, BigInt::from(10).pow(digits.len() - 1))
}
