//! The mathematical equality of two answers.

use super::compare::Comparison;
use super::extract::{Answer, Source, answers};
use super::latex::parse;
use super::normal::{Boxes, Repairs, normalized};
use super::value::real;

/// Says whether a prediction is right by the rules of OpenCompass' `MATHVerifyEvaluator`: its answer is in a box or
/// behind the word "answer", and equal to the reference. `None` if the reference cannot be read.
pub(in crate::score) fn verified(prediction: &str, reference: &str) -> Option<bool> {
    let reference = answers(&format!("${reference}$"), Source::First);
    if reference.value.is_none() && reference.text.is_none() {
        return None;
    }
    // Upstream passes the prediction as the expected answer.
    Some(equal(&answers(prediction, Source::Anchored), &reference))
}

/// Says whether two formulas are equal by the defaults of the library math-verify.
pub(in crate::score) fn formulas_equal(prediction: &str, reference: &str) -> bool {
    let read = |formula: &str| answers(&format!("${formula}$"), Source::Anywhere);
    equal(&read(reference), &read(prediction))
}

/// Computes the real value of a formula without variables.
pub(in crate::score) fn formula_value(formula: &str) -> Option<f64> {
    let formula = normalized(formula, Boxes::All, Repairs::All);
    real(&parse(&formula)?).filter(|value| value.is_finite())
}

/// Compares values, then texts.
fn equal(gold: &Answer, pred: &Answer) -> bool {
    if let (Some(gold), Some(pred)) = (&gold.value, &pred.value)
        && Comparison::new().equal(gold, pred)
    {
        return true;
    }
    let text = |answer: &Answer| answer.text.as_deref().unwrap_or_default().trim().to_owned();
    let (gold, pred) = (text(gold), text(pred));
    !gold.is_empty() && gold == pred
}
