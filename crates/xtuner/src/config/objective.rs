//! [`ObjectiveConfig`]: the table `[objective]`, what a run minimizes.

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

use crate::preference::PreferenceConfig;
use crate::reward::RewardConfig;
use crate::rl::{GrpoConfig, PpoConfig};

/// What a run minimizes; the default is supervised fine-tuning.
///
/// ```
/// use xtuner::ObjectiveConfig;
///
/// let text = "kind = 'preference'\nloss = 'orpo'";
/// let objective: ObjectiveConfig = toml::from_str(text)?;
/// assert!(matches!(objective, ObjectiveConfig::Preference(_)));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ObjectiveConfig {
    /// Cross entropy of the answers in the data.
    #[default]
    Sft,
    /// Comparisons of answers: DPO, ORPO, KTO, SimPO and others.
    Preference(Box<PreferenceConfig>),
    /// Comparisons of answers, scored by a reward model.
    Reward(Box<RewardConfig>),
    /// Policy optimization with the answers of a group as the baseline.
    Grpo(Box<GrpoConfig>),
    /// Policy optimization with a critic.
    Ppo(Box<PpoConfig>),
}

impl ObjectiveConfig {
    /// Whether this is the default, which files need not name.
    pub(super) fn is_sft(&self) -> bool {
        matches!(self, Self::Sft)
    }
}

impl Validate for ObjectiveConfig {
    fn problems(&self) -> Vec<String> {
        let problems = match self {
            Self::Sft => Vec::new(),
            Self::Preference(preference) => preference.problems(),
            Self::Reward(reward) => reward.problems(),
            Self::Grpo(grpo) => grpo.problems(),
            Self::Ppo(ppo) => ppo.problems(),
        };
        let named = |problem: String| match problem.starts_with("objective.") {
            true => problem,
            false => format!("objective.{problem}"),
        };
        problems.into_iter().map(named).collect()
    }
}
