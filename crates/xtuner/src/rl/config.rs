//! [`GrpoConfig`] and [`PpoConfig`]: the table `[objective]` of the kinds `grpo` and `ppo`.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

use super::advantage::AdvantageKind;
use super::policy::KlEstimator;
use super::rollout::RolloutConfig;
use super::rounds_config::{AnswerConfig, RoundsConfig};
use super::score::RewardSourceConfig;

/// Group-relative policy optimization: several answers to each prompt, compared with each other.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct GrpoConfig {
    /// Where the rewards come from; their weighted sum counts. No default.
    pub rewards: Vec<RewardSourceConfig>,
    /// The baseline of a group, default `grpo`.
    pub advantage: AdvantageKind,
    /// The k of the advantage `pass-k`, default 4.
    pub pass_k: usize,
    /// Number of answers to each prompt (K), default 5. Upstream: `prompt_repeat_k`, 5.
    pub answers: usize,
    /// Leaves out groups whose answers all have the same reward, unless every group of a round is so: they teach nothing
    /// but to stay near the reference, and cost as much as the others. Default false. (Yu et al., "DAPO", 2025.)
    pub filter_groups: bool,
    /// Lower bound of the ratio, `1 - clip-low`; default 0.2. Upstream: `cliprange_low`, 0.2.
    pub clip_low: f64,
    /// Upper bound of the ratio, `1 + clip-high`; default 0.28. Upstream: `cliprange_high`, 0.28.
    pub clip_high: f64,
    /// Maximum loss of a token with a negative advantage A in multiples of -A, default 3. Upstream: `loss_cap`.
    pub negative_cap: f64,
    /// Weight of the distance to the model before training, default 0: no reference is kept. Upstream: `kl_loss_coef`.
    pub kl_weight: f64,
    /// The estimator of that distance, default `k3`.
    pub kl: KlEstimator,
    /// Weighs tokens by how much likelier the trainer finds them than the engine that generated them did, at most by
    /// this number; default off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance_cap: Option<f64>,
    /// Prompts and steps of a round.
    pub rounds: RoundsConfig,
    /// Length and sampling of an answer.
    pub answer: AnswerConfig,
    /// What generates the answers.
    pub rollout: RolloutConfig,
}

/// Proximal policy optimization with a critic, as in InternLM2's report.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PpoConfig {
    /// Where the rewards come from; their weighted sum is added at the last token. No default.
    pub rewards: Vec<RewardSourceConfig>,
    /// Folder of the reward model that the critic starts from; default: that of the first reward of kind `model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critic: Option<PathBuf>,
    /// Top learning rate of the critic, default 5e-6; the actor's is `optim.lr` (report: 1e-6).
    pub critic_lr: f64,
    /// Number of steps that the critic learns alone, default 50.
    pub critic_warmup: u64,
    /// Weight of the distance to the model before training in the reward of each token, default 0.01.
    pub kl_weight: f64,
    /// Weight of the next token's value, default 1. Report: 1.
    pub gamma: f64,
    /// Weight of later errors in the advantage, default 0.99. Report: 0.99.
    pub lambda: f64,
    /// Both bounds of the ratio, `1 - clip` and `1 + clip`; default 0.2. Report: 0.2.
    pub clip: f64,
    /// Text of pre-training that every step of the actor also learns, default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretrain: Option<PretrainGradientConfig>,
    /// Prompts and steps of a round.
    pub rounds: RoundsConfig,
    /// Length and sampling of an answer.
    pub answer: AnswerConfig,
    /// What generates the answers.
    pub rollout: RolloutConfig,
}

/// Text that keeps the actor's language: its cross entropy is added to the loss.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PretrainGradientConfig {
    /// Folder of InternEvo shards.
    pub shards: PathBuf,
    /// Weight of the mean loss of the text, default 0.5. Report: 0.5.
    #[serde(default = "default_pretrain_weight")]
    pub weight: f64,
    /// Number of rows of text in a step, default 1. Report: text of half the volume of the answers.
    #[serde(default = "default_pretrain_rows")]
    pub rows: usize,
    /// Tokens of a row, default 2048.
    #[serde(default = "default_pretrain_length")]
    pub seq_len: usize,
}

fn default_pretrain_weight() -> f64 {
    0.5
}

fn default_pretrain_rows() -> usize {
    1
}

fn default_pretrain_length() -> usize {
    2048
}

impl Default for GrpoConfig {
    fn default() -> Self {
        Self {
            rewards: Vec::new(),
            advantage: AdvantageKind::Grpo,
            pass_k: 4,
            answers: 5,
            filter_groups: false,
            clip_low: 0.2,
            clip_high: 0.28,
            negative_cap: 3.0,
            kl_weight: 0.0,
            kl: KlEstimator::K3,
            importance_cap: None,
            rounds: RoundsConfig::default(),
            answer: AnswerConfig::default(),
            rollout: RolloutConfig::default(),
        }
    }
}

impl Default for PpoConfig {
    fn default() -> Self {
        Self {
            rewards: Vec::new(),
            critic: None,
            critic_lr: 5e-6,
            critic_warmup: 50,
            kl_weight: 0.01,
            gamma: 1.0,
            lambda: 0.99,
            clip: 0.2,
            pretrain: None,
            rounds: RoundsConfig::default(),
            answer: AnswerConfig::default(),
            rollout: RolloutConfig::default(),
        }
    }
}

impl GrpoConfig {
    /// Rewards from these sources, with everything else at its default.
    #[must_use]
    pub fn new(rewards: Vec<RewardSourceConfig>) -> Self {
        Self { rewards, ..Self::default() }
    }
}

