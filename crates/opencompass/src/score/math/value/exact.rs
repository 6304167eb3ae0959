//! Exact values of formulas without variables, where the value is a fraction of whole numbers.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::score::math::latex::Expr;

/// The maximum size of a numerator or a denominator in bits. Larger values are compared as floating-point numbers.
const MAX_BITS: u64 = 2048;

/// The maximum argument of a factorial and a binomial coefficient.
const MAX_FACTORIAL: u32 = 170;

/// Computes the exact value. `None` if there are variables, if the value is not rational, or if it is too large.
pub(in crate::score::math) fn exact(expr: &Expr) -> Option<BigRational> {
    let value = match expr {
        Expr::Number(value) | Expr::Decimal(value) => value.clone(),
        Expr::Percent(inner) => exact(inner)? / BigRational::from_integer(BigInt::from(100)),
        Expr::Add(terms) => fold(terms, BigRational::zero(), |sum, term| sum + term)?,
        Expr::Mul(factors) => fold(factors, BigRational::one(), |product, factor| product * factor)?,
        Expr::Pow(base, exponent) => power(&exact(base)?, &exact(exponent)?)?,
        Expr::Call(name, arguments) => {
            let arguments: Vec<BigRational> = arguments.iter().map(exact).collect::<Option<_>>()?;
            call(name, &arguments)?
        }
        _ => return None,
    };
    fits(&value).then_some(value)
}

fn fits(value: &BigRational) -> bool {
    value.numer().bits() <= MAX_BITS && value.denom().bits() <= MAX_BITS
}

fn fold(
    items: &[Expr],
    start: BigRational,
    step: impl Fn(BigRational, BigRational) -> BigRational,
) -> Option<BigRational> {
    let mut value = start;
    for item in items {
        value = step(value, exact(item)?);
        if !fits(&value) {
            return None;
        }
    }
    Some(value)
}

/// Computes a power. A root has to come out even.
fn power(base: &BigRational, exponent: &BigRational) -> Option<BigRational> {
    let degree = exponent.denom().to_u32().filter(|degree| *degree <= 64)?;
    let root = if degree == 1 { base.clone() } else { root(base, degree)? };
    let times = exponent.numer().abs().to_u64().filter(|times| *times <= MAX_BITS)?;
    let bits = root.numer().bits().max(root.denom().bits());
    if bits.saturating_mul(times) > 2 * MAX_BITS || (root.is_zero() && !exponent.is_positive()) {
        return None;
    }
    let times = u32::try_from(times).ok()?;
    let (upper, lower) = (root.numer().pow(times), root.denom().pow(times));
    Some(if exponent.is_negative() { BigRational::new(lower, upper) } else { BigRational::new(upper, lower) })
}

/// Returns the root of a number that is not negative, if it is rational.
fn root(base: &BigRational, degree: u32) -> Option<BigRational> {
    if base.is_negative() {
        return None;
    }
    let whole = |value: &BigInt| {
        let root = value.nth_root(degree);
        (root.pow(degree) == *value).then_some(root)
    };
    Some(BigRational::new(whole(base.numer())?, whole(base.denom())?))
}

fn call(name: &str, arguments: &[BigRational]) -> Option<BigRational> {
    match (name, arguments) {
        ("abs", [value]) => Some(value.abs()),
        ("floor", [value]) => Some(value.floor()),
        ("ceiling", [value]) => Some(value.ceil()),
        ("factorial", [value]) => factorial(small(value)?),
        ("binomial", [upper, lower]) => {
            let (upper, lower) = (small(upper)?, small(lower)?);
            if lower > upper {
                return Some(BigRational::zero());
            }
            Some(factorial(upper)? / (factorial(lower)? * factorial(upper - lower)?))
        }
        ("max", [first, rest @ ..]) => {
            Some(rest.iter().fold(first, |a, b| if b > a { b } else { a }).clone())
        }
        ("min", [first, rest @ ..]) => {
            Some(rest.iter().fold(first, |a, b| if b < a { b } else { a }).clone())
        }
        ("gcd", [first, rest @ ..]) => whole_fold(first, rest, gcd),
        ("lcm", [first, rest @ ..]) => whole_fold(first, rest, lcm),
        ("mod", [value, modulus]) if !modulus.is_zero() => Some(value - modulus * (value / modulus).floor()),
        _ => None,
    }
}

/// Returns the value as a small whole number.
fn small(value: &BigRational) -> Option<u32> {
    let whole = value.is_integer().then(|| value.numer().to_u32()).flatten();
    whole.filter(|number| *number <= MAX_FACTORIAL)
}

fn factorial(number: u32) -> Option<BigRational> {
    let product = (2..=number).fold(BigInt::one(), |product, factor| product * factor);
    Some(BigRational::from_integer(product))
}

fn whole_fold(
    first: &BigRational,
    rest: &[BigRational],
    step: impl Fn(&BigInt, &BigInt) -> BigInt,
) -> Option<BigRational> {
    let all_whole = first.is_integer() && rest.iter().all(BigRational::is_integer);
    let value = rest.iter().fold(first.numer().clone(), |value, next| step(&value, next.numer()));
    all_whole.then(|| BigRational::from_integer(value))
}

/// Returns the greatest common divisor.
fn gcd(left: &BigInt, right: &BigInt) -> BigInt {
    let (mut left, mut right) = (left.abs(), right.abs());
    while !right.is_zero() {
        (left, right) = (right.clone(), left % right);
    }
    left
}

/// Returns the least common multiple.
fn lcm(left: &BigInt, right: &BigInt) -> BigInt {
    let divisor = gcd(left, right);
    if divisor.is_zero() { divisor } else { (left * right).abs() / divisor }
}
