//! Exact match: `EMEvaluator` of OpenCompass.

use super::post::general;

/// Whether the prediction's normal form is one of the references, as they are or in normal form.
#[must_use]
pub fn exact_match(prediction: &str, references: &[String]) -> bool {
    let prediction = general(prediction);
    references.iter().any(|reference| *reference == prediction || general(reference) == prediction)
}
