//! From logits to text: choosing ids, log-probabilities, stop strings, bytes of ids.

mod bytes;
mod logprob;
mod stop;

pub use bytes::token_bytes;
pub use logprob::{IdLogprob, TokenScores, has_nan, scores};
pub use stop::StopMatcher;
