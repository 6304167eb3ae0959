//! [`Plan`]: parameters, memory and operations of a run, computed from its config alone.

use internlm_model::weights;
use serde::Serialize;

use crate::memory::{Memory, Passes, TrainedShape};
use crate::pretrain::PretrainConfig;
use crate::recompute::Recompute;
use crate::{Error, Flops, Result, Row};

/// Bytes of one f32.
const F32: u64 = 4;
/// Share of a device's peak that training reaches on the CPU; `internlm-train bench` prints it as `mfu`.
const UTILIZATION: f64 = 0.5;

/// What a run costs, in exact numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// Number of weights of the model.
    pub parameters: u64,
    /// Bytes of parameters, one gradient of each, and the two moments.
    pub state_bytes: u64,
    /// Bytes of what one pass needs with `run.recompute = "none"`; see [`memory`](crate::memory).
    pub activation_bytes: u64,
    /// Bytes of what one pass needs with `run.recompute = "layers"`.
    pub recomputed_activation_bytes: u64,
    /// Bytes of the whole run at its peak, with the `run.recompute` of the config.
    pub memory: Memory,
    /// Number of tokens of one optimizer step.
    pub step_tokens: u64,
    /// Model FLOPs of one optimizer step.
    pub step_flops: f64,
    /// Number of tokens of the whole run, repeated ones included.
    pub run_tokens: u64,
    /// Model FLOPs of the whole run.
    pub run_flops: f64,
    /// Bytes of one checkpoint.
    pub checkpoint_bytes: u64,
}

impl Plan {
    /// The costs of `config`. Of the model that `run.init-from` names, only the config and the names of its tensors are
    /// read.
    ///
    /// # Errors
    /// A config without a model, or a model that cannot be opened.
    pub fn of(config: &PretrainConfig) -> Result<Self> {
        let model = &match (&config.model, &config.run.init_from) {
            (Some(model), _) => model.clone(),
            (None, Some(path)) => weights::open_stored(path)?.config,
            (None, None) => {
                return Err(Error::mismatch("model", "no [model] and no run.init-from", "one of the two"));
            }
        };
        let parameters = model.parameters();
        let data = &config.data;
        let row =
            Row { cu_seqlens: (0..=data.micro_bsz).map(|j| j * data.seq_len).collect(), ..Row::default() };
        let row_tokens = data.micro_bsz * data.seq_len;
        let step_tokens = (data.micro_num * row_tokens) as u64;
        let step_flops = data.micro_num as f64 * Flops::new(model).of_rows(&[row]);
        let shape = TrainedShape::of(model, Ok::<_, Error>)?;
        let shape = match config.run.device.split(':').next() {
            Some("cpu") => shape,
            Some("cuda" | "vulkan") => shape.on_gpu().in_precision(config.run.precision),
            _ => {
                let found = format!("`{}`", config.run.device);
                return Err(Error::mismatch("run.device", found, "cpu, cuda:N or vulkan:N"));
            }
        };
        let passes = Passes::of(std::iter::repeat_n(row_tokens, data.micro_num), config.run.pass_tokens);
        let memory = |recompute| shape.memory(passes, recompute);
        let steps = config.schedule.steps;
        Ok(Self {
            parameters,
            state_bytes: 4 * F32 * parameters,
            activation_bytes: memory(Recompute::None).activations,
            recomputed_activation_bytes: memory(Recompute::Layers).activations,
            memory: memory(config.run.recompute),
            step_tokens,
            step_flops,
            run_tokens: steps * step_tokens,
            run_flops: steps as f64 * step_flops,
            checkpoint_bytes: 3 * F32 * parameters,
        })
    }

    /// Seconds of the whole run on a device with `peak` FLOP/s (see [`measure_peak`](crate::flops::measure_peak)), at
    /// the utilization that the CPU reaches.
    #[must_use]
    pub fn run_seconds(&self, peak: f64) -> f64 {
        self.run_flops / (peak * UTILIZATION)
    }

    /// The same as lines of name and value, rounded and with units: `4.98 M`, `76.0 MiB`, `34.8 TFLOP`.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        vec![
            ("parameters", decimal(self.parameters as f64, "")),
            ("weights, gradients, moments", bytes(self.state_bytes)),
            ("activations of a pass", bytes(self.activation_bytes)),
            ("with recomputed layers", bytes(self.recomputed_activation_bytes)),
            ("memory at its peak", bytes(self.memory.total())),
            ("one checkpoint", bytes(self.checkpoint_bytes)),
            ("tokens per step", decimal(self.step_tokens as f64, "")),
            ("compute per step", decimal(self.step_flops, "FLOP")),
            ("tokens of the run", decimal(self.run_tokens as f64, "")),
            ("compute of the run", decimal(self.run_flops, "FLOP")),
        ]
    }
}

/// Seconds in the largest unit that leaves at least 1: `12 s`, `4.9 min`, `3.2 h`, `41 days`.
#[cfg(any(feature = "cli", test))]
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 60.0 => format!("{seconds:.0} s"),
        seconds if seconds < 3600.0 => format!("{:.1} min", seconds / 60.0),
        seconds if seconds < 86400.0 => format!("{:.1} h", seconds / 3600.0),
        seconds => format!("{:.0} days", seconds / 86400.0),
    }
}

/// Three significant digits with a decimal prefix; numbers below 1000 as they are.
#[must_use]
pub fn decimal(value: f64, unit: &str) -> String {
    const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let text = scaled(value, 1000.0, &PREFIXES);
    format!("{text}{unit}").trim_end().to_owned()
}

/// Three significant digits with a binary prefix: `76.0 MiB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    const PREFIXES: [&str; 6] = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];
    format!("{}B", scaled(value as f64, 1024.0, &PREFIXES))
}

/// `value` over the largest power of `base` that leaves at least 1, and that power's prefix behind a space.
fn scaled(mut value: f64, base: f64, prefixes: &[&str]) -> String {
    let mut power = 0;
    // 999.5 would be shown as 1000: it belongs to the next prefix.
    while value >= base - 0.5 && power + 1 < prefixes.len() {
        value /= base;
        power += 1;
    }
    let decimals = match value {
        _ if power == 0 => 0,
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {}", prefixes[power])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_readable_and_keep_three_digits() {
        let cases = [
            (0.0, "0"),
            (512.0, "512"),
            (999.4, "999"),
            (999.6, "1.00 k"),
            (1_228_800.0, "1.23 M"),
            (14.5e9, "14.5 G"),
            (1_889_110_016.0, "1.89 G"),
        ];
        for (value, expected) in cases {
            assert_eq!(decimal(value, ""), expected, "{value}");
        }
        for (seconds, expected) in [(0.4, "0 s"), (294.0, "4.9 min"), (11_520.0, "3.2 h"), (3.5e6, "41 days")]
        {
            assert_eq!(duration(seconds), expected);
        }
        assert_eq!(decimal(34.8e12, "FLOP"), "34.8 TFLOP");
        assert_eq!(decimal(12.0, "FLOP"), "12 FLOP");
        assert_eq!(
            (bytes(900), bytes(4 << 20), bytes(30 << 30)),
            ("900 B".into(), "4.00 MiB".into(), "30.0 GiB".into())
        );
    }
}
