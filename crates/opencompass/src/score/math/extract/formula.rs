//! From the formulas of an answer to its value and its text.

use super::environment::Formulas;
use crate::score::math::latex::{Expr, parse};
use crate::score::math::normal::{Boxes, Repairs, last_side, normalized};
use crate::score::math::shape::settled;

/// Reads the formulas of one answer. Several of them are a set, if all can be read.
pub(super) fn read(formulas: &Formulas<'_>, boxes: Boxes, repairs: Repairs) -> (Option<Expr>, String) {
    let mut texts: Vec<String> = Vec::with_capacity(formulas.parts.len());
    let mut values: Vec<Option<Expr>> = Vec::with_capacity(formulas.parts.len());
    for formula in &formulas.parts {
        let text = normalized(formula.text, boxes, repairs);
        let value = value_of(&text);
        values.push(if formula.percent { value.map(percent) } else { value });
        texts.push(text);
    }
    if values.len() == 1 || values.iter().any(Option::is_none) {
        return (values.swap_remove(0), texts.swap_remove(0));
    }
    let elements = values.into_iter().flatten().flat_map(|value| match value {
        Expr::Set(elements) => elements,
        other => vec![other],
    });
    (Some(Expr::set(elements.collect())), texts.join(" and "))
}

/// Parses a formula; if that fails, the last side of a chain of equations.
fn value_of(text: &str) -> Option<Expr> {
    let parsed = parse(text).or_else(|| {
        let last = last_side(text);
        if last.len() < text.len() { parse(last) } else { None }
    });
    parsed.map(settled)
}

fn percent(value: Expr) -> Expr {
    match value {
        Expr::Number(_) | Expr::Decimal(_) => Expr::Percent(Box::new(value)),
        other => Expr::product(vec![other, Expr::Percent(Box::new(Expr::integer(1)))]),
    }
}
