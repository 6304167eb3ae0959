//! From answers to metrics: post-processors extract, evaluators compare. Everything here is pure.

mod bits_per_byte;
mod evaluate;
mod exact_match;
mod gsm8k;
mod interval;
mod lambada;
mod number;
pub mod post;
mod tool_call;

pub use evaluate::{Detail, Metrics, Scores, accuracy_scores, problems, score};
pub use exact_match::exact_match;
pub use gsm8k::gsm8k_equal;
pub use interval::wilson;
pub use lambada::lambada_correct;
pub use number::number_equal;
pub use tool_call::{CallCheck, check_call};
