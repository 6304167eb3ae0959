//! From logits to text: log-probabilities and stop strings.
mod logprob;
mod stop;

pub use logprob::{IdLogprob, TokenScores, has_nan, scores};
pub use stop::StopMatcher;
