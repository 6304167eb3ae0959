//! [`measure`]: the scores of a model on comparisons, by domain.

use std::collections::BTreeMap;

use internlm_model::decoder::Decoder;
use internlm_train::{Head, Row, outputs};

use super::encode::RewardPair;
use super::score_stats::ScoreStats;

/// What the scores of pairs come to, together and by domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RewardMeasure {
    /// What the pairs of all domains come to, and those without one.
    pub all: ScoreStats,
    /// Over the pairs of each domain; those without one are in `all` only.
    pub domains: BTreeMap<String, ScoreStats>,
    /// The scores `[chosen, rejected]` of each pair.
    pub scores: Vec<[f64; 2]>,
}

impl RewardMeasure {
    /// Names and values: what [`ScoreStats::named`] gives over all pairs, and the accuracy of each domain as
    /// `accuracy_DOMAIN`.
    #[must_use]
    pub fn named(&self) -> Vec<(String, f64)> {
        let domains = self.domains.iter();
        let domains = domains.map(|(domain, stats)| (format!("accuracy_{domain}"), stats.accuracy()));
        self.all.named().into_iter().chain(domains).collect()
    }
}

/// Scores pairs with a reward model without autodiff, which reads at most `pass_tokens` tokens at once.
///
/// # Errors
/// An id that the model has no embedding for.
pub fn measure(
    decoder: &Decoder,
    pairs: &[RewardPair],
    pass_tokens: usize,
) -> internlm_train::Result<RewardMeasure> {
    let rows: Vec<Row> =
        pairs.iter().flat_map(|pair| &pair.example.samples).map(|sample| Row::sample(&sample.ids)).collect();
    let outputs = outputs(decoder, &rows, Head::Values, pass_tokens)?;
    // The score is the value at the last token.
    let values: Vec<f64> =
        outputs.iter().map(|values| values.last().map_or(0.0, |value| f64::from(*value))).collect();
    let mut measure = RewardMeasure::default();
    for (pair, values) in pairs.iter().zip(values.chunks_exact(2)) {
        let scores = [values[0], values[1]];
        measure.all.add(scores);
        if let Some(domain) = &pair.domain {
            measure.domains.entry(domain.clone()).or_default().add(scores);
        }
        measure.scores.push(scores);
    }
    Ok(measure)
}
