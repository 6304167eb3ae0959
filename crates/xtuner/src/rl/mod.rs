//! Reinforcement learning: answers are generated, rewarded and learned from, round after round.
//!
//! [`run_grpo`] compares several answers to a prompt with each other, [`run_ppo`] uses a critic. Answers come from a
//! [`Rollout`]: an `lmdeploy` server or this process. Rewards are a weighted sum of judges, reward models and commands
//! ([`RewardSourceConfig`]). The losses are pure functions in f64 ([`policy_term`], [`kl_term`], [`group_advantages`],
//! [`Gae`]). A run that is killed resumes bit for bit: the answers of a round are on disk before it is learned from.
//!
//! An answer is one turn of the assistant. Prompts may offer tools, and then a call is an answer that can be judged; nobody
//! runs it. Judges that look for the final number of an answer refuse such prompts.
//!
//! [`pairs`] exports pairs of early and late answers for people to label; [`merge_labels`] adds what they said to the
//! preference data that a reward model is trained on.

mod advantage;
mod collect;
mod config;
mod costs;
mod experience;
mod gae;
mod grpo;
mod labels;
mod objective;
mod order;
mod policy;
mod ppo;
mod prepare;
mod prompt;
mod rollout;
mod round;
mod rounds;
mod rounds_config;
mod sample;
mod score;
mod session;

pub use advantage::{AdvantageKind, AdvantageSettings, GroupAnswer, group_advantages};
pub use config::{GrpoConfig, PpoConfig, PretrainGradientConfig};
pub(crate) use costs::{CriticCosts, RoundCosts};
pub use gae::{Gae, token_rewards};
pub use grpo::run_grpo;
pub use labels::{AnswerRecord, Pair, merge_labels, pairs, read_answers, write_lines};
pub use objective::{AnswerTokens, PolicyLoss, PolicyObjective, PolicyRow, ValueObjective};
pub use order::PromptOrder;
pub use policy::{Clip, KlEstimator, Term, is_clipped, kl_term, policy_term, ratio};
pub use ppo::run_ppo;
pub use prompt::{Prompt, prompts_fingerprint, read_prompts};
pub use rollout::{
    Finish, LocalRollout, Rollout, RolloutAnswer, RolloutConfig, RolloutRequest, ServedRollout,
};
pub use rounds_config::{AnswerConfig, Keep, RoundsConfig};
pub use sample::{SampleOptions, sample_answers};
pub use score::{Answered, Judge, RewardSourceConfig, Scored, Scorer};
