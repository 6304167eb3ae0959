//! Equality of equations and inequalities.

use super::compare::Comparison;
use super::equality::scalars_equal;
use super::latex::{Expr, Sign};
use super::value::Samples;

/// One relation of a chain.
type Link<'a> = (&'a Expr, Sign, &'a Expr);

impl Comparison {
    /// Compares two relations, or two chains of equal length link by link.
    pub(super) fn relations_equal(&self, gold: &Expr, pred: &Expr) -> bool {
        let (gold, pred) = (links(gold), links(pred));
        gold.len() == pred.len() && gold.iter().zip(&pred).all(|(gold, pred)| self.links_equal(*gold, *pred))
    }

    fn links_equal(&self, gold: Link<'_>, pred: Link<'_>) -> bool {
        let sides = [gold.0, gold.2, pred.0, pred.2];
        if !sides.iter().all(|side| side.is_scalar()) {
            return gold.1 == pred.1 && self.equal(gold.0, pred.0) && self.equal(gold.2, pred.2);
        }
        let gold_difference = Expr::difference(gold.0, gold.2);
        let (pred_difference, pred_flipped) =
            (Expr::difference(pred.0, pred.2), Expr::difference(pred.2, pred.0));
        let flipped = gold.1.flipped() == Some(pred.1);
        if (gold.1 == pred.1 && scalars_equal(&gold_difference, &pred_difference))
            || (flipped && scalars_equal(&gold_difference, &pred_flipped))
        {
            return true;
        }
        // Both sides may be multiplied by a number: `2y = 4x` is `y = 2x`.
        let samples = Samples::new(&gold_difference, &pred_difference);
        let factor =
            samples.has_variables().then(|| samples.factor(&gold_difference, &pred_difference)).flatten();
        factor.is_some_and(|factor| match gold.1 {
            Sign::Equal => pred.1 == Sign::Equal,
            sign if factor > 0.0 => sign == pred.1,
            _ => flipped,
        })
    }
}

/// Splits a chain into its relations.
fn links(expr: &Expr) -> Vec<Link<'_>> {
    let Expr::Relation(first, rest) = expr else { return Vec::new() };
    let mut left: &Expr = first;
    let mut links = Vec::with_capacity(rest.len());
    for (sign, right) in rest {
        links.push((left, *sign, right));
        left = right;
    }
    links
}
