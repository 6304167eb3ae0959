//! [`Timings`]: how long prompt and answer took, in the form of llama.cpp's server.

use serde::{Deserialize, Serialize};

/// How long prompt and answer took, without the time in the queue.
///
/// ```
/// use lmdeploy::protocol::Timings;
///
/// let timings = Timings::new(30, 10).with_prompt_ms(40.0).with_answer(5, 50.0);
/// assert_eq!((timings.prompt_n, timings.prompt_per_second, timings.predicted_per_token_ms), (20, 500.0, 10.0));
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Timings {
    /// Number of the prompt's ids that came from the cache.
    pub cache_n: u64,
    /// Number of the prompt's ids that were computed.
    pub prompt_n: u64,
    /// Milliseconds until the first id was there.
    pub prompt_ms: f64,
    /// The same for each id that was computed.
    pub prompt_per_token_ms: f64,
    /// Computed ids of the prompt per second.
    pub prompt_per_second: f64,
    /// Number of generated ids.
    pub predicted_n: u64,
    /// Milliseconds from the first generated id to the last one.
    pub predicted_ms: f64,
    /// The same for each generated id.
    pub predicted_per_token_ms: f64,
    /// Generated ids per second.
    pub predicted_per_second: f64,
}

impl Timings {
    /// A prompt of `prompt` ids, of which `cached` came from the cache, before any time has passed.
    #[must_use]
    pub fn new(prompt: u64, cached: u64) -> Self {
        Self { cache_n: cached, prompt_n: prompt.saturating_sub(cached), ..Self::default() }
    }

    /// Sets how long the prompt took, in milliseconds.
    #[must_use]
    pub fn with_prompt_ms(self, prompt_ms: f64) -> Self {
        let (prompt_per_token_ms, prompt_per_second) = rates(self.prompt_n, prompt_ms);
        Self { prompt_ms, prompt_per_token_ms, prompt_per_second, ..self }
    }

    /// Sets how many ids were generated, and in how many milliseconds.
    #[must_use]
    pub fn with_answer(self, predicted_n: u64, predicted_ms: f64) -> Self {
        let (predicted_per_token_ms, predicted_per_second) = rates(predicted_n, predicted_ms);
        Self { predicted_n, predicted_ms, predicted_per_token_ms, predicted_per_second, ..self }
    }

    /// Adds a choice of the same prompt that was generated at the same time: ids add up, and the longest time counts.
    #[must_use]
    pub fn with_choice(self, other: Self) -> Self {
        let time = self.predicted_ms.max(other.predicted_ms);
        self.with_answer(self.predicted_n + other.predicted_n, time)
    }

    /// Adds another prompt and its answer, which were computed at the same time.
    #[must_use]
    pub fn with_prompt(self, other: Self) -> Self {
        let (cache_n, prompt_n) = (self.cache_n + other.cache_n, self.prompt_n + other.prompt_n);
        let both = Self { cache_n, prompt_n, ..self.with_choice(other) };
        both.with_prompt_ms(self.prompt_ms.max(other.prompt_ms))
    }
}

/// Milliseconds per id, and ids per second; 0 where nothing can be divided.
fn rates(count: u64, ms: f64) -> (f64, f64) {
    let per_token = if count > 0 { ms / count as f64 } else { 0.0 };
    let per_second = if ms > 0.0 { count as f64 * 1000.0 / ms } else { 0.0 };
    (per_token, per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_add_up_and_nothing_is_divided_by_zero() {
        let one = Timings::new(4, 4).with_prompt_ms(0.0).with_answer(0, 0.0);
        assert_eq!((one.prompt_n, one.prompt_per_token_ms, one.predicted_per_second), (0, 0.0, 0.0));
        let two = Timings::new(4, 0).with_prompt_ms(8.0).with_answer(6, 30.0);
        let both = two.with_choice(Timings::new(4, 3).with_answer(4, 50.0));
        assert_eq!((both.prompt_n, both.prompt_ms, both.prompt_per_second), (4, 8.0, 500.0));
        assert_eq!((both.predicted_n, both.predicted_ms, both.predicted_per_second), (10, 50.0, 200.0));
        let more = two.with_prompt(Timings::new(5, 1).with_prompt_ms(4.0).with_answer(1, 1.0));
        assert_eq!((more.prompt_n, more.cache_n, more.prompt_ms, more.prompt_per_token_ms), (8, 1, 8.0, 1.0));
        assert_eq!((more.predicted_n, Timings::new(1, 2).prompt_n), (7, 0));
    }
}
