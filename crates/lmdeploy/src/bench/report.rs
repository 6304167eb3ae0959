//! What a load test measured.

use serde::Serialize;
use serde_json::{Value, json};

/// The numbers of one load test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServingReport {
    /// Requests sent.
    pub requests: usize,
    /// Requests answered in full.
    pub ok: usize,
    /// Requests that failed.
    pub failed: usize,
    /// Requests under way at a time.
    pub concurrency: usize,
    /// Seconds from the first request to the last answer.
    pub seconds: f64,
    /// Tokens of all prompts.
    pub prompt_tokens: u64,
    /// Tokens of all answers.
    pub output_tokens: u64,
    /// Tokens of answers per second, over all requests.
    pub tok_s: f64,
    /// Milliseconds from a request to its first token.
    pub ttft_ms: Percentiles,
    /// Milliseconds between two pieces of an answer.
    pub itl_ms: Percentiles,
    /// Milliseconds from a request to its end.
    pub e2e_ms: Percentiles,
    /// The first failure, when there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_failure: Option<String>,
}

/// Percentiles of measured times (nearest rank).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: f64,
    /// Nine of ten are not longer.
    pub p90: f64,
    /// Ninety-nine of a hundred are not longer.
    pub p99: f64,
}

impl Percentiles {
    /// Percentiles of `values`; zeros when there are none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
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
    #[must_use]
    pub fn summary(&self) -> Value {
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

/// Two digits behind the point are more than these numbers are worth.
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
