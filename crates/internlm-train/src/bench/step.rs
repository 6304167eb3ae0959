//! Whole training steps at fixed shapes: forward, backward, clip, AdamW.

use std::time::Instant;

use burn::tensor::Device;
use internlm_model::Precision;
use internlm_model::decoder::Decoder;
use internlm_model::device::is_gpu;
use serde::Serialize;

use super::BenchShape;
use super::median::median;
use crate::{Recompute, Result, StepTimes, Trainer, TrainerConfig, flops};

/// Seed of the weights.
const SEED: u64 = 42;
/// Learning rate: small enough that random ids teach nothing that is not finite.
const LR: f64 = 1e-4;

/// How whole steps are measured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepBench {
    /// Where the model is.
    pub device: Device,
    /// Number of measured steps.
    pub steps: usize,
    /// Number of steps before them.
    pub warmup: usize,
    /// Maximum number of tokens of a pass.
    pub pass_tokens: usize,
    /// What a forward pass keeps.
    pub recompute: Recompute,
    /// What is computed in; weights and moments stay f32.
    pub precision: Precision,
    /// Number of ranks of a ZeRO-1 run of which this process does the work of the first, exchanging nothing; 1 measures
    /// a run of one process.
    pub ranks: usize,
}

/// Rate of whole steps at one shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BenchResult {
    /// [`BenchShape::name`] of the measured shape.
    pub shape: String,
    /// Number of weights of the model.
    pub parameters: u64,
    /// Number of weights that a step updates: fewer than all with [`StepBench::ranks`].
    pub updated: u64,
    /// Number of tokens of a step.
    pub tokens: usize,
    /// Seconds of each measured step.
    pub seconds: Vec<f64>,
    /// Tokens per second of the median step.
    pub tokens_per_second: f64,
    /// Model FLOPs per second of the median step; recomputed ones do not count.
    pub flops_per_second: f64,
    /// Model FLOPs utilization of the median step, where the peak is known.
    pub mfu: Option<f64>,
    /// FLOP/s of a plain matrix product, measured just before. Unknown on GPUs: theirs is the peak of the tensor cores.
    pub peak: Option<f64>,
    /// Bytes that the memory pools of the device have reserved after the last step, where it tells. They do not shrink:
    /// whatever the process measured before counts.
    pub peak_bytes: Option<u64>,
    /// What was computed in.
    pub precision: Precision,
    /// Number of ranks, of which this process did the work of the first.
    pub ranks: usize,
    /// Median seconds of the forward, the backward and the optimizer.
    pub parts: [f64; 3],
}

impl StepBench {
    /// Measures whole steps on `device`: everything is kept for the backward pass, everything is updated.
    #[must_use]
    pub fn new(device: Device, steps: usize, warmup: usize) -> Self {
        let pass_tokens = TrainerConfig::PASS_TOKENS;
        let (recompute, precision) = (Recompute::None, Precision::F32Exact);
        Self { device, steps, warmup, pass_tokens, recompute, precision, ranks: 1 }
    }

    /// Measures the steps of one shape.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) when the device computes something else than numbers, and a precision
    /// that it does not compute in.
    pub fn measure(&self, shape: &BenchShape) -> Result<BenchResult> {
        let mut trainer = self.trainer(shape)?;
        let rows = shape.rows();
        for _ in 0..self.warmup {
            trainer.step(&rows)?;
        }
        let peak = (!is_gpu(&self.device)).then(|| flops::measure_peak(&self.device));
        let (mut seconds, mut times, mut flops) = (Vec::new(), Vec::new(), 0.0);
        for _ in 0..self.steps {
            let start = Instant::now();
            let report = trainer.step(&rows)?;
            seconds.push(start.elapsed().as_secs_f64());
            times.push(report.times);
            flops = report.flops;
        }
        let part = |part: fn(&StepTimes) -> f64| median(times.iter().map(part).collect());
        let (typical, tokens) = (median(seconds.clone()), shape.batch * shape.seq_len);
        let flops_per_second = flops / typical;
        Ok(BenchResult {
            shape: shape.name.to_owned(),
            parameters: trainer.model().parameters(),
            updated: trainer.updated(),
            tokens,
            seconds,
            tokens_per_second: tokens as f64 / typical,
            flops_per_second,
            mfu: peak.map(|peak| flops_per_second / peak),
            peak,
            peak_bytes: self.device.memory_pool_usage().map(|usage| usage.bytes_reserved),
            precision: self.precision,
            ranks: self.ranks,
            parts: [part(|times| times.forward), part(|times| times.backward), part(|times| times.optimizer)],
        })
    }

    fn trainer(&self, shape: &BenchShape) -> Result<Trainer> {
        let model = shape.model();
        // Drawing billions of numbers on the host takes minutes.
        let init = if is_gpu(&self.device) { Decoder::init_on_device } else { Decoder::init };
        let decoder = init(&model, SEED, &self.device).with_precision(self.precision)?;
        let mut config = TrainerConfig::new((self.steps + self.warmup) as u64, LR)
            .with_pass_tokens(self.pass_tokens)
            .with_recompute(self.recompute);
        // Steps that are skipped are faster.
        config.monitor.max_skipped = 1;
        Trainer::emulating_rank(model, decoder, config, self.ranks)
    }
}
