//! GSM8K: `Gsm8kEvaluator` of OpenCompass.

/// Equal strings, or `|float(prediction) - int(reference)| < 1e-6`.
#[must_use]
pub fn gsm8k_equal(prediction: &str, reference: &str) -> bool {
    if prediction == reference {
        return true;
    }
    // Python's float() and int() skip white space around a number.
    let prediction = prediction.trim().parse::<f64>();
    let reference = reference.trim().parse::<i64>();
    matches!((prediction, reference), (Ok(prediction), Ok(reference)) if (prediction - reference as f64).abs() < 1e-6)
}
