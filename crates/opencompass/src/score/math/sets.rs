//! Equality of sets, intervals and tuples.

use super::compare::Comparison;
use super::latex::{End, Expr, Interval};
use super::region::Region;

/// The maximum number of elements that are matched in any order. Longer lists are compared as they stand.
const MAX_MATCHED: usize = 32;

/// Whether the order of elements counts.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Order {
    Counts,
    Free,
}

impl Comparison {
    /// Compares two formulas of which one is a set or a tuple. Anything else counts as a set of one element.
    pub(super) fn lists_equal(&self, gold: &Expr, pred: &Expr) -> bool {
        let (gold, pred) = (listed(gold), listed(pred));
        if let (Expr::Interval(gold), Expr::Interval(pred)) = (&gold, &pred) {
            return self.ends_equal(gold, pred);
        }
        if gold == pred || regions_equal(&gold, &pred) {
            return true;
        }
        let (Some((gold_items, gold_order)), Some((pred_items, _))) = (items(&gold), items(&pred)) else {
            return false;
        };
        gold_items.len() == pred_items.len() && self.items_equal(&gold_items, &pred_items, gold_order)
    }

    fn ends_equal(&self, gold: &Interval, pred: &Interval) -> bool {
        gold.left.1 == pred.left.1
            && gold.right.1 == pred.right.1
            && self.equal(&gold.left.0, &pred.left.0)
            && self.equal(&gold.right.0, &pred.right.0)
    }

    fn items_equal(&self, gold: &[&Expr], pred: &[&Expr], order: Order) -> bool {
        if order == Order::Counts || gold.len() > MAX_MATCHED {
            return gold.iter().zip(pred).all(|(gold, pred)| self.equal(gold, pred));
        }
        let mut free: Vec<&Expr> = pred.to_vec();
        gold.iter().all(|gold| match free.iter().position(|pred| self.equal(gold, pred)) {
            Some(index) => {
                free.swap_remove(index);
                true
            }
            None => false,
        })
    }
}

/// Takes anything but a set or a tuple for a set of one element.
fn listed(expr: &Expr) -> Expr {
    let is_list = expr.is_set() || matches!(expr, Expr::Tuple(_));
    if is_list { expr.clone() } else { Expr::Set(vec![expr.clone()]) }
}

/// The elements of a finite list. An open interval is also a point with two coordinates.
fn items(expr: &Expr) -> Option<(Vec<&Expr>, Order)> {
    match expr {
        Expr::Set(items) => Some((items.iter().collect(), Order::Free)),
        Expr::Tuple(items) => Some((items.iter().collect(), Order::Counts)),
        Expr::Interval(interval) if interval.left.1 == End::Open && interval.right.1 == End::Open => {
            Some((vec![&interval.left.0, &interval.right.0], Order::Counts))
        }
        _ => None,
    }
}

/// Says whether both are sets of real numbers with the same elements.
fn regions_equal(gold: &Expr, pred: &Expr) -> bool {
    matches!((Region::new(gold), Region::new(pred)), (Some(gold), Some(pred)) if gold == pred)
}
