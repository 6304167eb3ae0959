//! From answers to metrics: post-processors extract an answer, evaluators compare it. Everything here is pure,
//! so scoring again needs no model.

mod evaluate;
mod exact;
mod interval;
pub mod post;
mod tool_call;

pub use evaluate::{Detail, Metrics, Scores, accuracy_scores, problems, score};
pub use exact::{exact_match, gsm8k_equal, lambada_correct, number_equal};
pub use interval::wilson;
pub use tool_call::{CallCheck, check_call};
