//! Reward models: a score for each conversation, learned from comparisons, with a system prompt for each domain of
//! preferences (COOL of InternLM2's report: conditional online reward model).
//!
//! | file | holds |
//! |---|---|
//! | `config` | which loss and penalty, the reward token, the system prompt of each domain |
//! | `read` | files of comparisons in every form of [`preference`](crate::preference), with their `domain` |
//! | `encode` | comparisons -> ids that end in the reward token, with counts of what was left out |
//! | `head` | a language model -> one with a value head, and the method of tuning that trains it |
//! | `loss` | ranking and penalty as functions of two scores, in f64, with their derivatives |
//! | `objective`, `score_stats` | the loss of a step for the trainer, and what it measures |
//! | `measure`, `evaluate` | the scores of a model on comparisons, and on files of them, by domain |
//! | `run` | a config -> a reward model, saved as `InternLM2ForRewardModel` |
//!
//! The loss of one pair, without a model:
//!
//! ```
//! use xtuner::reward::{PairLoss, Penalty, RankingLoss, RewardConfig};
//!
//! let config = RewardConfig::new(RankingLoss::Ranking).with_penalty(Penalty::None);
//! let PairLoss { loss, derivatives } = PairLoss::of(&config, [1.0, -1.0]);
//! // -log s(1 + 1)
//! assert!((loss - (1.0 + (-2.0_f64).exp()).ln()).abs() < 1e-12);
//! assert!(derivatives[0] < 0.0 && derivatives[1] == -derivatives[0]);
//! ```

mod config;
mod data;
mod encode;
mod evaluate;
mod head;
mod loss;
mod measure;
mod objective;
mod read;
mod run;
mod score_stats;

pub use config::{Penalty, RankingLoss, RewardConfig, RewardTokenConfig};
pub use data::{RewardData, load_pairs};
pub use encode::{EncodedPairs, PairStats, RewardEncoder, RewardPair, conversation_ids};
pub use evaluate::{EvaluateConfig, evaluate};
pub(crate) use head::{load, with_value_head_trained};
pub use loss::PairLoss;
pub use measure::{RewardMeasure, measure};
pub use objective::RewardObjective;
pub use read::{Comparison, read_comparisons};
pub use run::run;
pub use score_stats::ScoreStats;
