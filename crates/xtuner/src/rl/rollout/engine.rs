//! [`Rollout`]: the seam between training and whatever generates, with its requests and answers.

use internlm_model::TokenId;
use internlm_model::decoder::Decoder;
use internlm_model::sampling::SamplingConfig;
use serde::{Deserialize, Serialize};

use crate::Result;

/// One answer to be generated.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutRequest {
    /// Ids to continue, with the beginning of the answer's turn at their end.
    pub prompt: Vec<TokenId>,
    /// Seed of the random numbers of this answer; the one in `sampling` is not read.
    pub seed: u64,
    /// How tokens are chosen.
    pub sampling: SamplingConfig,
    /// Maximum number of generated tokens.
    pub max_tokens: usize,
    /// Ids that end an answer, of which they are the last.
    pub stop_ids: Vec<TokenId>,
}

/// One answer as the engine generated it.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutAnswer {
    /// The generated ids, at least one; with [`Finish::Stop`] the last one is the id that ended the answer.
    pub ids: Vec<TokenId>,
    /// Why the answer ended.
    pub finish: Finish,
    /// What the engine found the log-probability of each id to be, before any filter; `None` when it does not say.
    pub log_probs: Option<Vec<f32>>,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// A stop id was generated.
    Stop,
    /// The maximum number of tokens was generated.
    Length,
}

/// A generator of answers.
pub trait Rollout {
    /// Generates with the weights of `decoder`, which is without autodiff, from now on.
    ///
    /// # Errors
    /// Weights that cannot be written or that the engine does not take.
    fn update(&mut self, decoder: &Decoder) -> Result<()>;

    /// The answer to each request, in the same order.
    ///
    /// # Errors
    /// Requests that do not fit the model, and an engine that fails.
    fn answers(&mut self, requests: &[RolloutRequest]) -> Result<Vec<RolloutAnswer>>;

    /// Gives back the memory of the weights until the next [`Rollout::update`].
    ///
    /// # Errors
    /// An engine that fails.
    fn release(&mut self) -> Result<()> {
        Ok(())
    }
}
