//! What a load test measured.

use serde::Serialize;
use serde_json::{Value, json};

/// The result of one load test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ServingReport {
    /// Number of requests that were sent.
    pub(crate) requests: usize,
    /// Number of requests that were answered in full.
    pub(crate) ok: usize,
    /// Number of requests that failed.
    pub(crate) failed: usize,
    /// Maximum number of requests that ran at the same time.
    pub(crate) concurrency: usize,
    /// Seconds from the first request to the last answer.
    pub(crate) seconds: f64,
    /// Number of tokens in all prompts.
    pub(crate) prompt_tokens: u64,
    /// Number of tokens in all answers.
    pub(crate) output_tokens: u64,
    /// Generated tokens per second, over all requests together.
    pub(crate) tok_s: f64,
    /// Milliseconds from a request to its first token.
    pub(crate) ttft_ms: Percentiles,
    /// Milliseconds between two pieces of an answer.
    pub(crate) itl_ms: Percentiles,
    /// Milliseconds from a request to its end.
    pub(crate) e2e_ms: Percentiles,
    /// Message of the first failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_failure: Option<String>,
}

/// Percentiles of measured times (nearest rank).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    /// The median, in the unit of the values.
    pub(crate) p50: f64,
    /// Nine of ten values are not greater.
    pub(crate) p90: f64,
    /// Ninety-nine of a hundred values are not greater.
    pub(crate) p99: f64,
}

impl Percentiles {
    /// Percentiles of `values`; zeros for no values.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            values.get(rank.saturating_sub(1)).map_or(0.0, |value| rounded(*value))
        };
        Self { p50: at(0.50), p90: at(0.90), p99: at(0.99) }
    }
}

impl ServingReport {
    /// The flat form that the pipeline's table shows.
    pub(crate) fn summary(&self) -> Value {
        json!({
            "requests": self.requests,
            "failed": self.failed,
            "concurrency": self.concurrency,
            "output_tokens": self.output_tokens,
            "tokens_per_second": rounded(self.tok_s),
            "ttft_ms_p50": self.ttft_ms.p50,
            "ttft_ms_p99": self.ttft_ms.p99,
            "itl_ms_p50": self.itl_ms.p50,
            "itl_ms_p99": self.itl_ms.p99,
            "e2e_ms_p50": self.e2e_ms.p50,
        })
    }
}

/// Two decimals, which is more than such measurements are worth.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let percentiles = Percentiles::of((1..=100).rev().map(f64::from).collect());
        assert_eq!((percentiles.p50, percentiles.p90, percentiles.p99), (50.0, 90.0, 99.0));
        assert_eq!(Percentiles::of(vec![7.0]).p99, 7.0);
        assert_eq!(Percentiles::of(Vec::new()), Percentiles::default());
    }
}
