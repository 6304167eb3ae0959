//! From logits and ids to text: log-probabilities and stop strings.

mod logprob;
mod stop;

pub use logprob::{IdLogprob, TokenScores};
pub(crate) use logprob::{has_nan, scores};
pub(crate) use stop::StopMatcher;
