//! Shapes of formulas that a comparison unwraps: equations, assignments, and intervals that cannot be meant as such.

use super::latex::{Constant, End, Expr, Interval, Sign};
use super::value::real;

/// Says whether this is an equation, or a chain of equations.
pub(super) fn is_equation(expr: &Expr) -> bool {
    matches!(expr, Expr::Relation(_, rest) if rest.iter().all(|(sign, _)| *sign == Sign::Equal))
}

/// Says whether this is an equation whose first side is a variable: `x = 5`.
pub(super) fn is_assignment(expr: &Expr) -> bool {
    is_equation(expr) && matches!(expr, Expr::Relation(first, _) if first.has_only_symbols())
}

/// Returns the last side of a relation, or the expression itself.
pub(super) fn last_side(expr: &Expr) -> &Expr {
    match expr {
        Expr::Relation(first, rest) => rest.last().map_or(&**first, |(_, side)| side),
        other => other,
    }
}

/// Shortens `x = a = b` to `x = b`.
pub(super) fn shortened(expr: &Expr) -> Expr {
    match expr {
        Expr::Relation(first, rest) => {
            Expr::Relation(first.clone(), rest.last().cloned().into_iter().collect())
        }
        other => other.clone(),
    }
}

/// Returns the interval that an inequality of one variable describes: `1 < x < 2` is `(1, 2)`.
pub(super) fn as_interval(relation: &Expr) -> Option<Expr> {
    let Expr::Relation(first, rest) = relation else { return None };
    let first: &Expr = first;
    let infinite = |constant| (Expr::Constant(constant), End::Open);
    let (mut left, mut right) = (infinite(Constant::MinusInfinity), infinite(Constant::Infinity));
    let is_variable = |side: &Expr| matches!(side, Expr::Symbol(_));
    let mut bound = |sign: Sign, value: &Expr| {
        match sign {
            Sign::Less => right = (value.clone(), End::Open),
            Sign::LessEqual => right = (value.clone(), End::Closed),
            Sign::Greater => left = (value.clone(), End::Open),
            Sign::GreaterEqual => left = (value.clone(), End::Closed),
            _ => return None,
        }
        Some(())
    };
    match rest.as_slice() {
        [(sign, value)] if is_variable(first) => bound(*sign, value)?,
        [(sign, variable)] if is_variable(variable) => bound(sign.flipped()?, first)?,
        [(low, variable), (high, value)] if is_variable(variable) => {
            bound(low.flipped()?, first)?;
            bound(*high, value)?;
        }
        _ => return None,
    }
    Some(Expr::Interval(Box::new(Interval { left, right })))
}

/// Replaces intervals that cannot be meant as such, everywhere in a formula: `(8, -2)` is a point, `[2, 2]` is a set of
/// one number, and infinite ends are open.
pub(super) fn settled(expr: Expr) -> Expr {
    let all = |items: Vec<Expr>| items.into_iter().map(settled).collect::<Vec<_>>();
    match expr {
        Expr::Interval(interval) => settled_interval(*interval),
        Expr::Set(items) => Expr::set(all(items)),
        Expr::Tuple(items) => Expr::Tuple(all(items)),
        Expr::Union(items) => Expr::Union(all(items).into_iter().map(tuple_to_set).collect()),
        Expr::Intersection(items) => Expr::Intersection(all(items).into_iter().map(tuple_to_set).collect()),
        Expr::Complement(left, right) => {
            let side = |side: Expr| Box::new(tuple_to_set(settled(side)));
            Expr::Complement(side(*left), side(*right))
        }
        Expr::Relation(first, rest) => {
            let rest = rest.into_iter().map(|(sign, side)| (sign, settled(side))).collect();
            Expr::Relation(Box::new(settled(*first)), rest)
        }
        other => other,
    }
}

fn tuple_to_set(expr: Expr) -> Expr {
    match expr {
        Expr::Tuple(items) => Expr::set(items),
        other => other,
    }
}

fn settled_interval(interval: Interval) -> Expr {
    let Interval { mut left, mut right } = interval;
    if let (Some(start), Some(end)) = (real(&left.0), real(&right.0)) {
        match (left.1, right.1) {
            (End::Open, End::Open) if end <= start => return Expr::Tuple(vec![left.0, right.0]),
            (End::Closed, End::Closed) if end < start => return Expr::Tuple(vec![left.0, right.0]),
            (End::Closed, End::Closed) if end == start => return Expr::Set(vec![left.0]),
            _ => {}
        }
    }
    if left.0 == Expr::Constant(Constant::MinusInfinity) {
        left.1 = End::Open;
    }
    if right.0 == Expr::Constant(Constant::Infinity) {
        right.1 = End::Open;
    }
    Expr::Interval(Box::new(Interval { left, right }))
}
