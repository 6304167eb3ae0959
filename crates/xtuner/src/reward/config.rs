//! [`RewardConfig`]: how a reward model learns, and the system prompt of each domain.

use std::collections::BTreeMap;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// A reward model: the table `[objective]` with `kind = "reward"`.
///
/// ```
/// use xtuner::reward::RewardConfig;
///
/// let text = "penalty-weight = 0.02\n[domains]\nharmlessness = 'Prefer the answer that does no harm.'";
/// let reward: RewardConfig = toml::from_str(text)?;
/// assert_eq!((reward.gamma(), reward.penalty_weight(), reward.domains.len()), (2.0, 0.02, 1));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RewardConfig {
    /// How two scores are compared, default `focal`. Upstream: `loss_type`, focal.
    pub loss: RankingLoss,
    /// Power g of `focal`: the larger, the less a pair counts that is already far apart; default 2. Upstream: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// What keeps scores inside of their bounds -5 and 5, default `log-barrier`. Upstream: `penalty_type`, `log_barrier`.
    pub penalty: Penalty,
    /// Factor l of the penalty, default 0.01. Upstream: `penalty_weight`, 0.01; InternLM2's report: 0.02.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty_weight: Option<f64>,
    /// Token at whose position the score is read, by text or id. Default: the one of a model that has a value head, else
    /// `[UNUSED_TOKEN_130]`, else `<|reserved_special_token_0|>`, else the end of a text. Upstream: `reward_token_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reward_token: Option<RewardTokenConfig>,
    /// System prompt of each domain, written before every conversation whose row has this `domain`; default none, which
    /// makes one unconditional model. It is saved with the model, because scores mean nothing without it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub domains: BTreeMap<String, String>,
}

/// How the scores of two answers are compared; `x` is the chosen one's minus the other's, `P = s(x)` its probability.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum RankingLoss {
    /// `-log P` (Bradley and Terry, 1952).
    Ranking,
    /// `-(1 - 2 max(0, P - 1/2))^g log P` (InternLM2's report): pairs that are hard count most.
    #[default]
    Focal,
}

/// What is added for each score `x`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum Penalty {
    /// `-(log(x + 5) + log(5 - x))`, with x at least 0.001 away from the bounds.
    #[default]
    #[serde(alias = "log_barrier")]
    LogBarrier,
    /// The square of the score: `x^2`.
    #[serde(alias = "L2")]
    L2,
    /// 0, for every score.
    None,
}

/// A token by its text or its id.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RewardTokenConfig {
    /// Id in the vocabulary.
    Id(u32),
    /// Text of a special token, such as `[UNUSED_TOKEN_130]`.
    Text(String),
}

impl RewardConfig {
    /// This comparison of scores with everything else at its default.
    #[must_use]
    pub fn new(loss: RankingLoss) -> Self {
        Self { loss, ..Self::default() }
    }

    /// The same model with this penalty on scores.
    #[must_use]
    pub fn with_penalty(self, penalty: Penalty) -> Self {
        Self { penalty, ..self }
    }

    /// The same model with this factor of the penalty.
    #[must_use]
    pub fn with_penalty_weight(self, weight: f64) -> Self {
        Self { penalty_weight: Some(weight), ..self }
    }

    /// The same model with this power of the focal loss.
    #[must_use]
    pub fn with_gamma(self, gamma: f64) -> Self {
        Self { gamma: Some(gamma), ..self }
    }

    /// The same model, whose score is at the token `token`.
    #[must_use]
    pub fn with_reward_token(self, token: RewardTokenConfig) -> Self {
        Self { reward_token: Some(token), ..self }
    }

    /// The same model with the system prompt `prompt` for conversations of the domain `domain`.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<String>, prompt: impl Into<String>) -> Self {
        self.domains.insert(domain.into(), prompt.into());
        self
    }

    /// g of the focal loss.
    #[must_use]
    pub fn gamma(&self) -> f64 {
        self.gamma.unwrap_or(2.0)
    }

    /// l of the penalty; 0 without one.
    #[must_use]
    pub fn penalty_weight(&self) -> f64 {
        if self.penalty == Penalty::None { 0.0 } else { self.penalty_weight.unwrap_or(0.01) }
    }
}

impl Validate for RewardConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let numbers = [("gamma", self.gamma), ("penalty-weight", self.penalty_weight)];
        for (key, value) in numbers {
            if let Some(value) = value.filter(|value| !(*value >= 0.0 && value.is_finite())) {
                problems.push(format!("objective.{key}: found {value}, expected 0 or more"));
            }
        }
        // A setting that the loss does not read would change nothing without a word.
        if self.gamma.is_some() && self.loss != RankingLoss::Focal {
            problems.push("objective.gamma: found with the loss \"ranking\", expected \"focal\"".to_owned());
        }
        if self.penalty_weight.is_some() && self.penalty == Penalty::None {
            let expected = "expected \"log-barrier\" or \"l2\"";
            problems.push(format!("objective.penalty-weight: found with the penalty \"none\", {expected}"));
        }
        let empty = self.domains.iter().filter(|(domain, prompt)| domain.is_empty() || prompt.is_empty());
        problems.extend(empty.map(|(domain, prompt)| {
            format!("objective.domains: found {domain:?} = {prompt:?}, expected a name and a system prompt")
        }));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_the_loss_does_not_read_are_refused() {
        let refused = |config: RewardConfig| config.problems().join("\n");
        assert_eq!(refused(RewardConfig::default()), "");
        let ranking = RewardConfig::new(RankingLoss::Ranking);
        assert!(refused(ranking.clone().with_gamma(1.0)).contains("objective.gamma: found with the loss"));
        let none = ranking.with_penalty(Penalty::None);
        assert_eq!((refused(none.clone()).as_str(), none.penalty_weight()), ("", 0.0));
        assert!(refused(none.with_penalty_weight(0.1)).contains("objective.penalty-weight: found with"));
        let focal = RewardConfig::new(RankingLoss::Focal);
        assert!(refused(focal.clone().with_gamma(-1.0)).contains("objective.gamma: found -1"));
        assert!(refused(focal.with_domain("code", "")).contains("objective.domains: found \"code\" = \"\""));
    }

    #[test]
    fn every_key_is_read_in_both_spellings() {
        let text = "loss = 'ranking'\npenalty = 'log_barrier'\nreward-token = 7";
        let config: RewardConfig = toml::from_str(text).expect("keys that exist");
        let token = RewardTokenConfig::Id(7);
        assert_eq!(config, RewardConfig::new(RankingLoss::Ranking).with_reward_token(token));
        let config: RewardConfig =
            toml::from_str("penalty = 'L2'\nreward-token = '</s>'").expect("keys that exist");
        assert_eq!(config.penalty, Penalty::L2);
        assert_eq!(config.reward_token, Some(RewardTokenConfig::Text("</s>".to_owned())));
        assert!(toml::from_str::<RewardConfig>("margin = 1").is_err());
    }
}
