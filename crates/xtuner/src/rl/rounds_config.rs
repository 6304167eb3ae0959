//! [`RoundsConfig`] and [`AnswerConfig`]: how many prompts a round asks, and how answers to them are generated.

use internlm_kit::config::Validate;
use internlm_model::sampling::SamplingConfig;
use serde::{Deserialize, Serialize};

/// Rounds of generating answers and learning from them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RoundsConfig {
    /// Number of prompts that a round asks, default 8.
    pub prompts: usize,
    /// Number of optimizer steps that a round's answers are spread over, default 1. Upstream: `optimizer_steps`.
    pub steps: u64,
    /// Number of prompts that are never learned from and that the reward is measured on, default 0.
    pub valid_prompts: usize,
    /// Number of rounds between two of these measurements, default 10; the last round is always measured.
    pub valid_every: u64,
    /// What logits are divided by when these prompts are answered, default 0: greedy decoding, so that two
    /// measurements differ by the weights alone.
    pub valid_temperature: f64,
    /// Which weights the run ends with: `best`, the default, or `last`. Without validation prompts it is the last.
    pub keep: Keep,
}

/// Which weights a run ends with.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Those with the highest reward on the validation prompts, the weights before the first round included.
    #[default]
    Best,
    /// Those after the last step.
    Last,
}

impl Default for RoundsConfig {
    fn default() -> Self {
        Self {
            prompts: 8,
            steps: 1,
            valid_prompts: 0,
            valid_every: 10,
            valid_temperature: 0.0,
            keep: Keep::Best,
        }
    }
}

impl RoundsConfig {
    /// The same rounds with this number of prompts.
    #[must_use]
    pub fn with_prompts(self, prompts: usize) -> Self {
        Self { prompts, ..self }
    }

    /// The same rounds whose answers are spread over `steps` optimizer steps.
    #[must_use]
    pub fn with_steps(self, steps: u64) -> Self {
        Self { steps, ..self }
    }

    /// The same rounds, measured on `prompts` prompts after every `rounds` rounds.
    #[must_use]
    pub fn with_validation(self, prompts: usize, rounds: u64) -> Self {
        Self { valid_prompts: prompts, valid_every: rounds, ..self }
    }
}

impl Validate for RoundsConfig {
    fn problems(&self) -> Vec<String> {
        let sizes = [
            ("prompts", self.prompts as u64),
            ("steps", self.steps),
            ("valid-every", if self.valid_prompts == 0 { 1 } else { self.valid_every }),
        ];
        let zero = sizes.iter().filter(|(_, found)| *found == 0);
        let mut problems = Vec::from_iter(
            zero.map(|(key, _)| format!("objective.rounds.{key}: found 0, expected at least 1")),
        );
        let found = self.valid_temperature;
        if !(found >= 0.0 && (found as f32).is_finite()) {
            problems.push(format!("objective.rounds.valid-temperature: found {found}, expected 0 or more"));
        }
        problems
    }
}

/// How answers are generated.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AnswerConfig {
    /// Maximum number of generated tokens, default 512.
    pub max_tokens: usize,
    /// What logits are divided by, default 1: then the old policy is the model itself.
    pub temperature: f64,
    /// Probability that the candidates reach together; default 1 for GRPO and 0.9 for PPO, as in the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Number of candidates, default unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<usize>,
}

impl Default for AnswerConfig {
    fn default() -> Self {
        Self { max_tokens: 512, temperature: 1.0, top_p: None, top_k: None }
    }
}

impl AnswerConfig {
    /// The same with at most `tokens` generated tokens.
    #[must_use]
    pub fn with_max_tokens(self, tokens: usize) -> Self {
        Self { max_tokens: tokens, ..self }
    }

    /// The same with this temperature.
    #[must_use]
    pub fn with_temperature(self, temperature: f64) -> Self {
        Self { temperature, ..self }
    }

    /// The sampling of an answer; `top_p` holds where the config does not say.
    #[must_use]
    pub fn sampling(&self, top_p: f64) -> SamplingConfig {
        let sampling = SamplingConfig::greedy()
            .with_temperature(self.temperature as f32)
            .with_top_p(self.top_p.unwrap_or(top_p) as f32);
        match self.top_k {
            Some(top_k) => sampling.with_top_k(top_k),
            None => sampling,
        }
    }
}

impl Validate for AnswerConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = self.sampling(1.0).problems();
        if self.max_tokens == 0 {
            problems.push("max-tokens: found 0, expected at least 1".to_owned());
        }
        problems.iter().map(|problem| format!("objective.answer.{problem}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_name_their_keys() {
        assert!(
            RoundsConfig::default().problems().is_empty() && AnswerConfig::default().problems().is_empty()
        );
        let rounds = RoundsConfig { valid_temperature: -1.0, ..RoundsConfig::default() };
        let rounds = rounds.with_prompts(0).with_validation(3, 0);
        let expected = [
            "objective.rounds.prompts: found 0, expected at least 1",
            "objective.rounds.valid-every: found 0, expected at least 1",
            "objective.rounds.valid-temperature: found -1, expected 0 or more",
        ];
        assert_eq!(rounds.problems(), expected);
        let answer = AnswerConfig::default().with_max_tokens(0).with_temperature(-1.0);
        let expected = [
            "objective.answer.temperature: found -1, expected >= 0",
            "objective.answer.max-tokens: found 0, expected at least 1",
        ];
        assert_eq!(answer.problems(), expected);
    }

    #[test]
    fn the_objective_gives_the_share_that_the_config_leaves_open() {
        let open = AnswerConfig::default();
        assert_eq!((open.sampling(0.9).top_p, open.sampling(0.9).temperature), (0.9, 1.0));
        let said = AnswerConfig { top_p: Some(0.5), top_k: Some(3), ..open };
        assert_eq!((said.sampling(0.9).top_p, said.sampling(0.9).top_k), (0.5, Some(3)));
    }
}
