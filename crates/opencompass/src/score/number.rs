//! Numbers that are equal in value: `42`, `42.0` and `1,000` against `1000`.

/// Whether both texts are numbers of one value. Text that is no number equals nothing.
///
/// ```
/// use opencompass::score::number_equal;
/// assert!(number_equal("1,000", "1000.0"));
/// assert!(!number_equal("", ""));
/// ```
#[must_use]
pub fn number_equal(prediction: &str, reference: &str) -> bool {
    let value = |text: &str| text.trim().replace(',', "").parse::<f64>().ok();
    match (value(prediction), value(reference)) {
        (Some(a), Some(b)) => a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        _ => false,
    }
}
