//! `bits_per_byte`: measures texts, compares nothing.

use crate::infer::Measured;
use crate::score::verdict::detail;
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};

/// Measures bits per UTF-8 byte, which is comparable between tokenizers. Bits and bytes are summed over all texts
/// before the division, so that a long text weighs as much as it is long.
pub(super) struct BitsPerByte;

impl Evaluate for BitsPerByte {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut total = Measured::default();
        let mut details = Vec::with_capacity(items.len());
        let mut answered = 0;
        for item in items {
            let measured = item.prediction.measured.as_ref();
            if let Some(measured) = measured {
                answered += 1;
                total.add(measured);
            }
            details.push(Detail { score: measured.map(Measured::bits_per_byte), ..detail(item) });
        }
        let mut metrics = Metrics::new();
        if answered > 0 {
            metrics.insert("bits_per_byte".to_owned(), total.bits_per_byte());
            metrics.insert("bytes".to_owned(), total.bytes as f64);
            metrics.insert("tokens".to_owned(), total.tokens as f64);
        }
        Scores { metrics, details, answered, ..Scores::default() }
    }
}
