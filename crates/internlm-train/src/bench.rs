//! Whole training steps at fixed shapes: forward, backward, clip, AdamW.

use std::time::Instant;

use burn::tensor::Device;
use internlm_kit::rng::CounterRng;
use internlm_model::decoder::Decoder;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use serde::Serialize;

use crate::{Result, Row, StepTimes, Trainer, TrainerConfig, flops};

/// One shape of the comparison with PyTorch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BenchShape {
    /// Name on the command line, after the number of parameters.
    pub name: &'static str,
    hidden: usize,
    layers: usize,
    heads: usize,
    kv_heads: usize,
    inter: usize,
    vocab: usize,
    /// Sequences of a step.
    pub batch: usize,
    /// Tokens of a sequence.
    pub seq_len: usize,
}

/// The three shapes for which PyTorch's rate is known.
pub const SHAPES: [BenchShape; 3] = [
    BenchShape {
        name: "4m",
        hidden: 256,
        layers: 4,
        heads: 4,
        kv_heads: 2,
        inter: 1024,
        vocab: 2048,
        batch: 8,
        seq_len: 256,
    },
    BenchShape {
        name: "19m",
        hidden: 384,
        layers: 8,
        heads: 6,
        kv_heads: 2,
        inter: 1024,
        vocab: 8192,
        batch: 4,
        seq_len: 512,
    },
    BenchShape {
        name: "135m",
        hidden: 576,
        layers: 30,
        heads: 9,
        kv_heads: 3,
        inter: 1536,
        vocab: 49152,
        batch: 1,
        seq_len: 512,
    },
];

/// Rate of whole steps at one shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BenchResult {
    /// [`BenchShape::name`] of the measured shape.
    pub shape: String,
    /// Number of weights of the model.
    pub parameters: u64,
    /// Number of tokens of a step.
    pub tokens: usize,
    /// Seconds of each measured step.
    pub seconds: Vec<f64>,
    /// Tokens per second of the median step.
    pub tokens_per_second: f64,
    /// Model FLOPs utilization of the median step.
    pub mfu: f64,
    /// FLOP/s of a plain matrix product, measured just before.
    pub peak: f64,
    /// Median seconds of the forward, the backward and the optimizer.
    pub parts: [f64; 3],
}

impl BenchShape {
    /// The shape called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SHAPES.into_iter().find(|shape| shape.name == name)
    }

    fn model(&self) -> ModelConfig {
        let Self { hidden, layers, heads, kv_heads, inter, vocab, .. } = *self;
        ModelConfig::new(ModelSize { hidden, layers, heads, inter, vocab }).with_kv_heads(kv_heads)
    }

    fn rows(&self) -> Vec<Row> {
        let rng = CounterRng::new(0, "bench");
        let id = |counter| TokenId(rng.below(counter, self.vocab as u64) as u32);
        let row = |sequence: usize| {
            let first = (sequence * (self.seq_len + 1)) as u64;
            let ids: Vec<TokenId> = (first..=first + self.seq_len as u64).map(id).collect();
            Row {
                ids: ids[..self.seq_len].to_vec(),
                labels: ids[1..].iter().copied().map(Some).collect(),
                cu_seqlens: vec![0, self.seq_len],
                weights: None,
            }
        };
        (0..self.batch).map(row).collect()
    }

    /// Measures `steps` steps after `warmup` unmeasured ones.
    ///
    /// # Errors
    /// None in practice: the rows fit the model.
    pub fn measure(&self, steps: usize, warmup: usize) -> Result<BenchResult> {
        let model = self.model();
        let device = Device::flex();
        let decoder = Decoder::init(&model, 42, &device);
        let parameters = model.parameters();
        let mut trainer = Trainer::new(model, decoder, TrainerConfig::new((steps + warmup) as u64, 1e-3))?;
        let rows = self.rows();
        for _ in 0..warmup {
            trainer.step(&rows)?;
        }
        let peak = flops::measure_peak(&device);
        let (mut seconds, mut times, mut flops) = (Vec::new(), Vec::new(), 0.0);
        for _ in 0..steps {
            let start = Instant::now();
            let report = trainer.step(&rows)?;
            seconds.push(start.elapsed().as_secs_f64());
            times.push(report.times);
            flops = report.flops;
        }
        let part = |part: fn(&StepTimes) -> f64| median(times.iter().map(part).collect());
        let (typical, tokens) = (median(seconds.clone()), self.batch * self.seq_len);
        Ok(BenchResult {
            shape: self.name.to_owned(),
            parameters,
            tokens,
            seconds,
            tokens_per_second: tokens as f64 / typical,
            mfu: flops / typical / peak,
            peak,
            parts: [part(|times| times.forward), part(|times| times.backward), part(|times| times.optimizer)],
        })
    }
}

/// The middle value; the mean of the two middle ones when there is an even number of them.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.as_slice() {
        [] => f64::NAN,
        values => f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_values_is_between_the_middle_ones() {
        assert_eq!(median(vec![5.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![8.0, 1.0, 2.0, 4.0]), 3.0);
        assert!(median(Vec::new()).is_nan());
    }
}
