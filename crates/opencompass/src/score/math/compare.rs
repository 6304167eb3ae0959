//! [`Comparison`]: the comparison of two formulas of any kind, with the rules of math-verify 0.9.

use std::cell::Cell;

use super::equality::scalars_equal;
use super::latex::{Constant, Expr};
use super::shape::{as_interval, is_assignment, is_equation, last_side, shortened};

/// The maximum number of comparisons of parts. Sets of sets could ask for millions.
const MAX_PARTS: u32 = 2000;

/// One comparison, whose work is limited.
pub(super) struct Comparison {
    parts: Cell<u32>,
}

impl Comparison {
    pub(super) fn new() -> Self {
        Self { parts: Cell::new(MAX_PARTS) }
    }

    /// Says whether an answer is equal to the expected one. An equation whose left side is a variable counts as its
    /// right side where the other formula is not an equation. A comparison that takes too long finds them different.
    pub(super) fn equal(&self, gold: &Expr, pred: &Expr) -> bool {
        let Some(left) = self.parts.get().checked_sub(1) else { return false };
        self.parts.set(left);
        let (gold_assigns, gold_equates, pred_equates) =
            (is_assignment(gold), is_equation(gold), is_equation(pred));
        let short_gold: Expr;
        let short_pred: Expr;
        let gold_set: Expr;
        let (mut gold, mut pred) = (gold, pred);
        if gold_assigns {
            short_gold = shortened(gold);
            gold = &short_gold;
        }
        if is_assignment(pred) {
            short_pred = shortened(pred);
            pred = &short_pred;
        }
        if pred_equates && !gold_equates {
            pred = last_side(pred);
        } else if gold_assigns && !pred_equates {
            gold = last_side(gold);
        }
        if pred.is_set()
            && let Some(interval) = as_interval(gold)
        {
            gold_set = interval;
            gold = &gold_set;
        }
        gold == pred || self.unwrapped_equal(gold, pred)
    }

    fn unwrapped_equal(&self, gold: &Expr, pred: &Expr) -> bool {
        let is_list = |expr: &Expr| expr.is_set() || matches!(expr, Expr::Tuple(_));
        match (gold, pred) {
            (Expr::Relation(..), Expr::Relation(..)) => self.relations_equal(gold, pred),
            _ if is_list(gold) || is_list(pred) => self.lists_equal(gold, pred),
            (Expr::Symbol(name), other) | (other, Expr::Symbol(name)) => names_equal(name, other),
            (Expr::Matrix(gold), Expr::Matrix(pred)) => {
                let same_shape = gold.len() == pred.len()
                    && gold.iter().zip(pred).all(|(gold, pred)| gold.len() == pred.len());
                let mut elements = gold.iter().flatten().zip(pred.iter().flatten());
                same_shape && elements.all(|(gold, pred)| scalars_equal(gold, pred))
            }
            _ => gold.is_scalar() && pred.is_scalar() && scalars_equal(gold, pred),
        }
    }
}

/// Compares a name with a formula: `e` is Euler's number, the word `abc` is the product of its letters, and a number
/// in text is that number.
fn names_equal(name: &str, other: &Expr) -> bool {
    match other {
        Expr::Constant(Constant::Euler) => name == "e",
        Expr::Symbol(other) => name.eq_ignore_ascii_case(other),
        Expr::Mul(factors) => {
            let mut joined = String::new();
            for factor in factors {
                match factor {
                    Expr::Symbol(name) => joined.push_str(name),
                    Expr::Constant(Constant::Euler) => joined.push('e'),
                    _ => return false,
                }
            }
            name.to_lowercase() == joined.to_lowercase()
        }
        Expr::Number(value) => name == value.to_string(),
        _ => false,
    }
}