impl PpoConfig {
    /// Rewards from these sources, with everything else at its default.
    #[must_use]
    pub fn new(rewards: Vec<RewardSourceConfig>) -> Self {
        Self { rewards, ..Self::default() }
    }

    /// Folder that the critic starts from.
    #[must_use]
    pub fn critic_folder(&self) -> Option<&PathBuf> {
        let of_reward = self.rewards.iter().find_map(|source| match source {
            RewardSourceConfig::Model { path, .. } => Some(path),
            _ => None,
        });
        self.critic.as_ref().or(of_reward)
    }
}

/// A number of the table and whether it can be used.
struct Check {
    key: &'static str,
    found: f64,
    fits: bool,
    expected: &'static str,
}

/// Problems of the numbers that do not fit.
fn misfits(numbers: &[Check]) -> Vec<String> {
    let wrong = numbers.iter().filter(|number| !number.fits);
    wrong
        .map(|Check { key, found, expected, .. }| {
            format!("objective.{key}: found {found}, expected {expected}")
        })
        .collect()
}

/// Every step of a round needs one of the `answers` that the round learns from at least.
fn few_answers(rounds: &RoundsConfig, answers: usize) -> Option<String> {
    let (steps, count) = (rounds.steps, answers as u64);
    (steps > count).then(|| {
        format!("objective.rounds.steps: found {steps}, expected at most the {count} answers that a round learns from")
    })
}

fn rewards_problems(rewards: &[RewardSourceConfig]) -> Vec<String> {
    let mut problems: Vec<String> = rewards.iter().flat_map(Validate::problems).collect();
    if rewards.is_empty() {
        problems.push("objective.rewards: found an empty list, expected at least one source".to_owned());
    }
    problems
}

impl Validate for GrpoConfig {
    fn problems(&self) -> Vec<String> {
        let cap = self.importance_cap.unwrap_or(1.0);
        let mut problems = rewards_problems(&self.rewards);
        problems.extend(misfits(&[
            Check {
                key: "answers",
                found: self.answers as f64,
                fits: self.answers >= 2,
                expected: "at least 2, which are compared",
            },
            Check {
                key: "pass-k",
                found: self.pass_k as f64,
                fits: self.pass_k >= 1,
                expected: "at least 1",
            },
            Check {
                key: "clip-low",
                found: self.clip_low,
                fits: (0.0..1.0).contains(&self.clip_low),
                expected: "0 <= clip-low < 1",
            },
            Check {
                key: "clip-high",
                found: self.clip_high,
                fits: self.clip_high >= 0.0 && self.clip_high.is_finite(),
                expected: "0 or more",
            },
            Check {
                key: "negative-cap",
                found: self.negative_cap,
                fits: self.negative_cap >= 1.0,
                expected: "1 or more",
            },
            Check {
                key: "kl-weight",
                found: self.kl_weight,
                fits: self.kl_weight >= 0.0 && self.kl_weight.is_finite(),
                expected: "0 or more",
            },
            Check {
                key: "importance-cap",
                found: cap,
                fits: cap > 0.0 && cap.is_finite(),
                expected: "more than 0",
            },
        ]));
        // One group may be all that is left.
        let groups = if self.filter_groups { 1 } else { self.rounds.prompts };
        problems.extend(few_answers(&self.rounds, groups * self.answers));
        problems.extend(self.rounds.problems());
        problems.extend(self.answer.problems());
        problems.extend(self.rollout.problems());
        problems
    }
}

impl Validate for PpoConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = rewards_problems(&self.rewards);
        let share = |number: f64| (0.0..=1.0).contains(&number);
        problems.extend(misfits(&[
            Check {
                key: "critic-lr",
                found: self.critic_lr,
                fits: self.critic_lr >= 0.0 && self.critic_lr.is_finite(),
                expected: "0 or more",
            },
            Check {
                key: "kl-weight",
                found: self.kl_weight,
                fits: self.kl_weight >= 0.0 && self.kl_weight.is_finite(),
                expected: "0 or more",
            },
            Check { key: "gamma", found: self.gamma, fits: share(self.gamma), expected: "0 to 1" },
            Check { key: "lambda", found: self.lambda, fits: share(self.lambda), expected: "0 to 1" },
            Check {
                key: "clip",
                found: self.clip,
                fits: self.clip > 0.0 && self.clip < 1.0,
                expected: "0 < clip < 1",
            },
        ]));
        if let Some(text) = &self.pretrain {
            let weight = text.weight;
            problems.extend(misfits(&[
                Check {
                    key: "pretrain.weight",
                    found: weight,
                    fits: weight >= 0.0 && weight.is_finite(),
                    expected: "0 or more",
                },
                Check {
                    key: "pretrain.rows",
                    found: text.rows as f64,
                    fits: text.rows >= 1,
                    expected: "at least 1",
                },
                Check {
                    key: "pretrain.seq-len",
                    found: text.seq_len as f64,
                    fits: text.seq_len >= 2,
                    expected: "at least 2",
                },
            ]));
        }
        if !self.rewards.is_empty() && self.critic_folder().is_none() {
            problems.push(
                "objective.critic: found none, expected the folder of a reward model that the critic starts from"
                    .to_owned(),
            );
        }
        problems.extend(few_answers(&self.rounds, self.rounds.prompts));
        problems.extend(self.rounds.problems());
        problems.extend(self.answer.problems());
        problems.extend(self.rollout.problems());
        problems
    }
}

#[cfg(test)]
mod tests;
