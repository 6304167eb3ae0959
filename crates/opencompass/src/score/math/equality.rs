//! Equality of two scalar expressions: exact where both are fractions, otherwise by their values.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::latex::Expr;
use super::value::{Samples, exact, real};

/// The number of decimals to which a number with a decimal point is compared.
const DECIMALS: u32 = 6;

/// Says whether two scalar expressions are equal. A number with a decimal point is equal to everything that rounds to
/// the same 6 decimals, and 9 % is equal to both 9 and 0.09.
pub(super) fn scalars_equal(left: &Expr, right: &Expr) -> bool {
    if left == right {
        return true;
    }
    let samples = Samples::new(left, right);
    if samples.has_variables() {
        return samples.agree(left, right);
    }
    let (bare_left, bare_right) = (bare(left), bare(right));
    if is_decimal(bare_left) || is_decimal(bare_right) {
        if rounded_equal(left, right) {
            return true;
        }
    } else if is_whole(bare_left) && is_whole(bare_right) && bare_left == bare_right {
        return true;
    }
    match (exact(left), exact(right)) {
        (Some(left), Some(right)) => left == right,
        _ => samples.agree(left, right),
    }
}

/// A number without its percent sign.
fn bare(expr: &Expr) -> &Expr {
    if let Expr::Percent(inner) = expr { inner } else { expr }
}

fn is_decimal(expr: &Expr) -> bool {
    matches!(expr, Expr::Decimal(_))
}

fn is_whole(expr: &Expr) -> bool {
    matches!(expr, Expr::Number(value) if value.is_integer())
}

fn rounded_equal(left: &Expr, right: &Expr) -> bool {
    if let (Some(left), Some(right)) = (exact(left), exact(right)) {
        let scale = BigRational::from_integer(BigInt::from(10).pow(DECIMALS));
        return (left * &scale).round() == (right * &scale).round();
    }
    let rounded = |expr: &Expr| real(expr).map(|value| (value * 10_f64.powi(DECIMALS as i32)).round());
    matches!((rounded(left), rounded(right)), (Some(left), Some(right)) if left == right && left.is_finite())
}
