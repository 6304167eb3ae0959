//! From answers to metrics: post-processors extract an answer, evaluators compare it. Everything here is pure,
//! so scoring again needs no model.

mod basic;
mod evaluator;
mod interval;
pub mod post;
mod registry;
mod scorer;
mod scores;
mod verdict;

pub use basic::{CallCheck, check_call, exact_match, gsm8k_equal, lambada_correct, number_equal};
pub use evaluator::{Evaluate, FollowUp, Helper, Reading, ScoredItem};
pub use interval::wilson;
pub use registry::{EvaluatorEntry, Setup, evaluator, evaluators};
pub use scorer::{Scored, Scorer, problems};
pub use scores::{Detail, Metrics, Scores};
pub use verdict::accuracy_scores;
