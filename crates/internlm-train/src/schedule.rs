//! Learning rate over the steps: warm-up, then cosine (InternEvo's `FineTuneCosineAnnealingWarmupLR`).
//!
//! With T steps, I of rate 0 and W = floor(T * warmup ratio):
//! lr_t = lr (t + 1 - I) / W for I <= t < I + W, then
//! eta_min + (lr - eta_min) (1 + cos(pi (t - I - W) / (T - I - W))) / 2.

use std::f64::consts::PI;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// Length of the run and shape of the learning rate.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScheduleConfig {
    /// Number of optimizer steps of the run (T). No default. Upstream: `total_steps`.
    pub steps: u64,
    /// Number of steps of rate 0 at the start (I), default 0. Upstream: `init_steps`, 0.
    #[serde(default)]
    pub init_steps: u64,
    /// Share of the steps that warm up, default 0.01. Upstream: `warmup_ratio`, 0.01.
    #[serde(default = "default_warmup_ratio")]
    pub warmup_ratio: f64,
    /// Rate at the end of the cosine, default 0. Upstream: `eta_min`, 1e-5.
    #[serde(default)]
    pub eta_min: f64,
}

fn default_warmup_ratio() -> f64 {
    0.01
}

impl ScheduleConfig {
    /// A run of `steps` steps with everything else at its default.
    #[must_use]
    pub fn with_steps(steps: u64) -> Self {
        Self { steps, init_steps: 0, warmup_ratio: default_warmup_ratio(), eta_min: 0.0 }
    }

    /// The same run with this share of warm-up steps.
    #[must_use]
    pub fn with_warmup_ratio(self, warmup_ratio: f64) -> Self {
        Self { warmup_ratio, ..self }
    }

    /// The same run with this rate at the end of the cosine.
    #[must_use]
    pub fn with_eta_min(self, eta_min: f64) -> Self {
        Self { eta_min, ..self }
    }
}

impl Validate for ScheduleConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.steps == 0 {
            problems.push("schedule.steps: found 0, expected at least 1".to_owned());
        }
        if !(0.0..=1.0).contains(&self.warmup_ratio) {
            problems.push(format!("schedule.warmup-ratio: found {}, expected 0 to 1", self.warmup_ratio));
        }
        if self.init_steps >= self.steps.max(1) {
            let (found, steps) = (self.init_steps, self.steps);
            problems.push(format!("schedule.init-steps: found {found}, expected fewer than steps = {steps}"));
        }
        if !(self.eta_min >= 0.0 && self.eta_min.is_finite()) {
            problems.push(format!("schedule.eta-min: found {}, expected 0 or more", self.eta_min));
        }
        problems
    }
}

/// The learning rate as a pure function of the step.
///
/// ```
/// use internlm_train::{Schedule, ScheduleConfig};
///
/// let config = ScheduleConfig::with_steps(100).with_warmup_ratio(0.1).with_eta_min(1e-4);
/// let schedule = Schedule::new(&config, 1e-3);
/// assert_eq!(schedule.rate(4), 5e-4); // half of the warm-up of 10 steps
/// assert_eq!(schedule.rate(10), 1e-3); // the top
/// assert!(schedule.rate(99) < 1.1e-4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    top: f64,
    floor: f64,
    init: u64,
    warmup: u64,
    steps: u64,
}

impl Schedule {
    /// The schedule of `config` whose rate after the warm-up is `lr`.
    #[must_use]
    pub fn new(config: &ScheduleConfig, lr: f64) -> Self {
        let warmup = (config.steps as f64 * config.warmup_ratio).floor() as u64;
        let ScheduleConfig { steps, init_steps: init, eta_min: floor, .. } = *config;
        Self { top: lr, floor, init, warmup, steps }
    }

    /// Learning rate of step `step`, from 0.
    #[must_use]
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.init {
            return 0.0;
        }
        let done = step - self.init;
        if done < self.warmup {
            return self.top * (done + 1) as f64 / self.warmup as f64;
        }
        let length = self.steps.saturating_sub(self.init + self.warmup).max(1);
        let share = ((done - self.warmup) as f64 / length as f64).min(1.0);
        self.floor + (self.top - self.floor) * (1.0 + (PI * share).cos()) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_steps_have_rate_zero_and_the_end_reaches_the_floor() {
        let config = ScheduleConfig { steps: 50, init_steps: 5, warmup_ratio: 0.1, eta_min: 0.1 };
        let schedule = Schedule::new(&config, 1.0);
        assert_eq!((0..5).map(|step| schedule.rate(step)).sum::<f64>(), 0.0);
        assert_eq!((schedule.rate(5), schedule.rate(9), schedule.rate(10)), (0.2, 1.0, 1.0));
        assert!((10..49).all(|step| schedule.rate(step + 1) < schedule.rate(step)));
        assert!((schedule.rate(50) - 0.1).abs() < 1e-12);
        assert_eq!(schedule.rate(1000), schedule.rate(50));
    }
}
