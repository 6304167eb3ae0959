//! Information content of text: bits per UTF-8 byte, comparable between tokenizers.

use super::{Detail, Metrics, Scores};
use crate::infer::{Measured, Prediction};

/// Sums bits and bytes over all texts, so that long texts weigh as much as they are long.
pub(super) fn bits_per_byte(predictions: &[Prediction]) -> Scores {
    let mut total = Measured::default();
    let mut details = Vec::with_capacity(predictions.len());
    let mut answered = 0;
    for prediction in predictions {
        let mut detail = Detail::failed(prediction);
        if let Some(measured) = &prediction.measured {
            answered += 1;
            total.add(measured);
            detail.score = Some(measured.bits_per_byte());
        }
        details.push(detail);
    }
    let mut metrics = Metrics::new();
    if answered > 0 {
        metrics.insert("bits_per_byte".to_owned(), total.bits_per_byte());
        metrics.insert("bytes".to_owned(), total.bytes as f64);
        metrics.insert("tokens".to_owned(), total.tokens as f64);
    }
    Scores { metrics, details, answered, correct: None }
}
