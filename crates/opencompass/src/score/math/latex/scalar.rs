//! Arithmetic on parsed expressions. Scalars stay as they were written, matrices are computed element by element.

use num_traits::{Signed, Zero};

use super::expr::Expr;

/// The maximum number of rows and columns of a matrix in a product.
const MAX_SIDE: usize = 8;

/// Adds two scalars or two matrices of one shape. Anything else cannot be added.
pub(super) fn add(left: Expr, right: Expr) -> Option<Expr> {
    match (left, right) {
        (Expr::Matrix(left), Expr::Matrix(right)) => zipped(left, right),
        (left, right) if left.is_scalar() && right.is_scalar() => {
            let mut terms = match left {
                Expr::Add(terms) => terms,
                other => vec![other],
            };
            match right {
                Expr::Add(more) => terms.extend(more),
                other => terms.push(other),
            }
            Some(Expr::Add(terms))
        }
        _ => None,
    }
}

fn zipped(left: Vec<Vec<Expr>>, right: Vec<Vec<Expr>>) -> Option<Expr> {
    let shape = |rows: &[Vec<Expr>]| rows.iter().map(Vec::len).collect::<Vec<_>>();
    if shape(&left) != shape(&right) {
        return None;
    }
    let mut rows = Vec::with_capacity(left.len());
    for (left, right) in left.into_iter().zip(right) {
        rows.push(left.into_iter().zip(right).map(|(a, b)| add(a, b)).collect::<Option<Vec<_>>>()?);
    }
    Some(Expr::Matrix(rows))
}

/// Changes the sign of a scalar or a matrix.
pub(super) fn negate(value: Expr) -> Option<Expr> {
    match value {
        Expr::Matrix(rows) => each(rows, negate),
        value if value.is_scalar() => Some(value.negated()),
        _ => None,
    }
}

/// Applies a function to every element of a matrix.
fn each(rows: Vec<Vec<Expr>>, apply: impl Fn(Expr) -> Option<Expr>) -> Option<Expr> {
    let row = |row: Vec<Expr>| row.into_iter().map(&apply).collect::<Option<Vec<_>>>();
    rows.into_iter().map(row).collect::<Option<Vec<_>>>().map(Expr::Matrix)
}

/// Multiplies scalars and matrices.
pub(super) fn multiply(left: Expr, right: Expr) -> Option<Expr> {
    match (left, right) {
        (Expr::Matrix(left), Expr::Matrix(right)) => matrix_product(&left, &right),
        (Expr::Matrix(rows), scalar) | (scalar, Expr::Matrix(rows)) => {
            each(rows, |element| multiply(scalar.clone(), element))
        }
        (left, right) if left.is_scalar() && right.is_scalar() => Some(Expr::product(vec![left, right])),
        _ => None,
    }
}

fn matrix_product(left: &[Vec<Expr>], right: &[Vec<Expr>]) -> Option<Expr> {
    let columns = right.first()?.len();
    let fits = left.iter().all(|row| row.len() == right.len());
    if !fits || left.len() > MAX_SIDE || right.len() > MAX_SIDE || columns > MAX_SIDE {
        return None;
    }
    let element = |row: &[Expr], column: usize| {
        let products = row.iter().zip(right).map(|(a, b)| Expr::product(vec![a.clone(), b[column].clone()]));
        Expr::Add(products.collect())
    };
    let rows = left.iter().map(|row| (0..columns).map(|column| element(row, column)).collect());
    Some(Expr::Matrix(rows.collect()))
}

/// Divides by a scalar. Two whole numbers make a fraction; nothing can be divided by zero.
pub(super) fn divide(left: Expr, right: Expr) -> Option<Expr> {
    match (left, right) {
        (Expr::Number(left), Expr::Number(right)) if left.is_integer() && right.is_integer() => {
            (!right.is_zero()).then(|| Expr::Number(left / right))
        }
        (Expr::Matrix(rows), divisor) => each(rows, |element| divide(element, divisor.clone())),
        (left, right) => multiply(left, reciprocal(right)?),
    }
}

/// Returns `1 / value` of a scalar.
pub(super) fn reciprocal(value: Expr) -> Option<Expr> {
    match value {
        Expr::Number(value) if value.is_zero() => None,
        Expr::Number(value) => Some(Expr::Number(value.recip())),
        value => power(value, Expr::integer(-1)),
    }
}

/// Raises a scalar to a power.
pub(super) fn power(base: Expr, exponent: Expr) -> Option<Expr> {
    let fits = base.is_scalar() && exponent.is_scalar();
    fits.then(|| Expr::Pow(Box::new(base), Box::new(exponent)))
}

/// Multiplies neighbors without a sign between them. A whole number before a positive fraction is a mixed number:
/// `2 1/2` is two and a half.
pub(super) fn adjacent(left: Expr, right: Expr) -> Option<Expr> {
    match (left, right) {
        (Expr::Number(whole), Expr::Number(part)) if whole.is_integer() && part.is_positive() => {
            Some(Expr::Number(if whole.is_negative() { whole - part } else { whole + part }))
        }
        (left, right) => multiply(left, right),
    }
}
