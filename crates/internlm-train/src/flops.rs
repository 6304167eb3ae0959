//! Floating-point operations of a step, model FLOPs utilization, and the measured peak it relates to.
//!
//! Per token, causal attention with grouped queries: F = 6 N_mm + 12 L H d A, with N_mm the parameters in
//! matrix products, L (h (2H + 2K) d + 3 h i) + h V, and A the mean number of keys a query sees,
//! sum n_j (n_j + 1) / 2 / T over samples of length n_j. The value head of a reward model or critic has one row: there V
//! is 1. Recomputed forwards do not count.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use internlm_model::ModelConfig;
use internlm_model::config::Family;

use crate::Row;

/// Side of the product that measures the peak: large enough for the full rate, small enough to take
/// milliseconds.
const PEAK_SIDE: usize = 1024;
/// Number of products measured; the fastest counts, so that a busy neighbor has to last a quarter of a second to matter.
const PEAK_REPEATS: usize = 24;

/// Counts operations for one model shape.
///
/// ```
/// use internlm_model::{ModelConfig, ModelSize};
/// use internlm_train::{Flops, Row};
///
/// let size = ModelSize { hidden: 576, layers: 30, heads: 9, inter: 1536, vocab: 49152 };
/// let model = ModelConfig::new(size).with_kv_heads(3).with_tied_output();
/// let row = Row { cu_seqlens: vec![0, 512], ..Row::default() };
/// let per_token = Flops::new(&model).of_rows(&[row]) / 512.0;
/// assert!((per_token / 1e9 - 0.86).abs() < 0.01); // SmolLM2-135M at T 512
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flops {
    /// 6 N_mm.
    per_token: f64,
    /// 12 L H d.
    per_key: f64,
}

impl Flops {
    /// Counts the operations of a model of this shape.
    #[must_use]
    pub fn new(model: &ModelConfig) -> Self {
        let ModelConfig { hidden, layers, heads, kv_heads, head_dim, inter, vocab, .. } = *model;
        let block = hidden * (2 * heads + 2 * kv_heads) * head_dim + 3 * hidden * inter;
        let outputs = if model.family == Family::InternLm2Reward { 1 } else { vocab };
        let products = layers * block + hidden * outputs;
        Self { per_token: 6.0 * products as f64, per_key: (12 * layers * heads * head_dim) as f64 }
    }

    /// Operations of forward and backward over `rows`; only their sample borders are read.
    #[must_use]
    pub fn of_rows(&self, rows: &[Row]) -> f64 {
        let lengths = rows.iter().flat_map(Row::sample_lengths);
        lengths
            .map(|length| {
                let (tokens, keys) = (length as f64, (length * (length + 1) / 2) as f64);
                self.per_token * tokens + self.per_key * keys
            })
            .sum()
    }
}

/// Rate of an f32 matrix product on `device` in FLOP/s, the best of a few: what a utilization of 100 % means.
#[must_use]
pub fn measure_peak(device: &Device) -> f64 {
    let device = device.clone().inner();
    let matrix = || Tensor::<2>::random([PEAK_SIDE, PEAK_SIDE], Distribution::Default, &device);
    let (a, b) = (matrix(), matrix());
    let seconds = (0..PEAK_REPEATS).map(|_| {
        let start = Instant::now();
        // Reading one element back waits for devices that compute asynchronously.
        let _ = a.clone().matmul(b.clone()).slice([0..1, 0..1]).into_data();
        start.elapsed().as_secs_f64()
    });
    2.0 * (PEAK_SIDE as f64).powi(3) / seconds.fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use internlm_model::ModelSize;

    use super::*;

    #[test]
    fn a_value_head_has_one_row_and_an_output_matrix_one_for_each_token() {
        let size = ModelSize { hidden: 8, layers: 2, heads: 2, inter: 16, vocab: 100 };
        let model = ModelConfig::new(size);
        let row = Row { cu_seqlens: vec![0, 5], ..Row::default() };
        let of = |model: &ModelConfig| Flops::new(model).of_rows(std::slice::from_ref(&row));
        let reward = of(&model.clone().with_family(Family::InternLm2Reward));
        assert_eq!(of(&model) - reward, 6.0 * 5.0 * (8 * 99) as f64);
    }
}
