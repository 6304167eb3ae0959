//! The peak of a GPU's memory during a training step and during a prefill, measured and, for the step, planned.
//!
//! Attention and loss whose memory grows with the square of the number of tokens, or with tokens times vocabulary, show
//! here: with four times the tokens the peak is then far more than four times as large, or beyond the plan.

use internlm_kit::rng::CounterRng;
use internlm_model::device::is_gpu;
use internlm_model::kernels::{MemoryPeak, trace_memory};
use internlm_model::{
    Decoder, Device, GenerateConfig, Generator, ModelConfig, ModelSize, Precision, TokenId,
};
use serde::Serialize;

use crate::memory::{Passes, TrainedShape};
use crate::{Error, Recompute, Result, Row, Trainer, TrainerConfig};

/// Work whose memory is measured, each with a model drawn for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// One token generated from a prompt.
    Prefill,
    /// A training step that keeps everything for the backward pass.
    Step,
    /// A training step that computes layers again.
    StepLayers,
}

/// A model that is drawn where its memory is measured.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Shape of the model.
    pub model: ModelConfig,
    /// GPU that it computes on.
    pub device: Device,
    /// What it computes in; weights are f32.
    pub precision: Precision,
}

/// The peak while something ran.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Peak {
    /// Work that ran, loading of the model included.
    pub work: Work,
    /// Number of tokens of the one sequence.
    pub tokens: usize,
    /// What was computed in.
    pub precision: Precision,
    /// Bytes that tensors held at once, parameters and moments included.
    pub in_use: u64,
    /// Bytes taken from the driver at once.
    pub reserved: u64,
    /// Bytes that the plan of a training step has; none for a prefill.
    pub planned: Option<u64>,
}

impl Work {
    /// All that can run.
    pub const ALL: [Self; 3] = [Self::Prefill, Self::Step, Self::StepLayers];

    /// The name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prefill => "prefill",
            Self::Step => "training step",
            Self::StepLayers => "training step, layers computed again",
        }
    }
}

/// A model that software rasterizers train in seconds, with a vocabulary whose logits would be larger than the rest.
#[must_use]
pub fn tiny_model() -> ModelConfig {
    ModelConfig::new(ModelSize { hidden: 64, layers: 2, heads: 2, inter: 128, vocab: 4096 })
}

/// Runs `work` with a model drawn for it over one sequence of `tokens` tokens and measures the peak, which is all of the
/// process on the device.
///
/// # Errors
/// The CPU, whose memory is that of the process, a precision that the device does not compute in, and models that cannot
/// be trained.
pub fn measure(trace: &Trace, work: Work, tokens: usize) -> Result<Peak> {
    let Trace { model, device, .. } = trace;
    if !is_gpu(device) {
        let expected = "a GPU: the peak of the CPU is that of the process";
        return Err(Error::mismatch("device", "cpu", expected));
    }
    let ids = ids(model, tokens);
    let (done, peak) = trace_memory(device, || match work {
        Work::Prefill => trace.prefill(&ids),
        Work::Step => trace.step(&ids, Recompute::None),
        Work::StepLayers => trace.step(&ids, Recompute::Layers),
    });
    done?;
    let MemoryPeak { in_use, reserved } = peak.expect("a GPU has memory of its own");
    let precision = trace.precision;
    Ok(Peak { work, tokens, precision, in_use, reserved, planned: trace.planned(work, tokens)? })
}

fn ids(model: &ModelConfig, tokens: usize) -> Vec<TokenId> {
    let rng = CounterRng::new(0, "trace");
    (0..tokens as u64).map(|place| TokenId(rng.below(place, model.vocab as u64) as u32)).collect()
}

impl Trace {
    /// Bytes that the plan of a training step has.
    fn planned(&self, work: Work, tokens: usize) -> Result<Option<u64>> {
        let recompute = match work {
            Work::Prefill => return Ok(None),
            Work::Step => Recompute::None,
            Work::StepLayers => Recompute::Layers,
        };
        let shape = TrainedShape::of(&self.model, Ok::<_, Error>)?.on_gpu().in_precision(self.precision);
        Ok(Some(shape.memory(Passes { tokens, count: 1 }, recompute).total()))
    }

    /// The model with weights in f32, computing in the precision.
    fn decoder(&self) -> Result<Decoder> {
        Ok(Decoder::init_on_device(&self.model, 42, &self.device).with_precision(self.precision)?)
    }

    fn prefill(&self, ids: &[TokenId]) -> Result<()> {
        let generated = Generator::new(&self.decoder()?, ids, GenerateConfig::new(1))?.count();
        debug_assert_eq!(generated, 1, "nothing ends the generation earlier");
        Ok(())
    }

    /// The first step of a run, in one pass.
    fn step(&self, ids: &[TokenId], recompute: Recompute) -> Result<()> {
        let config = TrainerConfig::new(1, 1e-3).with_pass_tokens(ids.len()).with_recompute(recompute);
        let mut trainer = Trainer::new(self.model.clone(), self.decoder()?, config)?;
        trainer.step(&[Row::sample(ids)])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_refused_and_prefills_have_no_plan() {
        let model = ModelConfig::new(ModelSize { hidden: 8, layers: 4, heads: 1, inter: 8, vocab: 8 });
        let trace = Trace { model, device: Device::flex(), precision: Precision::F32Exact };
        let error = measure(&trace, Work::Prefill, 4).expect_err("has no trace");
        assert!(error.to_string().contains("device: found cpu, expected a GPU"), "{error}");
        assert_eq!(trace.planned(Work::Prefill, 4).expect("plans"), None);
        let bytes = |work| trace.planned(work, 4096).expect("plans").expect("a step has a plan");
        assert!(bytes(Work::StepLayers) < bytes(Work::Step));
    }
}
