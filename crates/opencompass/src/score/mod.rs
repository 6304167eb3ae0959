//! From answers to metrics: post-processors extract an answer, evaluators compare it. Everything here is pure,
//! so scoring again needs no model.

mod agent;
mod attack;
mod basic;
mod circular;
mod code;
mod entry;
mod evaluator;
mod exam;
mod instruct;
mod judge;
mod law;
mod long;
mod math;
mod needle;
pub mod post;
mod registry;
mod repeat;
mod scorer;
mod scores;
mod text;
mod verdict;

pub use crate::statistics::wilson;
pub use agent::{ImagePlanes, structural_similarity};
pub use basic::{CallCheck, check_call, exact_match, gsm8k_equal, lambada_correct, number_equal};
pub use entry::{EvaluatorEntry, Setup};
pub use evaluator::{Evaluate, FollowUp, Helper, Participant, Reading, ScoredItem};
pub use judge::{Battle, bradley_terry};
#[cfg(feature = "sandbox")]
pub(crate) use registry::runs_programs;
pub use registry::{evaluators, named_evaluator};
pub use repeat::{g_pass_at_k, mean_g_pass_at_k, pass_at_k};
pub use scorer::{Scored, Scorer, problems};
pub use scores::{Detail, Metrics, Scores};
pub use verdict::accuracy_scores;
